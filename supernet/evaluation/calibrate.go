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
// batch normalisations measured anew: the mean, over batches of 100 training
// images, of the means and of the unbiased variances of a batch, every layer before
// in training mode too. It is what PyTorch gathers with momentum None. The other
// tensors are shared with w.
//
// Batches are of consecutive images and all of one size, whether images are in
// memory or come from disk in pieces: 100, or all images where they are fewer, or
// at large sizes what memory allows (83 at 224 pixels). Images beyond whole
// batches, and images that cannot be read, are left out; fewer than 2 are an error.
func Calibrate(ctx context.Context, arch model.Architecture, w onnx.StateDict, im *Images) (onnx.StateDict, error) {
	if err := im.checkCalibration(); err != nil {
		return nil, err
	}
	batch := im.calibrationBatch()
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
	sums := make(map[string][]float64)
	have, batches := 0, 0
	for c, err := range im.chunks(ctx, 0, im.Len(), batch) {
		if err != nil {
			return nil, err
		}
		// A piece may end within a batch, or reach into the next one.
		for piece := c.x; len(piece) > 0; {
			n := copy(x[have:], piece)
			have, piece = have+n, piece[n:]
			if have < len(x) {
				break
			}
			have = 0
			if err := session.Run(ctx); err != nil {
				return nil, err
			}
			batches++
			for _, m := range moments {
				addScaled(sums, m.BN+".running_mean", output[m.Mean], 1)
				addScaled(sums, m.BN+".running_var", output[m.Var], float64(m.Values)/float64(max(1, m.Values-1)))
			}
		}
	}
	if batches == 0 {
		return nil, fmt.Errorf("%w: %s: fewer than %d could be read to calibrate on", ErrImages, im.Name, batch)
	}
	out := maps.Clone(w)
	for name, sum := range sums {
		mean := onnx.TensorData{Shape: []int{len(sum)}, Data: make([]float32, len(sum))}
		for i, v := range sum {
			mean.Data[i] = float32(v / float64(batches))
		}
		out[name] = mean
	}
	return out, nil
}

func addScaled(sums map[string][]float64, name string, values []float32, by float64) {
	sum := sums[name]
	if sum == nil {
		sum = make([]float64, len(values))
		sums[name] = sum
	}
	for i, v := range values {
		sum[i] += float64(v) * by
	}
}
