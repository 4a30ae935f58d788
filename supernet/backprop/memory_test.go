package backprop

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/supernet"
)

// resident is the memory of the process that is in use, in MB.
func resident(t testing.TB) float64 {
	t.Helper()
	debug.FreeOSMemory()
	data, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("needs /proc: ", err)
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(data), &size, &pages); err != nil {
		t.Fatal(err)
	}
	return pages * float64(os.Getpagesize()) / 1e6
}

// A process may open and close engines as it likes: they leave nothing behind.
// Each fine-tunes another network, so that nothing has the size that it had
// before.
func TestClosedEnginesLeaveNothing(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const warm, engines, most = 2, 10, 60
	s, r := newSpace(t, 32), rand.New(rand.NewPCG(7, 7))
	w := supernet.Init{Seed: 1}.Weights(supernet.Layout(s, 10))
	x, labels := randomBatch(4, 32, 10)
	var after []float64
	for range engines {
		p := randomPath(s, r)
		e, err := NewEngine(s, 10, onDevice(Options{Batch: 4}))
		if err != nil {
			t.Fatal(err)
		}
		f, err := newTeacher(t, e, s, w).Features(context.Background(), x)
		if err != nil {
			t.Fatal(err)
		}
		n, err := e.Child(p, supernet.Init{Seed: 1}.Weights(supernet.ChildLayout(s, p, 10)))
		if err == nil {
			_, err = n.Step(context.Background(), x, labels, Loss{Teacher: f, KD: 2}, StepOptions{})
		}
		if err == nil {
			err = e.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		after = append(after, resident(t))
	}
	t.Logf("MB after each: %.0f", after)
	if grown := after[engines-1] - after[warm-1]; grown > most {
		t.Errorf("%.0f MB more after engine %d than after engine %d: expected at most %d; all: %.0f", grown, engines, warm, most, after)
	}
}

// A training may be as long as it likes.
func TestStepsLeaveNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds, and the race detector, which runs short tests, keeps memory of its own")
	}
	_, n, _ := smallest(t)
	const warm, steps, most = 100, 600, 16
	x, labels := randomBatch(4, 32, 10)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var before float64
	for i := range steps {
		if i == warm {
			before = resident(t)
		}
		n.ZeroGradients()
		if _, err := n.Step(ctx, x, labels, Loss{}, StepOptions{Dropout: 0.1, DropPath: 0.1, Seed: uint64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	if grown := resident(t) - before; grown > most {
		t.Errorf("%.1f MB more after step %d than after step %d: expected at most %d", grown, steps, warm, most)
	} else {
		t.Logf("%.1f MB more", grown)
	}
}
