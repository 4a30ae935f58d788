package backprop

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

var (
	traces = flag.String("traces", "", "folder for the traces of ONNX Runtime's profiler, of benchmarks of a step")
	images = flag.Int("images", 0, "images of a step of BenchmarkTrainStep, in place of its own")
)

func randomBatch(batch, side, classes int) (x []float32, labels []int) {
	r := rand.New(rand.NewPCG(1, 2))
	x = make([]float32, batch*3*side*side)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for range batch {
		labels = append(labels, r.IntN(classes))
	}
	return x, labels
}

// BenchmarkTrainStep is a step of the heaviest network without the update:
// forward, loss and backward. MB is the memory of the process while it trains.
func BenchmarkTrainStep(b *testing.B) {
	for _, c := range []struct{ side, batch int }{{32, 64}, {64, 64}, {96, 64}, {128, 32}, {224, 8}} {
		b.Run(fmt.Sprintf("%dpx", c.side), func(b *testing.B) { benchmarkHeaviest(b, c.side, cmp.Or(*images, c.batch)) })
	}
	b.Run("224px, 64 images", func(b *testing.B) {
		if onnx.Target(*device).Kind() == onnx.CPU {
			b.Skip("for -device cuda: it takes 13 GB")
		}
		benchmarkHeaviest(b, 224, 64)
	})
}

func benchmarkHeaviest(b *testing.B, side, batch int) {
	onnxtest.Require(b)
	s := newSpace(b, side)
	p := s.HeaviestPath()
	e := newEngine(b, s, 10, Options{Batch: batch, Threads: 2, traces: *traces})
	n, err := e.Child(p, supernet.Init{Seed: 1}.Weights(supernet.ChildLayout(s, p, 10)))
	if err != nil {
		b.Fatal(err)
	}
	x, labels := randomBatch(batch, side, 10)
	step := func(seed uint64) {
		n.ZeroGradients()
		_, err := n.Step(context.Background(), x, labels, Loss{Smoothing: 0.1}, StepOptions{Dropout: 0.3, DropPath: 0.2, Seed: seed})
		if err != nil {
			b.Fatal(err)
		}
	}
	step(0)
	step(1)
	i := uint64(2)
	for b.Loop() {
		step(i)
		i++
	}
	report(b, batch)
}

func report(b *testing.B, batch int) {
	b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(resident(b), "MB")
}

// BenchmarkTrainStepOneShot is a step of the supernet without the update: a
// random path for the batch, distilled from the features and logits of the
// heaviest network, which runs in evaluation mode for every batch.
func BenchmarkTrainStepOneShot(b *testing.B) {
	benchmarkOneShot(b, func(n *Network, batch int, draw func() model.Path) error { return n.SetPath(draw()) })
}

// BenchmarkTrainStepOneShotPerImage is the same with a path for each image.
func BenchmarkTrainStepOneShotPerImage(b *testing.B) {
	benchmarkOneShot(b, func(n *Network, batch int, draw func() model.Path) error {
		paths := make([]model.Path, batch)
		for i := range paths {
			paths[i] = draw()
		}
		return n.SetPaths(paths)
	})
}

func benchmarkOneShot(b *testing.B, set func(n *Network, batch int, draw func() model.Path) error) {
	onnxtest.Require(b)
	const batch = 64
	s := newSpace(b, 32)
	e := newEngine(b, s, 10, Options{Batch: batch, Threads: 2})
	w := supernet.Init{Seed: 1}.Weights(supernet.Layout(s, 10))
	n, err := e.Supernet(w)
	if err != nil {
		b.Fatal(err)
	}
	teacher := newTeacher(b, e, s, w)
	x, labels := randomBatch(batch, 32, 10)
	r := rand.New(rand.NewPCG(3, 4))
	step := func(draw func() model.Path) {
		f, err := teacher.Features(context.Background(), x)
		if err != nil {
			b.Fatal(err)
		}
		if err := set(n, batch, draw); err != nil {
			b.Fatal(err)
		}
		n.ZeroGradients()
		loss := Loss{Smoothing: 0.1, Teacher: f, KD: 1, Features: 1.0 / 50}
		if _, err := n.Step(context.Background(), x, labels, loss, StepOptions{}); err != nil {
			b.Fatal(err)
		}
	}
	drawn := 0
	for range s.Options { // makes the sessions
		step(func() model.Path {
			p := s.HeaviestPath()
			for i := range p.Option {
				p.Option[i] = drawn % len(s.Options)
			}
			drawn++
			return p
		})
	}
	for b.Loop() {
		step(func() model.Path { return randomPath(s, r) })
	}
	report(b, batch)
}

// randomPath draws every decision uniformly.
func randomPath(s *model.Space, r *rand.Rand) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + r.IntN(s.NumDepths())
	}
	for i := range p.Option {
		p.Option[i] = r.IntN(s.NumOptions())
	}
	return p
}
