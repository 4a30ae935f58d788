package steps

import (
	"context"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// checkHalved refuses what a network in halves cannot be exported with.
func (e *Exporting) checkHalved() error {
	if err := e.refuseINT8("calibration", "percentile", "calibration_images"); err != nil {
		return err
	}
	switch {
	case e.Check != "":
		return requestf("--check is for precision %s: in %s answers differ from those of the weights; --data says what that costs", onnx.FP32, onnx.FP16)
	case e.Data != "" && e.Checkpoint == "":
		return requestf("--data needs trained weights (--checkpoint): accuracies of random ones mean nothing")
	case e.Data != "" && !onnx.CanRun():
		return onnx.ErrNoCgo
	}
	return nil
}

// halve finds out what halves cost on the validation part of the data, where there is
// some. The processor rounds weights as a card does, and values between operators where
// it likes.
func (e *Exporting) halve(ctx context.Context, j *job.Job, arch model.Architecture, w onnx.Weights, r *Exported, metadata map[string]string) error {
	metadata["precision"] = string(onnx.FP16)
	delete(metadata, "top1") // of the weights: not of this file
	delete(metadata, "top1_images")
	delete(metadata, "top1_data")
	if e.Data == "" {
		return nil
	}
	if _, err := onnx.Open(e.Library); err != nil {
		return err
	}
	_, val, err := e.calibrationData(ctx, r)
	if err != nil {
		return err
	}
	h, err := e.judge(ctx, j, arch, w, r, val, metadata, (*onnx.Graph).Half)
	if err != nil {
		return err
	}
	r.Halved = &h
	if lost := h.lost(); lost > largeLoss {
		e.note("fp16 costs %.2f points: values of this network leave the range of halves", lost)
	}
	return nil
}
