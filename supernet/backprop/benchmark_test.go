package backprop

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/supernet"
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
// forward, loss and backward.
func BenchmarkTrainStep(b *testing.B) {
	requireLibrary(b)
	const batch = 64
	s := newSpace(b, 32)
	p := supernet.HeaviestPath(s)
	e := newEngine(b, s, 10, Options{Batch: batch, Threads: 2})
	n, err := e.Child(p, supernet.NewChild(s, p, 10, 1))
	if err != nil {
		b.Fatal(err)
	}
	x, labels := randomBatch(batch, 32, 10)
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
	b.ReportMetric(batch*float64(b.N)/b.Elapsed().Seconds(), "images/s")
}
