package steps

import (
	"context"
	"strconv"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// Halved says what floats of 16 bits cost a network in accuracy, on images that no
// decision was made with; top-1 in percent. They are computed on the processor, which
// rounds weights as a card does, and values between operators where it likes.
type Halved struct {
	Images   int     `json:"images"`
	Data     string  `json:"data"`
	Top1     float64 `json:"top1"`
	FP32Top1 float64 `json:"fp32_top1"`
}

// checkHalved refuses what a network in halves cannot be exported with.
func (e *Exporting) checkHalved() error {
	for _, p := range exportingParams {
		switch p.Key {
		case "calibration", "percentile", "calibration_images":
			if e.Given[p.Key] {
				return requestf("%s is for precision %s", e.called(p), onnx.INT8)
			}
		}
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
// some.
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
	images, err := evaluation.Load(ctx, val, 0)
	if err != nil {
		return err
	}
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: r.ImageSize, Classes: r.Classes, Batch: evaluation.EvaluationImages(r.ImageSize)})
	if err != nil {
		return err
	}
	half, err := g.Half()
	if err != nil {
		return err
	}
	h := &Halved{}
	for i, g := range []*onnx.Graph{g, half} {
		n, err := evaluation.GraphNetwork(g, onnx.CPU)
		if err != nil {
			return err
		}
		v, err := evaluation.Validate(ctx, n, images, e.Threads, j, nil)
		n.Close()
		if err != nil {
			return err
		}
		*[]*float64{&h.FP32Top1, &h.Top1}[i] = v.Top1
		h.Images, h.Data = v.Images, v.Data
	}
	metadata["top1"], metadata["top1_images"], metadata["top1_data"] = strconv.FormatFloat(h.Top1, 'f', 2, 64), strconv.Itoa(h.Images), h.Data
	r.Halved = h
	if lost := h.FP32Top1 - h.Top1; lost > largeLoss {
		e.note("fp16 costs %.2f points: values of this network leave the range of halves", lost)
	}
	return nil
}
