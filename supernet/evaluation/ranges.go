package evaluation

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/onnx"
)

// Ranging is how the range that a value is quantised in is found from what it was
// on images.
type Ranging struct {
	// Entropy takes the range in which the 256 levels tell most of how values are
	// distributed: the least Kullback-Leibler divergence (Migacz, 8-bit inference
	// with TensorRT, GTC 2017).
	Entropy bool
	// Percentile is the share of the values in the range otherwise, half of the
	// rest at either end; 100 is all.
	Percentile float64
}

// The histograms of values: bins, and the levels of 8 bits.
const (
	rangeBins = 2048
	rangeFew  = 25 // of as many images as a run may have the values are kept, this many times fewer
)

// RangeImages is the number of images that the graph given to Ranges takes at once.
func RangeImages(imageSize int) int {
	return max(1, min(evaluationBatch, maxRunPixels/(imageSize*imageSize))/rangeFew)
}

// Ranges are those of the values of a float graph of a network that it is
// quantised by ([onnx.Graph.Quantised]), from what they are on images: least and
// greatest in a first pass, histograms in a second. The graph takes [RangeImages]
// images. ONNX Runtime must be loaded. A job may be nil.
func Ranges(ctx context.Context, g *onnx.Graph, im *Images, how Ranging, j *job.Job) (onnx.Calibrated, error) {
	observed := g.Observed()
	session, err := onnx.NewSession(observed.Marshal(), onnx.SessionOptions{Threads: runtime.NumCPU()})
	if err != nil {
		return nil, fmt.Errorf("ranges: %w", err)
	}
	defer session.Close()
	x, err := session.Input(0)
	if err != nil {
		return nil, fmt.Errorf("ranges: %w", err)
	}
	shape := session.Inputs()[0].Shape
	if im.Size != shape[2] || shape[0] != RangeImages(im.Size) {
		return nil, fmt.Errorf("ranges: %w: %s are images of %d pixels: the graph takes %v", ErrImages, im.Name, im.Size, shape)
	}
	values := make([]histogram, len(session.Outputs()))
	for i := range values {
		values[i] = histogram{low: math.MaxFloat32, high: -math.MaxFloat32}
	}
	pass := func(number int, take func(h *histogram, data []float32)) error {
		for c, err := range im.chunks(ctx, 0, im.Len(), shape[0]) {
			if err != nil {
				return err
			}
			copy(x, c.x)
			if err := session.Run(ctx); err != nil {
				return err
			}
			for i := range values {
				data, err := session.Output(i)
				if err != nil {
					return err
				}
				take(&values[i], data[:len(data)/shape[0]*len(c.labels)])
			}
			if j != nil {
				j.Progress(number*im.Len()+c.first+len(c.labels), 2*im.Len(), 0, "calibrating")
			}
		}
		return nil
	}
	if err = pass(0, (*histogram).extend); err == nil {
		err = pass(1, (*histogram).count)
	}
	if err != nil {
		return nil, fmt.Errorf("ranges: %w", err)
	}
	ranges := onnx.Calibrated{}
	for i, v := range session.Outputs() {
		if h := &values[i]; how.Entropy {
			ranges[v.Name] = h.entropy()
		} else {
			ranges[v.Name] = h.percentile(how.Percentile)
		}
	}
	return ranges, nil
}

// histogram is how often values lie where between the least and the greatest.
type histogram struct {
	low, high float32
	bins      [rangeBins]float64
}

func (h *histogram) extend(data []float32) {
	h.low, h.high = min(h.low, slices.Min(data)), max(h.high, slices.Max(data))
}

func (h *histogram) count(data []float32) {
	if !(h.high > h.low) {
		return
	}
	scale := rangeBins / (h.high - h.low)
	for _, v := range data {
		h.bins[min(int((v-h.low)*scale), rangeBins-1)]++
	}
}

// from is the range of bins a to b-1.
func (h *histogram) from(a, b int) onnx.Range {
	width := (h.high - h.low) / rangeBins
	r := onnx.Range{Min: h.low + float32(a)*width, Max: h.low + float32(b)*width}
	if b == rangeBins {
		r.Max = h.high
	}
	return r
}

// percentile is the range of a share of the values.
func (h *histogram) percentile(percent float64) onnx.Range {
	total := 0.0
	for _, n := range h.bins {
		total += n
	}
	outside := total * (1 - percent/100) / 2
	a, b := 0, rangeBins
	for sum := h.bins[a]; a < b-1 && sum <= outside; sum += h.bins[a] {
		a++
	}
	for sum := h.bins[b-1]; b > a+1 && sum <= outside; sum += h.bins[b-1] {
		b--
	}
	return h.from(a, b)
}

// entropy is the range, both ends drawn in towards zero alike, whose levels lose
// least of the distribution.
func (h *histogram) entropy() onnx.Range {
	const levels, steps = 256, 50
	if !(h.high > h.low) {
		return h.from(0, rangeBins)
	}
	bins := h.bins
	zero := int(max(0, min(rangeBins-1, -h.low*rangeBins/(h.high-h.low))))
	bins[zero] = max(bins[max(zero-1, 0)], bins[min(zero+1, rangeBins-1)]) // a level of its own keeps what ReLU cuts off
	best, least := h.from(0, rangeBins), math.Inf(1)
	for step := steps; step > 0; step-- {
		a, b := zero-zero*step/steps, zero+(rangeBins-zero)*step/steps
		if b-a < levels {
			break
		}
		p := slices.Clone(bins[a:b])
		q := make([]float64, len(p))
		for l := range levels {
			from, to := l*len(p)/levels, (l+1)*len(p)/levels
			sum, filled := 0.0, 0.0
			for _, n := range p[from:to] {
				if n > 0 {
					sum, filled = sum+n, filled+1
				}
			}
			for i := from; i < to; i++ {
				if p[i] > 0 {
					q[i] = sum / filled
				}
			}
		}
		for _, n := range bins[:a] {
			p[0] += n
		}
		for _, n := range bins[b:] {
			p[len(p)-1] += n
		}
		if d := divergence(p, q); d < least {
			best, least = h.from(a, b), d
		}
	}
	return best
}

// divergence is Kullback and Leibler's, of counts.
func divergence(p, q []float64) float64 {
	var sumP, sumQ, d float64
	for i := range p {
		sumP, sumQ = sumP+p[i], sumQ+q[i]
	}
	for i := range p {
		if p[i] > 0 {
			d += p[i] / sumP * math.Log(p[i]/sumP/max(q[i]/sumQ, 1e-12))
		}
	}
	return d
}
