package latency

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
)

// maxTraceBytes bounds a trace: a run of a network is some 40 kB of it.
const maxTraceBytes = 64 << 20

// decodeTrace reads a trace of ONNX Runtime's profiler: an array of events, of
// which those of nodes and, after each run, that of the run matter. Of a trace
// that is cut the runs before the cut are returned. Errors wrap ErrTrace.
func decodeTrace(data []byte) (Trace, error) {
	var t Trace
	if len(data) > maxTraceBytes {
		return t, fmt.Errorf("%w: more than %d bytes", ErrTrace, maxTraceBytes)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	if start, err := d.Token(); err != nil || start != json.Delim('[') {
		return t, fmt.Errorf("%w: it is no JSON array of events", ErrTrace)
	}
	var nodes []string
	var run []float64
	for d.More() {
		var e struct {
			Category string  `json:"cat"`
			Name     string  `json:"name"`
			Micros   float64 `json:"dur"`
		}
		if d.Decode(&e) != nil {
			return t, nil // cut: whoever knows how many runs there were misses the last
		}
		node, timed := strings.CutSuffix(e.Name, "_kernel_time")
		switch {
		case e.Category == "Node" && timed:
			if !(e.Micros >= 0) || math.IsInf(e.Micros, 1) {
				return t, fmt.Errorf("%w: %s took %v us: expected at least 0", ErrTrace, quote(node), e.Micros)
			}
			nodes, run = append(nodes, node), append(run, e.Micros/1000)
		case e.Category == "Session" && e.Name == "model_run":
			if len(run) == 0 {
				return t, fmt.Errorf("%w: %w: run %d has none", ErrTrace, ErrNoTrace, len(t.RunsMS)+1)
			}
			if t.Nodes == nil {
				t.Nodes = nodes
			}
			if !slices.Equal(nodes, t.Nodes) {
				return t, fmt.Errorf("%w: run %d has other nodes than the first", ErrTrace, len(t.RunsMS)+1)
			}
			t.RunsMS = append(t.RunsMS, run)
			nodes, run = nil, nil
		}
	}
	return t, nil
}
