package steps

import (
	"errors"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Steps that evaluate run on any device; those that train on the processor and on cards
// of CUDA, and say so of another.
func TestDeviceOfSteps(t *testing.T) {
	for _, s := range []Step{Sample, Contribute, Validate, Heaviest, OneShot, FineTune} {
		task := New(s)
		if err := Give(task, "device", "cuda:1"); err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if device, err := task.Shared().device(); err != nil || device != "cuda:1" {
			t.Errorf("%s: %s, %v", s, device, err)
		}
		// as a form sets it: what is refused leaves what was there
		v, _ := task.Values().Named("device")
		if err := v.Set("quantum"); err == nil || !strings.Contains(err.Error(), "expected one of") || v.String() != "cuda:1" {
			t.Errorf("%s: a device that is none: %v, now %s", s, err, v)
		}
	}
	c := Common{Device: "quantum"}
	if _, err := c.device(); !errors.Is(err, ErrRequest) || !strings.HasPrefix(err.Error(), "--device: ") {
		t.Error(err)
	}
	trained := NewTraining(training.Heaviest)
	for device, refused := range map[string]bool{"": false, string(onnx.CPU): false, "cuda": false, "cuda:1": false, "directml": true, "xnnpack": true, "quantum": true} {
		trained.Device = device
		if _, err := trained.trains(); (err != nil) != refused || refused && !errors.Is(err, ErrRequest) {
			t.Errorf("training on %q: %v", device, err)
		}
	}
	trained.Device, trained.Ranks = "cuda", severalRanks{mpi.Alone()}
	if _, err := trained.trains(); !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), "over several ranks") {
		t.Error(err)
	}
	r := &run{task: NewPipeline(), PipelineSettings: DigitsPipeline()}
	if err := Give(r.task, "device", "cuda:1"); err != nil {
		t.Fatal(err)
	}
	if trains, judges := r.training(training.OneShot), r.source(); trains.Device != "cuda:1" || judges.Device != "cuda:1" {
		t.Errorf("a pipeline on cuda:1 trains on %q and evaluates on %q", trains.Device, judges.Device)
	}
	info := New(Sample).(*Sampling)
	info.recorded(model.EvaluationInfo{Device: "cuda"})
	if info.Device != "cuda" {
		t.Errorf("records of cuda are resumed on %q", info.Device)
	}
}

type severalRanks struct{ mpi.Comm }

func (severalRanks) Size() int { return 2 }
