package backprop

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// bench holds a segment's two sessions and a value for every key.
type bench struct {
	t           *testing.T
	ahead, back *program
	values      map[string]*onnx.Tensor
}

func newBench(t *testing.T, s segment, batch int) *bench {
	t.Helper()
	e := newEngine(t, newSpace(t, 32), 10, Options{Batch: batch})
	b := &bench{t: t, values: map[string]*onnx.Tensor{}}
	var err error
	if b.ahead, err = e.program(s, false); err == nil {
		b.back, err = e.program(s, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	for _, p := range []*program{b.ahead, b.back} {
		for _, values := range []struct {
			keys []string
			of   []onnx.Value
		}{{p.ins, p.session.Inputs()}, {p.outs, p.session.Outputs()}} {
			for i, key := range values.keys {
				b.make(key, values.of[i].Shape, r)
			}
		}
	}
	return b
}

// make fills a value with random numbers that keep maps near 1 in size.
func (b *bench) make(key string, shape []int, r *rand.Rand) {
	if b.values[key] != nil {
		return
	}
	v, err := onnx.NewTensor(nil, shape...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(v.Close)
	b.values[key] = v
	spread, centre := 1.0, 0.0
	if strings.HasPrefix(key, "p:") {
		spread = 1 / math.Sqrt(float64(shape[1]))
		if strings.HasPrefix(key, "p:bn") && strings.HasSuffix(key, ".weight") {
			spread, centre = 0.2, 1
		}
	}
	for i := range v.Data {
		v.Data[i] = float32(centre + spread*r.NormFloat64())
	}
}

func (b *bench) run(p *program) {
	b.t.Helper()
	var in, out []*onnx.Tensor
	for _, key := range p.ins {
		in = append(in, b.values[key])
	}
	for _, key := range p.outs {
		out = append(out, b.values[key])
	}
	if err := p.session.RunTensors(context.Background(), in, out); err != nil {
		b.t.Fatal(err)
	}
}

// loss is the result weighted by dout.
func (b *bench) loss() float64 {
	b.t.Helper()
	b.run(b.ahead)
	sum := 0.0
	for i, v := range b.values["out"].Data {
		sum += float64(v) * float64(b.values["dout"].Data[i])
	}
	return sum
}

// check compares the gradient of key with the slope of the loss along it, from
// differences of several widths: kinks of the activations spoil wide ones,
// rounding narrow ones.
func (b *bench) check(key, gradient string) {
	b.t.Helper()
	v, g := b.values[key], append([]float32{}, b.values[gradient].Data...)
	at := append([]float32{}, v.Data...)
	norm := 0.0
	for _, x := range g {
		norm += float64(x) * float64(x)
	}
	norm = math.Sqrt(norm)
	best := math.Inf(1)
	for _, width := range []float64{0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001} {
		var losses [2]float64
		for i, sign := range []float64{1, -1} {
			for j := range at {
				v.Data[j] = at[j] + float32(sign*width*float64(g[j])/norm)
			}
			losses[i] = b.loss()
		}
		slope := (losses[0] - losses[1]) / (2 * width)
		best = min(best, math.Abs(slope-norm)/norm)
	}
	copy(v.Data, at)
	if !(best < 1e-2) {
		b.t.Errorf("gradient of %s: slope differs by %.2g, of %.3g", key, best, norm)
	}
}

// The gradients of every kind of segment are the slopes of its forward pass, for
// all strides, kernels, activations, with and without squeeze-excite, whole and
// tiled maps, normalisation folded and direct.
func TestGradientsAreSlopes(t *testing.T) {
	onnxtest.Require(t)
	const batch = 6
	segments := []segment{
		stem{8, 16 * batch},
		separable{8, 4, 4, batch},
		separable{4, 4, 17, batch},
		last{6, 12, 4 * batch},
		last{40, 12, batch},
		head{8, 20, 5, 4, batch},
	}
	for _, r := range []residual{
		{in: 4, mid: 12, out: 6, kernel: 3, stride: 2, side: 8, act: relu},
		{in: 4, mid: 12, out: 6, kernel: 5, stride: 2, side: 7, act: hswish, squeezed: 8},
		{in: 4, mid: 12, out: 4, kernel: 5, stride: 1, side: 4, act: relu, squeezed: 8},
		{in: 4, mid: 12, out: 4, kernel: 3, stride: 1, side: 14, act: hswish},
		{in: 4, mid: 8, out: 6, kernel: 5, stride: 2, side: 21, act: relu},
		{in: 4, mid: 8, out: 6, kernel: 3, stride: 2, side: 30, act: relu},
		{in: 8, mid: 24, out: 8, kernel: 5, stride: 1, side: 1, act: hswish, squeezed: 8},
		{in: 8, mid: 24, out: 6, kernel: 5, stride: 2, side: 2, act: hswish},
		{in: 4, mid: 12, out: 4, kernel: 3, stride: 1, side: 2, act: hswish, squeezed: 8},
	} {
		r.batch = batch
		segments = append(segments, r)
	}
	for _, s := range segments {
		t.Run(fmt.Sprintf("%T %v", s, s), func(t *testing.T) {
			b := newBench(t, s, batch)
			b.run(b.ahead)
			b.run(b.back)
			gradients := 0
			for _, key := range b.back.outs {
				switch local, ok := strings.CutPrefix(key, "g:"); {
				case ok:
					b.check("p:"+local, key)
				case key == "dx":
					b.check("x", key)
				}
				gradients++
			}
			if gradients < 3 {
				t.Errorf("%d gradients", gradients)
			}
		})
	}
}
