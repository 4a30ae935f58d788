package training

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/supernet/dataset"

	"github.com/binas-tui/binas-tui/onnx"
)

func FuzzTrainingState(f *testing.F) {
	w := onnx.StateDict{"a.weight": {Shape: []int{2, 1}, Data: []float32{1, 2}}, "bn." + counter: {Shape: []int{}, Data: []float32{3}}}
	s := state{position{Stage: Heaviest, Step: 7, Since: sums{Images: 3, Loss: 0.1}, Validated: 1}, w, onnx.StateDict{"a.weight": w["a.weight"]}, w, "kernels off", onnx.Calibrated{"x": {Min: -1, Max: 2}}, stateOf{}}
	var file bytes.Buffer
	if err := s.write(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:file.Len()-3])
	// Of the version before, without a check sum, so that changes are looked at.
	old := bytes.Replace(file.Bytes(), []byte(`"checksum"`), []byte(`"chicksum"`), 1)
	old = bytes.Replace(old, []byte(`"version":"2"`), []byte(`"version":"1"`), 1)
	if _, err := decodeState(old); err != nil {
		f.Fatal(err)
	}
	f.Add(old)
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeState(data)
		if err != nil {
			return
		}
		settings := Small(Heaviest)
		if s.check(settings, 100) != nil {
			return
		}
		var again bytes.Buffer
		if err := s.write(&again); err != nil {
			t.Fatalf("a state that was read cannot be written: %v", err)
		}
		back, err := decodeState(again.Bytes())
		if err != nil || back.position != s.position || len(back.weights) != len(s.weights) || len(back.velocities) != len(s.velocities) {
			t.Fatalf("%+v read back as %+v: %v", s.position, back.position, err)
		}
	})
}

func FuzzRunSettings(f *testing.F) {
	f.Add([]byte(`{"format":"binas-tui-run","version":1,"stages":{"heaviest":{"stage":"heaviest","lr":0.1}}}`))
	f.Add([]byte(`{"format":"binas-tui-run","version":1,"stages":{}}`))
	whole, err := json.Marshal(runJSON{runFormat, runVersion, &dataset.Identity{Name: "a"}, &From{Run: "/r"}, map[Stage]Settings{Heaviest: Small(Heaviest), OneShot: Paper(OneShot)}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := decodeSettings(data)
		if err != nil {
			return
		}
		for stage, s := range file.Stages {
			if s.Check() != nil || s.Stage != stage {
				t.Fatalf("accepted %+v", s)
			}
			for epoch := range 5 {
				if lr := s.rate(epoch, 0, 10); !(lr >= 0 && lr <= maxLR) {
					t.Fatalf("rate %v at epoch %d of %+v", lr, epoch, s)
				}
			}
		}
	})
}

// FuzzMetrics opens any file as metrics: what is read is kept, what is added is
// read back, and what was damaged is gone after that.
func FuzzMetrics(f *testing.F) {
	f.Add(`{"stage":"heaviest","epoch":1,"step":50,"loss":2.1}` + "\n" + `{"stage":"heaviest","epoch":1,"st`)
	f.Add("\n")
	f.Add("half a line\n" + `{"stage":"heaviest","epoch":1,"step":50,"loss":2.1,"sum":"00000000"}` + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, metricsFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		before, lost, err := ReadMetrics(dir)
		if err != nil || lost.Count+len(before) != strings.Count(text, "\n") {
			t.Fatalf("%d lines, %s, %v", len(before), lost, err)
		}
		l, _, err := openMetrics(dir, "no stage", position{}, func(string) {})
		if err != nil {
			t.Fatal(err)
		}
		added := Metric{Stage: OneShot, Epoch: 1, Step: 7, Loss: 0.5}
		if err := l.add(added); err != nil {
			t.Fatal(err)
		}
		l.close()
		after, lost, err := ReadMetrics(dir)
		if err != nil || lost.Count != 0 || !reflect.DeepEqual(after, append(before, added)) {
			t.Fatalf("%+v, %s, %v: expected %+v and one more", after, lost, err, before)
		}
	})
}
