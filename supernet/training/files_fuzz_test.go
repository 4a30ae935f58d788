package training

import (
	"bytes"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

func FuzzTrainingState(f *testing.F) {
	w := onnx.StateDict{"a.weight": {Shape: []int{2, 1}, Data: []float32{1, 2}}, "bn." + counter: {Shape: []int{}, Data: []float32{3}}}
	s := state{position{Heaviest, 7, sums{Images: 3, Loss: 0.1}, 1}, w, onnx.StateDict{"a.weight": w["a.weight"]}, w}
	var file bytes.Buffer
	if err := s.write(&file); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Add(file.Bytes()[:file.Len()-3])
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
	f.Fuzz(func(t *testing.T, data []byte) {
		stages, err := decodeSettings(data)
		if err != nil {
			return
		}
		for stage, s := range stages {
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

func FuzzMetrics(f *testing.F) {
	f.Add(`{"stage":"heaviest","epoch":1,"step":50,"loss":2.1}` + "\n" + `{"stage":"heaviest","epoch":1,"st`)
	f.Add("\n")
	f.Fuzz(func(t *testing.T, text string) {
		whole := 0
		err := eachMetric(strings.NewReader(text), func(_ Metric, line []byte) { whole += len(line) })
		if err == nil && whole != strings.LastIndexByte(text, '\n')+1 {
			t.Fatalf("%d bytes of whole lines read of %q", whole, text)
		}
	})
}
