package training

import (
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// TestStateReadsBack writes the state of a real network and reads it.
func TestStateReadsBack(t *testing.T) {
	w, _, _ := fiveMillion()
	w["bn1."+counter] = onnx.TensorData{Shape: []int{}, Data: []float32{12345}}
	s := state{position{OneShot, 77, sums{5, 2, 1.0 / 3, 0.1, 1e-300, 2}, 3}, w, onnx.StateDict{"bn.a": w["bn.b"]}, clone(w)}
	s.average["bn.a"].Data[7] = 42
	path := filepath.Join(t.TempDir(), "oneshot.state")
	if err := safefile.Replace(path, true, s.write); err != nil {
		t.Fatal(err)
	}
	back, ok, err := readState(path)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if back.position != s.position {
		t.Errorf("position %+v, want %+v", back.position, s.position)
	}
	for i, pair := range [][2]onnx.StateDict{{s.weights, back.weights}, {s.velocities, back.velocities}, {s.average, back.average}} {
		if len(pair[0]) != len(pair[1]) {
			t.Fatalf("part %d: %d tensors, want %d", i, len(pair[1]), len(pair[0]))
		}
		for name, tensor := range pair[0] {
			for k, v := range tensor.Data {
				if got := pair[1][name].Data[k]; got != v {
					t.Fatalf("part %d: %s[%d] = %v, want %v", i, name, k, got, v)
				}
			}
		}
	}
}

// BenchmarkCheckpoint writes the state of the supernet as a cancelled run
// does: the goal for all of that is 200 ms.
func BenchmarkCheckpoint(b *testing.B) {
	space, err := model.NewSpace("", 32)
	if err != nil {
		b.Fatal(err)
	}
	w := supernet.New(space, 10, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	s := state{position{Stage: OneShot, Step: rng.IntN(100)}, w, clone(w), clone(w)}
	path := filepath.Join(b.TempDir(), "oneshot.state")
	for b.Loop() {
		if err := safefile.Replace(path, false, s.write); err != nil {
			b.Fatal(err)
		}
	}
}

// A process can be killed after it wrote the validation of an epoch and before
// the checkpoint that knows of it. The validation is made again then, and its
// line must not stand there twice.
func TestMetricsPastTheCheckpointAreCutOff(t *testing.T) {
	dir := t.TempDir()
	l, _, err := openMetrics(dir, Heaviest, position{})
	if err != nil {
		t.Fatal(err)
	}
	scores := []Score{{Network: "heaviest", Top1: 50}}
	for _, m := range []Metric{
		{Stage: Heaviest, Epoch: 1, Step: 10, Loss: 2}, {Stage: Heaviest, Epoch: 1, Step: 10, Validation: scores},
		{Stage: Heaviest, Epoch: 2, Step: 20, Loss: 1}, {Stage: Heaviest, Epoch: 2, Step: 20, Validation: scores},
		{Stage: OneShot, Epoch: 1, Step: 30, Loss: 3},
	} {
		if err := l.add(m); err != nil {
			t.Fatal(err)
		}
	}
	l.close()
	for _, c := range []struct {
		at   position
		kept int // lines of the stage
	}{{position{Step: 20, Validated: 2}, 4}, {position{Step: 20, Validated: 1}, 3}, {position{Step: 15, Validated: 1}, 2}} {
		l, kept, err := openMetrics(dir, Heaviest, c.at)
		if err != nil {
			t.Fatal(err)
		}
		l.close()
		all, err := ReadMetrics(dir)
		if err != nil || len(kept) != c.kept || len(all) != c.kept+1 {
			t.Errorf("step %d, %d epochs validated: %d lines of %d, error %v: expected %d of %d", c.at.Step, c.at.Validated, len(kept), len(all), err, c.kept, c.kept+1)
		}
	}
}
