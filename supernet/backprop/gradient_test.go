package backprop

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/kernels"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// bench holds a segment's two sessions and a value for every key.
type bench struct {
	t                 *testing.T
	forward, backward *program
	values            map[string]*onnx.Tensor
}

func newBench(t *testing.T, s segment, batch int, of kernels.Set) *bench {
	t.Helper()
	e := newEngine(t, newSpace(t, 32), 10, Options{Batch: batch, Kernels: of})
	b := &bench{t: t, values: map[string]*onnx.Tensor{}}
	programs, err := e.compile(s)
	if err != nil {
		t.Fatal(err)
	}
	b.forward, b.backward = programs[0], programs[1]
	for _, p := range []*program{b.forward, b.backward} {
		for _, values := range []struct {
			keys []string
			of   []onnx.Value
		}{{p.ins, p.session.Inputs()}, {p.outs, p.session.Outputs()}} {
			for i, key := range values.keys {
				b.make(key, values.of[i].Shape)
			}
		}
	}
	return b
}

// make fills a value with random numbers that keep maps near 1 in size.
func (b *bench) make(key string, shape []int) {
	if b.values[key] != nil {
		return
	}
	v, err := onnx.NewTensor(nil, shape...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(v.Close)
	b.values[key] = v
	hash := fnv.New64()
	hash.Write([]byte(key))
	r := rand.New(rand.NewPCG(1, hash.Sum64()))
	spread, centre := 1.0, 0.0
	if strings.HasPrefix(key, "p:") {
		spread = 1 / math.Sqrt(float64(shape[1]))
		if strings.HasPrefix(key, "p:bn") && strings.HasSuffix(key, ".weight") {
			spread, centre = 0.2, 1
		}
	}
	mask := slices.ContainsFunc([]string{"use.", "squeeze", "gated", "plain", "norms"}, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
	for i := range v.Data {
		if v.Data[i] = float32(centre + spread*r.NormFloat64()); mask {
			v.Data[i] = float32(r.IntN(2))
		}
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
	b.run(b.forward)
	sum := 0.0
	for i, v := range b.values["out"].Data {
		sum += float64(v) * float64(b.values["dout"].Data[i])
	}
	return sum
}

// directions is along how many random directions a gradient is tested, beside its
// own: along that alone, parts that are missing do not show.
const directions = 8

// check compares the gradient of key with slopes of the loss, from differences:
// along the gradient, and along random signs, where the slope is their product. Of
// several widths the first that fits will do: kinks of the activations spoil wide
// ones, rounding narrow ones.
func (b *bench) check(key, gradient string) {
	b.t.Helper()
	v, g := b.values[key], append([]float32{}, b.values[gradient].Data...)
	at := append([]float32{}, v.Data...)
	norm := 0.0
	for _, x := range g {
		norm += float64(x) * float64(x)
	}
	norm = math.Sqrt(norm)
	r := rand.New(rand.NewPCG(7, uint64(len(g))))
	for n := range directions + 1 {
		along, want := make([]float64, len(g)), 0.0
		for j := range along {
			if along[j] = float64(g[j]) / norm; n > 0 {
				along[j] = float64(2*r.IntN(2) - 1)
			}
			want += along[j] * float64(g[j])
		}
		best := math.Inf(1)
		for _, width := range []float64{0.003, 0.001, 0.0003, 0.01, 0.0001, 0.03} {
			var losses [2]float64
			for i, sign := range []float64{1, -1} {
				for j := range at {
					v.Data[j] = at[j] + float32(sign*width*along[j])
				}
				losses[i] = b.loss()
			}
			if best = min(best, math.Abs((losses[0]-losses[1])/(2*width)-want)/norm); best < 3e-2 {
				break
			}
		}
		if !(best < 3e-2) {
			b.t.Errorf("gradient of %s: the slope along direction %d differs by %.2g of %.3g", key, n, best, norm)
			break
		}
	}
	copy(v.Data, at)
}

// The gradients of every kind of segment are the slopes of its forward pass, for
// all strides, kernels, activations, with and without squeeze-excite, whole and
// tiled maps, normalisation folded and direct.
func TestGradientsAreSlopes(t *testing.T) {
	eachKernels(t, func(t *testing.T, of kernels.Set) {
		for _, s := range testedSegments(t) {
			t.Run(s.key, func(t *testing.T) {
				b := newBench(t, s, testedBatch, of)
				b.run(b.forward)
				b.run(b.backward)
				gradients := 0
				for _, key := range b.backward.outs {
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
	})
}

// Every set of kernels gives what graphs of ordinary operators give.
func TestKernelsAreTheGraphs(t *testing.T) {
	onnxtest.Require(t)
	for _, s := range testedSegments(t) {
		want := newBench(t, s, testedBatch, kernels.Off)
		want.run(want.forward)
		want.run(want.backward)
		for _, of := range kernels.Available() {
			got := newBench(t, s, testedBatch, of)
			got.run(got.forward)
			got.run(got.backward)
			for _, key := range append(slices.Clone(want.forward.outs), want.backward.outs...) {
				if !strings.HasPrefix(key, "s:") {
					compare(t, fmt.Sprintf("%s: %s: %s", of, s.key, key), got.values[key].Data, want.values[key].Data, 2e-4)
				}
			}
		}
	}
}

const testedBatch = 6

// testedSegments are segments of every kind, with random weights and inputs that
// keep clear of edges of activations.
func testedSegments(t *testing.T) []segment {
	const batch = testedBatch
	space := newSpace(t, 32)
	first, last := space.FirstBlock(), space.LastBlock()
	first.Channels, last.Channels = 6, 50
	segments := []segment{
		stem(32, 16*batch),
		block(first, 8, 4, batch),
		block(first, 4, 17, batch),
		block(last, 6, 2, batch),
		block(last, 40, 1, batch),
		{key: "head", channels: 8, m: 4 * batch, layers: []layer{head{8, 5}}},
	}
	for _, c := range []struct {
		shape   model.BlockShape
		kernel  int
		squeeze float64
	}{
		{model.BlockShape{InChannels: 4, OutChannels: 6, Stride: 2, Resolution: 8, Activation: model.ReLU}, 3, 0},
		{model.BlockShape{InChannels: 4, OutChannels: 6, Stride: 2, Resolution: 7, Activation: model.HSwish}, 5, 0.25},
		{model.BlockShape{InChannels: 4, OutChannels: 4, Stride: 1, Resolution: 4, Activation: model.ReLU}, 5, 0.25},
		{model.BlockShape{InChannels: 4, OutChannels: 4, Stride: 1, Resolution: 14, Activation: model.HSwish}, 3, 0},
		{model.BlockShape{InChannels: 4, OutChannels: 6, Stride: 2, Resolution: 21, Activation: model.ReLU}, 5, 0},
		{model.BlockShape{InChannels: 4, OutChannels: 6, Stride: 2, Resolution: 30, Activation: model.ReLU}, 3, 0},
		{model.BlockShape{InChannels: 8, OutChannels: 8, Stride: 1, Resolution: 1, Activation: model.HSwish}, 5, 0.25},
		{model.BlockShape{InChannels: 8, OutChannels: 6, Stride: 2, Resolution: 2, Activation: model.HSwish}, 5, 0},
		{model.BlockShape{InChannels: 4, OutChannels: 4, Stride: 1, Resolution: 2, Activation: model.HSwish}, 3, 0.25},
	} {
		segments = append(segments, block(c.shape.Code(model.Option{Expansion: 3, Kernel: c.kernel, SERatio: c.squeeze}), c.shape.InChannels, c.shape.Resolution, batch))
		if c.squeeze > 0 {
			segments = append(segments, multiPathBlock(space, c.shape, 0b11, batch))
		}
	}
	return segments
}
