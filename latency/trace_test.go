package latency

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"testing"
)

// twoRuns is a trace as ONNX Runtime 1.27 writes it, of a small model.
func twoRuns(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/trace.json")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDecodeTrace(t *testing.T) {
	full := twoRuns(t)
	trace, err := decodeTrace(full)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"conv_stem_nchwc", "blocks.1.0.conv_pw_nchwc", "Mul_2"}; !slices.Equal(trace.Nodes, want) {
		t.Errorf("nodes %v: expected %v", trace.Nodes, want)
	}
	if want := [][]float64{{0.285, 0.104, 0.01}, {0.25, 0.1, 0.009}}; len(trace.RunsMS) != 2 ||
		!slices.Equal(trace.RunsMS[0], want[0]) || !slices.Equal(trace.RunsMS[1], want[1]) {
		t.Errorf("runs %v: expected %v", trace.RunsMS, want)
	}
	// Wherever a full disk cuts it, the runs before the cut are there.
	second := bytes.LastIndex(full, []byte("model_run"))
	for cut := range full {
		got, err := decodeTrace(full[:cut])
		if cut > 1 && err != nil || len(got.RunsMS) == 2 && cut < second {
			t.Fatalf("cut after %d of %d bytes: %d runs, %v", cut, len(full), len(got.RunsMS), err)
		}
		for r, run := range got.RunsMS {
			if !slices.Equal(run, trace.RunsMS[r]) {
				t.Fatalf("cut after %d bytes: run %d is %v", cut, r, run)
			}
		}
	}
	for name, bad := range map[string][]byte{
		"no array":      []byte(`{"cat":"Node"}`),
		"empty":         nil,
		"other nodes":   bytes.Replace(full, []byte("Mul_2_kernel"), []byte("Mul_3_kernel"), 1),
		"negative time": bytes.Replace(full, []byte(`"dur" :104`), []byte(`"dur" :-104`), 1),
		"no nodes":      []byte(`[{"cat":"Session","name":"model_run","dur":5}]`),
		"too long":      make([]byte, maxTraceBytes+1),
	} {
		if _, err := decodeTrace(bad); !errors.Is(err, ErrTrace) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeTrace(f *testing.F) {
	full := twoRuns(f)
	f.Add(full)
	f.Add(full[:len(full)/2])
	f.Add([]byte(`[{"cat":"Node","name":"a_kernel_time","dur":1e999}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		trace, err := decodeTrace(data)
		if err != nil {
			return
		}
		for _, run := range trace.RunsMS {
			if len(run) != len(trace.Nodes) || len(run) == 0 {
				t.Fatalf("a run of %d nodes, %d names", len(run), len(trace.Nodes))
			}
			for _, ms := range run {
				if !usable(ms) {
					t.Fatalf("a node takes %v ms", ms)
				}
			}
		}
	})
}
