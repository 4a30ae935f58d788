package latency_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func newSpace(t testing.TB, imageSize int) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, imageSize)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// This machine names the nodes of every block of a network, in all its runs,
// and what they take adds up to what the runs took; no trace is left behind.
func TestMachineTraces(t *testing.T) {
	onnxtest.Require(t)
	for _, precision := range onnx.Precisions() {
		if precision.On(onnx.CPU) != nil {
			continue
		}
		t.Run(string(precision), func(t *testing.T) { machineTraces(t, latency.NewMachine(latency.MachineOptions{Precision: precision})) })
	}
}

func machineTraces(t *testing.T, m latency.Tracer) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	s := newSpace(t, 64)
	p := latency.RandomNetworks(s, 1, 1)[0]
	n, err := m.OpenTraced(t.Context(), s.Architecture(p), 64)
	if err != nil {
		t.Fatal(err)
	}
	took, err := n.Run(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	trace, err := n.Trace()
	if err != nil || len(trace.RunsMS) != 5 {
		t.Fatalf("%d runs, %v", len(trace.RunsMS), err)
	}
	for stage, depth := range p.Depth {
		for b := range depth {
			name := "blocks." + string(rune('1'+stage)) + "." + string(rune('0'+b)) + "."
			if !slices.ContainsFunc(trace.Nodes, func(node string) bool { return strings.HasPrefix(node, name) }) {
				t.Errorf("no node of %s in %v", name, trace.Nodes)
			}
		}
	}
	share := 0.0 // of a run, at most
	for r, nodes := range trace.RunsMS {
		sum := 0.0
		for _, ms := range nodes {
			sum += ms
		}
		share = max(share, sum/took[r])
	}
	if share > 1 || share < 0.5 {
		t.Errorf("of runs of %v ms nodes take a share of at most %v", took, share)
	}
	untraced, err := m.OpenTraced(t.Context(), s.Architecture(p), 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(untraced.Close(), n.Close()); err != nil {
		t.Error(err)
	}
	if _, err := untraced.Trace(); !errors.Is(err, latency.ErrTrace) {
		t.Errorf("trace of a closed network: %v", err)
	}
	if left, err := os.ReadDir(temporary); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
