package latency

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// LUT is a latency table: what each block of a space takes on one device.
type LUT struct {
	Provenance Provenance
	Blocks     map[string]Measurement // by model.BlockShape.LUTKey
	Fixed      Measurement            // stem, first block, last convolution and head
	// Calibration corrects the sum over the table to whole networks; the zero
	// value leaves it as it is.
	Calibration Calibration
	// Learnt is what searches on the device have found out about the table; it
	// is kept beside the table's file, not in it.
	Learnt Learnt
	// Quality of the measurement; nil where it was not in context.
	Quality *Quality
}

// Measurement is what was measured for one block. A table read from a BINAS
// .pkl has a median (there: the mean) alone.
type Measurement struct {
	MedianMS float64 `json:"median_ms"`        // over Rounds
	MinMS    float64 `json:"min_ms,omitempty"` // the least of Rounds
	Spread   float64 `json:"spread,omitempty"` // (q75-q25)/median over Rounds
	// StandardErrorMS is that of MedianMS from the spread, the level of the whole
	// table aside; 0 is unknown.
	StandardErrorMS float64 `json:"standard_error_ms,omitempty"`
	// Rounds is how often it was measured: in rounds of blocks alone, in as many
	// networks in context.
	Rounds int `json:"rounds,omitempty"`
}

// Method is how the blocks of a table are measured.
type Method string

// The methods.
const (
	// InContext times blocks where they run, inside whole networks.
	InContext Method = "in-context"
	// Isolated times every block alone.
	Isolated Method = "isolated"
)

// ParseMethod reads the name of a method; the empty one is InContext.
func ParseMethod(name string) (Method, error) {
	switch m := Method(name); m {
	case "":
		return InContext, nil
	case InContext, Isolated:
		return m, nil
	}
	return "", fmt.Errorf("method %q: expected %s or %s", name, InContext, Isolated)
}

// Quality says how well a table in context was measured.
type Quality struct {
	Networks      int     `json:"networks"`       // blocks were timed in
	Traced        bool    `json:"traced"`         // node by node; else by regression on whole networks
	StandardError float64 `json:"standard_error"` // of blocks, median, as a fraction
	// Speeds is how much slower the device was in the slowest tenth of the
	// networks than in the quickest: q90/q10.
	Speeds float64 `json:"speeds"`
	// LevelError is how far the level of the device is from the table's a little
	// later, as a fraction: see levelError. 0 is unknown.
	LevelError float64 `json:"level_error,omitempty"`
	// NetworkError is how far networks that were timed whole are from the sums of
	// their blocks: the median, as a fraction, the noise of an opening included and
	// that of bursts taken out; 0 where that explains it, or nothing is known.
	NetworkError float64 `json:"network_error,omitempty"`
	// Halves is how alike the tables of two halves of the networks rank networks:
	// Kendall's tau.
	Halves float64 `json:"halves_kendall"`
	// Disturbed is why the measurement is less certain than it should be; empty
	// where it is conclusive.
	Disturbed string `json:"disturbed,omitempty"`
}

// Provenance says how a table was obtained. Zero fields are unknown.
type Provenance struct {
	Name              string         `json:"name,omitempty"`
	Source            string         `json:"source,omitempty"` // which program measured, or the file it was converted from
	Host              string         `json:"host,omitempty"`   // that ssh reached; empty is the machine that measured
	Device            string         `json:"device,omitempty"` // cpu, cuda, ...
	Processor         string         `json:"processor,omitempty"`
	Runtime           string         `json:"runtime,omitempty"` // name and version
	Threads           int            `json:"threads,omitempty"`
	Batch             int            `json:"batch,omitempty"`
	Precision         onnx.Precision `json:"precision,omitempty"` // see [Provenance.ComputesIn]
	Space             string         `json:"space"`
	ImageSize         int            `json:"image_size"`
	ChannelMultiplier float64        `json:"channel_multiplier"`
	Date              time.Time      `json:"date,omitzero"`
	Method            Method         `json:"method,omitempty"` // empty: alone, or by another program
	Note              string         `json:"note,omitempty"`
}

// Elsewhere reports whether a device is on another host than the table's. A table
// without host, measured by a program on the machine itself, is of any host with its
// processor.
func (p Provenance) Elsewhere(device Provenance) bool {
	if p.Host == "" && device.Host != "" {
		return p.Processor != "" && p.Processor != device.Processor
	}
	return p.Host != device.Host
}

// ComputesIn is the precision of what was measured: fp32 where a table does not
// say, as BINAS's and older ones.
func (p Provenance) ComputesIn() onnx.Precision { return cmp.Or(p.Precision, onnx.FP32) }

// recordedPrecision is what run folders and observations keep: "" for fp32, as
// older ones have it.
func (p Provenance) recordedPrecision() onnx.Precision {
	if p.Precision == onnx.FP32 {
		return ""
	}
	return p.Precision
}

// hostText is a host in words.
func hostText(host string) string { return cmp.Or(host, "this machine") }

// Calibration is a line from the sum over the table to the latency of whole
// networks: Slope·sum + InterceptMS (the paper's latency correction).
type Calibration struct {
	Slope       float64 `json:"slope"`
	InterceptMS float64 `json:"intercept_ms"`
	Networks    int     `json:"networks,omitempty"` // it was fitted on
	MAPE        float64 `json:"mape,omitempty"`     // fraction, on networks not fitted on
	Kendall     float64 `json:"kendall,omitempty"`  // rank correlation on the same
}

// Set reports whether there is a correction.
func (c Calibration) Set() bool { return c.Slope != 0 }

// ErrLUTMismatch is wrapped by errors about a table of another space.
var ErrLUTMismatch = errors.New("latency table does not fit the search space")

// Table is a LUT laid out for one space, with the calibration and the level
// learnt applied: what the solver works on.
type Table struct {
	BlockMS []float64 // [block*options+option], stage-major
	FixedMS float64
}

// Table lays the LUT out for a space. The error names what differs: the image
// size, the width, or the first key that is missing or not a finite
// non-negative number.
func (l *LUT) Table(s *model.Space) (*Table, error) {
	p := l.Provenance
	if p.ImageSize != 0 && p.ImageSize != s.ImageSize {
		return nil, fmt.Errorf("%w: it was measured at %d pixels, the space is at %d", ErrLUTMismatch, p.ImageSize, s.ImageSize)
	}
	if p.Space != "" && p.Space != s.Name {
		return nil, fmt.Errorf("%w: it is of %s, the space is %s", ErrLUTMismatch, p.Space, s.Name)
	}
	t := &Table{BlockMS: make([]float64, s.NumAlphas()), FixedMS: l.Fixed.MedianMS}
	if !usable(t.FixedMS) {
		return nil, fmt.Errorf("%w: the fixed part is %v ms: expected a number of at least 0 ms", ErrLUTMismatch, t.FixedMS)
	}
	for b := range s.NumBlocks() {
		shape := s.Block(b)
		for i, o := range s.Options {
			key := shape.LUTKey(o)
			m, ok := l.Blocks[key]
			if !ok {
				return nil, fmt.Errorf("%w: no entry %s", ErrLUTMismatch, key)
			}
			if !usable(m.MedianMS) {
				return nil, fmt.Errorf("%w: %s is %v ms: expected a number of at least 0 ms", ErrLUTMismatch, key, m.MedianMS)
			}
			t.BlockMS[b*s.NumOptions()+i] = m.MedianMS
		}
	}
	if c := l.Calibration; c.Set() {
		for i := range t.BlockMS {
			t.BlockMS[i] *= c.Slope
		}
		t.FixedMS = max(0, t.FixedMS*c.Slope+c.InterceptMS)
	}
	if l.Learnt.Set() {
		for i := range t.BlockMS {
			t.BlockMS[i] *= l.Learnt.Level
		}
		t.FixedMS *= l.Learnt.Level
	}
	return t, nil
}

func usable(ms float64) bool { return ms >= 0 && !math.IsInf(ms, 1) }

// LatencyMS is the latency of a path: the fixed part plus its active blocks
// (the paper's (p + Q·beta)·alpha).
func (t *Table) LatencyMS(s *model.Space, p model.Path) float64 {
	ms := t.FixedMS
	for b, o := range p.Option {
		if s.Active(p, b) {
			ms += t.BlockMS[b*s.NumOptions()+o]
		}
	}
	return ms
}
