package training_test

import (
	"fmt"

	"github.com/binas-tui/binas-tui/supernet/training"
)

func Example() {
	s := training.Paper(training.Heaviest)
	schedule := training.Schedule{
		Kind: s.Sched, LR: s.LR, Epochs: s.Epochs, WarmupEpochs: s.WarmupEpochs, WarmupLR: s.WarmupLR,
		DecayEpochs: s.DecayEpochs, DecayRate: s.DecayRate,
	}
	for _, epoch := range []float64{0, 1, 3, 299} {
		fmt.Printf("epoch %3.0f: %.6f\n", epoch, schedule.At(epoch))
	}
	// Output:
	// epoch   0: 0.000001
	// epoch   1: 0.042667
	// epoch   3: 0.124160
	// epoch 299: 0.002930
}
