package evaluation

import (
	"context"
	"fmt"
	"maps"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// calibrationBatch is the number of images whose statistics are taken together;
// leastCalibration of them have a variance.
const (
	calibrationBatch = 100
	leastCalibration = 2
)

// calibrationBatch is [calibrationBatch], or all images where they are fewer, or
// for large images what memory allows.
func (im *Images) calibrationBatch() int {
	return max(leastCalibration, min(calibrationBatch, im.Len(), maxRunPixels/(im.Size*im.Size)))
}

// checkCalibration reports images that are too few.
func (im *Images) checkCalibration() error {
	if im.Len() < leastCalibration {
		return fmt.Errorf("%w: %s: calibrating on %d, expected at least %d", ErrImages, im.Name, im.Len(), leastCalibration)
	}
	return nil
}

// Calibrate returns the weights of a network with the running statistics of its
// batch normalisations measured anew: the mean over batches of 100 training
// images of the batch's means and unbiased variances, every layer before in
// training mode too. It is what PyTorch gathers with momentum None. The other
// tensors are shared with w. Images beyond whole batches are left out; up to 100
// are one batch, fewer than 2 an error.
func Calibrate(ctx context.Context, arch model.Architecture, w onnx.StateDict, im *Images) (onnx.StateDict, error) {
	if err := im.checkCalibration(); err != nil {
		return nil, err
	}
	batch := im.calibrationBatch()
	batches := im.Len() / batch
	g, moments, err := onnx.Statistics(arch, w, onnx.NetworkOptions{ImageSize: im.Size, Classes: im.Classes, Batch: batch})
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	session, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{})
	if err != nil {
		return nil, fmt.Errorf("calibrate: %w", err)
	}
	defer session.Close()
	x, err := session.Input(0)
	if err != nil {
		return nil, err
	}
	output := make(map[string][]float32)
	for i, v := range session.Outputs() {
		if output[v.Name], err = session.Output(i); err != nil {
			return nil, err
		}
	}
	out := maps.Clone(w)
	for _, m := range moments {
		for _, name := range []string{m.BN + ".running_mean", m.BN + ".running_var"} {
			out[name] = onnx.TensorData{Shape: w[m.BN+".weight"].Shape, Data: make([]float32, len(w[m.BN+".weight"].Data))}
		}
	}
	have := 0
	for c, err := range im.chunks(ctx, 0, batches*batch, batch) {
		if err != nil {
			return nil, err
		}
		// What is read from disk may come in smaller parts.
		have += copy(x[have:], c.x)
		if have < len(x) {
			continue
		}
		have = 0
		if err := session.Run(ctx); err != nil {
			return nil, err
		}
		for _, m := range moments {
			unbiased := float32(m.Values) / float32(max(1, m.Values-1))
			addScaled(out[m.BN+".running_mean"].Data, output[m.Mean], 1/float32(batches))
			addScaled(out[m.BN+".running_var"].Data, output[m.Var], unbiased/float32(batches))
		}
	}
	return out, nil
}

func addScaled(dst, src []float32, by float32) {
	for i, v := range src {
		dst[i] += v * by
	}
}
