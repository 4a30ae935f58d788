package evaluation

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/npytest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet"
)

// The supernet of testdata has random weights; its children's answers were
// computed by BINAS's own code.
const golden = "../testdata"

const supernetFile = golden + "/supernet_raw.pth"

func read(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(golden, name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// array reads a .npy file of float32.
func array(t testing.TB, name string) []float32 {
	t.Helper()
	return npytest.Read(t, filepath.Join(golden, name)).Floats
}

var weights = sync.OnceValues(func() (supernet.Checkpoint, error) {
	data, err := os.ReadFile(supernetFile)
	if err != nil {
		return supernet.Checkpoint{}, err
	}
	return supernet.Decode(data)
})

// child is one of the golden networks.
type child struct {
	Name, Arch string
}

func children(t testing.TB) []child {
	t.Helper()
	var file struct{ Children []child }
	if err := json.Unmarshal(read(t, "children.json"), &file); err != nil {
		t.Fatal(err)
	}
	return file.Children
}

// noise is n images of random pixels in 10 classes.
func noise(t testing.TB, n int, seed uint64) *Images {
	t.Helper()
	return noiseOf(t, 32, n, seed)
}

func noiseOf(t testing.TB, side, n int, seed uint64) *Images {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	x, labels := make([]float32, n*3*side*side), make([]int, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := range labels {
		labels[i] = r.IntN(10)
	}
	im := kept("noise", x, labels)
	im.Size = side
	return im
}

// kept are images of 32 pixels in 10 classes, in memory.
func kept(name string, x []float32, labels []int) *Images {
	im := &Images{Name: name, Size: 32, Classes: 10, x: x, labels: labels, positions: make([]int, len(labels))}
	for i := range im.positions {
		im.positions[i] = i
	}
	return im
}

// evaluator asks the golden supernet about n images of noise.
func evaluator(t testing.TB, n int) *Evaluator {
	t.Helper()
	onnxtest.Require(t)
	c, err := weights()
	if err != nil {
		t.Fatal(err)
	}
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	return &Evaluator{Space: s, Weights: c.Weights, Images: noise(t, n, 1), Threads: 2, WeightsSum: "golden"}
}

// do runs work as a job and returns its result.
func do[T any](ctx context.Context, work func(context.Context, *job.Job) (T, error)) (T, error) {
	var (
		runner job.Runner
		out    T
		err    error
	)
	j := runner.Start(ctx, "test", func(ctx context.Context, j *job.Job) (any, error) {
		out, err = work(ctx, j)
		return out, err
	})
	<-j.Ended()
	return out, err
}
