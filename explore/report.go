package explore

import (
	"encoding/json"
	"math"

	"github.com/binas-tui/binas-tui/solver"
)

// Number is a float64 whose JSON is null where it is not finite.
type Number float64

// Finite reports whether the number is one.
func (n Number) Finite() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the number, or null.
func (n Number) MarshalJSON() ([]byte, error) {
	if !n.Finite() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// SearchReport is one search in the form scripts read: the JSON of the search
// command and of the explorer's copy menu. What is not known is null.
type SearchReport struct {
	Architecture      *string       `json:"architecture"`
	LimitMS           Number        `json:"limit_ms"`
	LatencyMS         *Number       `json:"latency_ms"`
	LatencyDeviation  *Number       `json:"latency_deviation_ms"` // one standard deviation
	PredictedAccuracy *Number       `json:"predicted_accuracy"`   // percent
	Deviation         *Number       `json:"predicted_deviation"`  // points, one standard deviation
	Optimizer         string        `json:"optimizer"`
	Status            string        `json:"status"`
	Bound             *Number       `json:"bound"`        // percent
	Gap               *Number       `json:"gap"`          // accuracy points
	ShadowPrice       *Number       `json:"shadow_price"` // accuracy points per millisecond
	MinLatencyMS      Number        `json:"min_latency_ms"`
	MaxLatencyMS      Number        `json:"max_latency_ms"`
	SolveSeconds      Number        `json:"solve_seconds"`
	Blocks            []ReportBlock `json:"blocks"`
	LUT               string        `json:"lut"`
	Predictor         string        `json:"predictor"`
	AccuracySource    string        `json:"accuracy_source"`
	InactiveBlocks    string        `json:"inactive_blocks"`
	Pins              []string      `json:"pins,omitempty"` // as Setup.Pin reads them
	Limits            []ReportLimit `json:"limits,omitempty"`
	Top               []ReportTop   `json:"top,omitempty"` // best first, the first is the answer
	Level             *ReportLevel  `json:"level,omitempty"`
	LevelUnused       string        `json:"level_unused,omitempty"` // why what is learnt does not count
	Disturbed         string        `json:"disturbed,omitempty"`    // why the table is less certain than it should be
	// Confidence with which the limit is kept on the device: by the table alone,
	// or where MeasuredMS is set by measurements.
	Confidence *Number `json:"confidence,omitempty"`
	LoweredMS  *Number `json:"lowered_limit_ms,omitempty"` // by the table alone: bound and gap are of it
	*ReportKept
}

// ReportLevel is what searches on the device have learnt about the table.
type ReportLevel struct {
	Factor       Number `json:"factor"` // networks take that many times what the table holds
	Deviation    Number `json:"deviation"`
	Measurements int    `json:"measurements"`
	Networks     int    `json:"networks"`
}

// ReportKept is what a search on the device measured.
type ReportKept struct {
	MeasuredMS       Number    `json:"measured_ms"`
	MeasuredCIMS     [2]Number `json:"measured_ci_ms"` // below the upper end with the confidence, above the lower likewise
	NetworksMeasured int       `json:"networks_measured"`
	Measurements     int       `json:"measurements"`
	Noise            Number    `json:"noise"`             // of one measurement, as a fraction
	Margin           Number    `json:"margin"`            // points: nothing that could be shown to keep the limit is better by more
	Rounds           []Round   `json:"rounds"`            // made by this call
	Stopped          string    `json:"stopped,omitempty"` // why something better may have been left
}

// NewCertainReport is NewReport of a search that keeps the limit with a
// probability by the table alone.
func NewCertainReport(e *Engine, c Certain) SearchReport {
	r := NewReport(e, c.SearchResult)
	confidence, lowered := Number(c.Confidence), Number(c.LoweredMS)
	r.Confidence, r.LoweredMS = &confidence, &lowered
	return r
}

// NewKeptReport is NewReport of a search on the device.
func NewKeptReport(k Kept) SearchReport {
	r := NewReport(k.Engine, k.SearchResult)
	r.Confidence = new(Number(k.Confidence))
	r.ReportKept = &ReportKept{
		MeasuredMS: Number(k.MeasuredMS), MeasuredCIMS: [2]Number{Number(k.MeasuredMS - k.MarginMS), Number(k.MeasuredMS + k.MarginMS)},
		NetworksMeasured: k.Networks, Measurements: k.Measurements, Noise: Number(k.Noise), Margin: OnDeviceMargin,
		Rounds: append([]Round{}, k.Rounds...), Stopped: k.Stopped,
	}
	return r
}

// ReportLimit is one limit and what the network uses of it.
type ReportLimit struct {
	Name        string `json:"name"` // latency, params, macs, memory or "latency on NAME"
	Unit        string `json:"unit"` // of cap, used and slack: ms, params, MACs or bytes
	Cap         Number `json:"cap"`  // null is none
	Used        Number `json:"used"`
	Slack       Number `json:"slack"`
	ShadowPrice Number `json:"shadow_price"` // accuracy points for one more unit
	Binding     bool   `json:"binding"`
}

// ReportTop is one of the best networks and how it differs from the best.
type ReportTop struct {
	Architecture      string             `json:"architecture"`
	LatencyMS         Number             `json:"latency_ms"`
	PredictedAccuracy Number             `json:"predicted_accuracy"`
	Differences       []ReportDifference `json:"differences"`
}

// ReportDifference is a decision in which a network differs from the best;
// block is null for the depth of a stage.
type ReportDifference struct {
	Stage int    `json:"stage"`
	Block *int   `json:"block"`
	From  string `json:"from"`
	To    string `json:"to"`
}

// ReportBlock is one active block. Stages count from 1, as in the architecture
// string, whose stage 0 is fixed; blocks count from 0.
type ReportBlock struct {
	Stage        int     `json:"stage"`
	Block        int     `json:"block"`
	Expansion    float64 `json:"expansion"`
	Kernel       int     `json:"kernel"`
	SE           float64 `json:"se"`
	LatencyMS    Number  `json:"latency_ms"`
	Contribution Number  `json:"contribution"` // points over the mean option of the block
}

// NewReport puts the result of a search in that form.
func NewReport(e *Engine, f SearchResult) SearchReport {
	r := SearchReport{
		LimitMS: Number(f.LimitMS), Optimizer: string(f.Optimizer), Status: f.Status.String(),
		MinLatencyMS: Number(e.MinLatencyMS()), MaxLatencyMS: Number(e.MaxLatencyMS()),
		SolveSeconds: Number(f.SolveTime.Seconds()), Blocks: []ReportBlock{},
		LUT: e.LUTName, Predictor: e.PredictorName, AccuracySource: e.AccuracySource(),
		InactiveBlocks: e.Inactive.String(), Pins: e.PinTexts(),
	}
	if l := e.LUT.Learnt; l.Set() {
		r.Level = &ReportLevel{Number(l.Level), Number(l.SD), l.Measurements, l.Networks}
	}
	r.LevelUnused = e.LUT.Learnt.Unused
	if q := e.LUT.Quality; q != nil {
		r.Disturbed = q.Disturbed
	}
	for _, l := range f.Limits {
		r.Limits = append(r.Limits, ReportLimit{l.Name(), l.Unit(), Number(l.Cap), Number(l.Used), Number(l.Slack), Number(l.ShadowPrice), l.Binding})
	}
	for _, t := range f.Top {
		top := ReportTop{e.Space.Architecture(t.Path).String(), Number(t.Used[0]), Number(t.Accuracy), []ReportDifference{}}
		for _, d := range e.Differences(f.Path, t.Path) {
			out := ReportDifference{Stage: d.Stage, From: d.From, To: d.To}
			if d.Block >= 0 {
				out.Block = &d.Block
			}
			top.Differences = append(top.Differences, out)
		}
		r.Top = append(r.Top, top)
	}
	if f.Status == solver.Infeasible {
		return r
	}
	r.Architecture, r.LatencyMS, r.PredictedAccuracy = new(e.Space.Architecture(f.Path).String()), new(Number(f.LatencyMS)), new(Number(f.Accuracy))
	if points, ok := e.Deviation(f.Path); ok {
		r.Deviation = new(Number(points))
	}
	if ms, ok := e.LatencyDeviation(f.Path); ok {
		r.LatencyDeviation = new(Number(ms))
	}
	r.Bound, r.Gap, r.ShadowPrice = new(Number(f.Bound)), new(Number(f.Gap())), new(Number(f.ShadowPrice))
	n := e.Space.NumOptions()
	for b, i := range f.Path.Option {
		if !e.Space.Active(f.Path, b) {
			continue
		}
		o := e.Space.Options[i]
		r.Blocks = append(r.Blocks, ReportBlock{
			Stage: b/e.Space.MaxDepth + 1, Block: b % e.Space.MaxDepth,
			Expansion: o.Expansion, Kernel: o.Kernel, SE: o.SERatio,
			LatencyMS: Number(e.Table.BlockMS[b*n+i]), Contribution: Number(e.Contribution(f.Path, b)),
		})
	}
	return r
}
