package training

import "math"

// The kinds of schedules, as the paper's --sched names them.
const (
	StepSchedule   = "step"
	CosineSchedule = "cosine"
)

// Schedule is the learning rate over the epochs of a stage. It is a function
// of the epoch alone, so that a run that is resumed has the rate of one that
// was not.
type Schedule struct {
	Kind         string  // StepSchedule or CosineSchedule
	LR           float64 // highest rate
	MinLR        float64 // floor of the cosine
	Epochs       int     // in which the cosine falls to its floor
	WarmupEpochs int     // in which the rate rises from WarmupLR to LR, linearly
	WarmupLR     float64
	DecayEpochs  float64 // of StepSchedule: every so many epochs …
	DecayRate    float64 // … the rate is multiplied by this
}

// At is the rate at an epoch, counted from 0. The original sets the rate once
// an epoch: it asks for whole numbers; others give a smooth rate. The
// decay counts from epoch 0, hidden under the warm-up, as in the original.
func (s Schedule) At(epoch float64) float64 {
	if epoch < float64(s.WarmupEpochs) {
		return s.WarmupLR + epoch*(s.LR-s.WarmupLR)/float64(s.WarmupEpochs)
	}
	if s.Kind == StepSchedule {
		return s.LR * math.Pow(s.DecayRate, math.Floor(epoch/s.DecayEpochs))
	}
	if epoch >= float64(s.Epochs) {
		return s.MinLR
	}
	return s.MinLR + (s.LR-s.MinLR)/2*(1+math.Cos(math.Pi*epoch/float64(s.Epochs)))
}
