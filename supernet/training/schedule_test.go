package training

import (
	"encoding/json"
	"math"
	"os"
	"testing"
)

// TestSchedulesAreThoseOfThePaper compares with the rates that the original's
// optimiser gets in its three training commands.
func TestSchedulesAreThoseOfThePaper(t *testing.T) {
	data, err := os.ReadFile("testdata/learning_rates.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]float64
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for stage, s := range map[string]Settings{
		"heaviest": Paper(Heaviest), "multipath": Paper(OneShot), "finetune": Paper(FineTune),
	} {
		if got := s.TotalEpochs(); got != len(want[stage]) {
			t.Errorf("%s: %d epochs, want %d", stage, got, len(want[stage]))
		}
		for epoch, lr := range want[stage] {
			if got := s.schedule().At(float64(epoch)); math.Abs(got-lr) > 1e-12*lr {
				t.Errorf("%s: epoch %d: %v, want %v", stage, epoch, got, lr)
			}
		}
	}
}

func TestRatesWithinAnEpochAreSmooth(t *testing.T) {
	s := Schedule{Kind: CosineSchedule, LR: 0.1, Epochs: 4, WarmupEpochs: 1, MinLR: 0.001}
	before := s.At(0)
	for e := 0.01; e < 6; e += 0.01 {
		now := s.At(e)
		if step := math.Abs(now - before); step > 0.02 {
			t.Fatalf("epoch %.2f: %v after %v", e, now, before)
		}
		before = now
	}
	if before != s.MinLR {
		t.Errorf("ends at %v", before)
	}
}
