package training

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// TestStateReadsBack writes the state of a real network and reads it.
func TestStateReadsBack(t *testing.T) {
	w, _, _ := fiveMillion()
	w["bn1."+counter] = onnx.TensorData{Shape: []int{}, Data: []float32{12345}}
	s := state{position{OneShot, 77, sums{5, 2, 1.0 / 3, 0.1, 1e-300, 2}, 3, 1.0 / 3, 2}, w, onnx.StateDict{"bn.a": w["bn.b"]}, clone(w), "kernels off", onnx.Calibrated{"x": {Min: -0.1, Max: 1.0 / 3}}, newStateOf(fakeSettings(), &dataset.Identity{Fingerprint: "abc"})}
	s.average["bn.a"].Data[7] = 42
	path := filepath.Join(t.TempDir(), "oneshot.state")
	if err := safefile.Replace(path, true, s.write); err != nil {
		t.Fatal(err)
	}
	back, ok, err := readState(path)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if back.position != s.position || back.computed != s.computed || !maps.Equal(back.ranges, s.ranges) || !reflect.DeepEqual(back.of, s.of) {
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
	w := supernet.Init{Seed: 1}.Weights(supernet.Layout(space, 10))
	rng := rand.New(rand.NewPCG(1, 1))
	s := state{position{Stage: OneShot, Step: rng.IntN(100)}, w, clone(w), clone(w), "", nil, stateOf{}}
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
	l, _, err := openMetrics(dir, Heaviest, position{}, nil)
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
		l, kept, err := openMetrics(dir, Heaviest, c.at, nil)
		if err != nil {
			t.Fatal(err)
		}
		l.close()
		all, _, err := ReadMetrics(dir)
		if err != nil || len(kept) != c.kept || len(all) != c.kept+1 {
			t.Errorf("step %d, %d epochs validated: %d lines of %d, error %v: expected %d of %d", c.at.Step, c.at.Validated, len(kept), len(all), err, c.kept, c.kept+1)
		}
	}
}

// interrupted is a folder whose run ended after step 26: its last state is of that
// step, the one before of the end of the second epoch.
func interrupted(t *testing.T, folder string) (last, before []byte) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l := &linear{before: func(step int) error {
		if step == 26 {
			cancel()
		}
		return ctx.Err()
	}}
	if _, err := fakeTrain(ctx, folder, fakeSettings(), l, nil); err == nil {
		t.Fatal("not stopped")
	}
	for _, file := range []struct {
		name string
		step int
		data *[]byte
	}{{"heaviest.state", 26, &last}, {"heaviest.state.previous", 20, &before}} {
		s, ok, err := readState(filepath.Join(folder, file.name))
		if err != nil || !ok || s.Step != file.step {
			t.Fatalf("%s of step %d, %v: expected %d", file.name, s.Step, err, file.step)
		}
		*file.data = readFile(t, filepath.Join(folder, file.name))
	}
	return last, before
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func writeFiles(t *testing.T, folder string, files map[string][]byte) {
	t.Helper()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// A run whose last state is damaged, anywhere and however, goes on from the one
// before, says so, and ends like an unbroken one.
func TestDamagedStates(t *testing.T) {
	whole, folder := t.TempDir(), t.TempDir()
	if _, err := fakeTrain(context.Background(), whole, fakeSettings(), &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	last, before := interrupted(t, folder)
	metrics := readFile(t, filepath.Join(folder, metricsFile))
	goOn := func(what string, damaged []byte, word string) {
		t.Helper()
		writeFiles(t, folder, map[string][]byte{"heaviest.state": damaged, "heaviest.state.previous": before, metricsFile: metrics})
		if damaged == nil {
			os.Remove(filepath.Join(folder, "heaviest.state"))
		}
		var said []string
		_, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, func(o *Options) {
			o.Log = func(line string) { said = append(said, line) }
		})
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if len(said) == 0 || !strings.Contains(said[0], "heaviest.state") || !strings.Contains(said[0], word) || !strings.Contains(said[0], "step 20") {
			t.Fatalf("%s: said %q", what, said)
		}
		sameRun(t, what, whole, folder)
		if damaged != nil && !bytes.Equal(readFile(t, filepath.Join(folder, "heaviest.state.damaged")), damaged) {
			t.Errorf("%s: the damaged file was not kept", what)
		}
	}
	step := 3
	if testing.Short() {
		step = 50
	}
	for at := 0; at < len(last); at += step {
		damaged := bytes.Clone(last)
		damaged[at] ^= 1 << (at % 8)
		goOn(fmt.Sprintf("bit %d of byte %d", at%8, at), damaged, "not a usable training state")
	}
	for _, n := range []int{0, 1, 8, 100, len(last) / 2, len(last) - 1} {
		goOn(fmt.Sprintf("cut after %d bytes", n), last[:n], "not a usable training state")
	}
	goOn("zeros at the end", append(bytes.Clone(last[:len(last)-40]), make([]byte, 40)...), "not a usable training state")
	goOn("the wrong file", []byte("anything"), "not a usable training state")
	goOn("gone", nil, "is gone")
}

// A run that goes on with other kernels, or another library, says so, and one that
// goes on with the same does not.
func TestOtherKernelsAreSaid(t *testing.T) {
	onnxtest.Require(t)
	if card := (Options{Target: onnx.CUDA}).computing(); !strings.HasPrefix(card, "cuda (") {
		t.Errorf("a card computes with %q", card)
	}
	now := Options{}.computing()
	for _, computed := range []string{now, "", "kernels another and ONNX Runtime 9.9"} {
		folder := t.TempDir()
		interrupted(t, folder)
		path := filepath.Join(folder, "heaviest.state")
		s, _, err := readState(path)
		if err != nil || s.computed != now || !strings.Contains(s.computed, "kernels") {
			t.Fatalf("computed with %q, %v", s.computed, err)
		}
		s.computed = computed
		if err := safefile.Replace(path, true, s.write); err != nil {
			t.Fatal(err)
		}
		said := ""
		_, err = fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, func(o *Options) {
			o.Log = func(line string) { said += line + "\n" }
		})
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(said, "up to step 26") != (computed != now) || !strings.Contains(said, computed) && computed != now {
			t.Errorf("computed with %q and with %q now: said %q", computed, now, said)
		}
	}
}

// A state that was copied from a run on other data, or with other settings, is
// refused; one of a version that did not say is taken, which is said.
func TestStatesOfOtherRuns(t *testing.T) {
	onnxtest.Require(t)
	for what, c := range map[string]struct {
		change  func(*stateOf)
		refused string
		said    string
	}{
		"its own":        {func(*stateOf) {}, "", ""},
		"other data":     {func(o *stateOf) { o.Data = "another" }, "it is of another run, on other data", ""},
		"other settings": {func(o *stateOf) { o.Settings["seed"] = json.Number("77") }, "it is of another run: seed is 77 there", ""},
		"a setting more": {func(o *stateOf) { o.Settings["mixup"] = json.Number("0.2") }, "it is of another run: mixup is 0.2 there", ""},
		"a setting less": {func(o *stateOf) { delete(o.Settings, "batch_size") }, "it is of another run: batch_size is ", ""},
		"an older one":   {func(o *stateOf) { *o = stateOf{} }, "", "was written by an older version"},
	} {
		folder := t.TempDir()
		interrupted(t, folder)
		path := filepath.Join(folder, "heaviest.state")
		s, _, err := readState(path)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&s.of)
		if err := safefile.Replace(path, true, s.write); err != nil {
			t.Fatal(err)
		}
		said := ""
		_, err = fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, func(o *Options) {
			o.Log = func(line string) { said += line + "\n" }
			o.Data = &dataset.Identity{Fingerprint: "this"}
		})
		if (err != nil) != (c.refused != "") || err != nil && (!errors.Is(err, ErrState) || !strings.Contains(err.Error(), c.refused)) {
			t.Errorf("%s: %v, expected %q", what, err, c.refused)
		}
		if strings.Contains(said, "older version") != (c.said != "") {
			t.Errorf("%s: said %q", what, said)
		}
	}
}

// Where both states are damaged nothing goes on, and nothing is changed.
func TestTwoDamagedStates(t *testing.T) {
	folder := t.TempDir()
	last, before := interrupted(t, folder)
	last[len(last)-9] ^= 4
	for what, older := range map[string][]byte{"damaged": before[:len(before)-1], "not there": nil} {
		files := map[string][]byte{"heaviest.state": last, "heaviest.state.previous": older}
		writeFiles(t, folder, files)
		if older == nil {
			os.Remove(filepath.Join(folder, "heaviest.state.previous"))
			delete(files, "heaviest.state.previous")
		}
		_, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, nil)
		if !errors.Is(err, ErrState) || !strings.Contains(err.Error(), "check sum") || strings.Contains(err.Error(), "\n") {
			t.Errorf("the one before %s: %v", what, err)
		}
		for name, data := range files {
			if !bytes.Equal(readFile(t, filepath.Join(folder, name)), data) {
				t.Errorf("the one before %s: %s was changed", what, name)
			}
		}
	}
	// The last one gone and the one before damaged: not begun anew.
	if err := os.Remove(filepath.Join(folder, "heaviest.state")); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, folder, map[string][]byte{"heaviest.state.previous": before[1:]})
	if _, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, nil); !errors.Is(err, ErrState) {
		t.Errorf("only a damaged one before: %v", err)
	}
}

// A damaged line of the metrics is lost, and said; the others are not, and the run
// goes on.
func TestDamagedMetrics(t *testing.T) {
	whole, folder := t.TempDir(), t.TempDir()
	if _, err := fakeTrain(context.Background(), whole, fakeSettings(), &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	interrupted(t, folder)
	want := lines(t, whole)
	file := filepath.Join(folder, metricsFile)
	data := bytes.SplitAfter(readFile(t, file), []byte("\n"))
	data[3] = append(data[3][:20], data[3][40:]...)
	writeFiles(t, folder, map[string][]byte{metricsFile: bytes.Join(data, nil)})
	if have, lost, err := ReadMetrics(folder); err != nil || lost.Count != 1 || lost.Lines[0] != 4 || len(have) != len(data)-2 {
		t.Errorf("%d lines, %s, %v", len(have), lost, err)
	}
	var said []string
	_, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, func(o *Options) {
		o.Log = func(line string) { said = append(said, line) }
	})
	if err != nil || !strings.Contains(strings.Join(said, "\n"), "line 4 is damaged") {
		t.Errorf("said %q, %v", said, err)
	}
	if have := lines(t, folder); strings.Join(have, "\n") != strings.Join(append(want[:3:3], want[4:]...), "\n") {
		t.Errorf("the metrics became\n%s", strings.Join(have, "\n"))
	}
}

// A state of another head says which file is wrong.
func TestStateOfAnotherNetwork(t *testing.T) {
	folder := t.TempDir()
	interrupted(t, folder)
	other := func(context.Context, Settings, Options, onnx.StateDict) (trainee, error) {
		return nil, fmt.Errorf("child: %w", onnx.ErrTensorShape)
	}
	_, err := train(context.Background(), fakeSettings(), Options{Folder: folder, CheckpointEvery: time.Hour}, &clusters{steps: fakeSteps, batch: 16}, other)
	if !errors.Is(err, ErrState) || !strings.Contains(err.Error(), filepath.Join(folder, "heaviest.state")) {
		t.Errorf("%v", err)
	}
}
