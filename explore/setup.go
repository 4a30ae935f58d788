package explore

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Setup is what is explored: a space, what its blocks cost on a device and
// what its networks are predicted to reach.
type Setup struct {
	Profile       string
	Space         *model.Space
	LUT           *latency.LUT
	LUTName       string
	Predictor     model.Predictor
	PredictorInfo model.CheckpointInfo
	PredictorName string
	// Uncertainty says how far a prediction may be off; nil where the predictor
	// has no record of it.
	Uncertainty *fit.Uncertainty
	Inactive    model.InactiveBlocks
	Pins        solver.Pins
	// Limits hold beside the limit on latency that a search is given. Where
	// there are some, searches with Find keep them.
	Limits  []Limit
	Classes int // that parameters are counted for; 0 is 1,000

	flat string // see Flat
}

// Load makes a Setup from a profile (""  is the default) whose latency table
// and predictor can be replaced by name or file. The space is that of the
// latency table where the table says so, else the profile's.
func Load(profile, lut, predictor string) (Setup, error) {
	p, err := FindProfile(profile)
	if err != nil {
		return Setup{}, err
	}
	lut = cmp.Or(lut, p.LUT)
	predictor = cmp.Or(predictor, p.Predictor)
	s := Setup{Profile: p.Name, LUTName: lut, PredictorName: predictor, Classes: p.Classes}
	if s.LUT, err = LoadLUT(lut); err != nil {
		return Setup{}, err
	}
	if s.Predictor, s.PredictorInfo, err = LoadPredictor(predictor); err != nil {
		return Setup{}, err
	}
	if s.Space, err = SpaceOf(s.LUT, p); err != nil {
		return Setup{}, err
	}
	if err := s.Check(); err != nil {
		return s, err
	}
	s.Uncertainty, err = Uncertainty(s.Space, s.PredictorInfo)
	if err != nil {
		return s, fmt.Errorf("predictor %s: %w: %w", predictor, ErrUnreadable, err)
	}
	return s, nil
}

// Check reports a latency table or predictor that does not fit the space.
func (s Setup) Check() error {
	if _, err := s.LUT.Table(s.Space); err != nil {
		return fmt.Errorf("latency table %s: %w", s.LUTName, err)
	}
	if err := s.Space.CheckPredictor(s.Predictor); err != nil {
		return fmt.Errorf("predictor %s: %w", s.PredictorName, err)
	}
	return nil
}

// Problem is the search problem of the Setup. The predictor's part is left
// out where the predictor is not bilinear.
func (s Setup) Problem(t *latency.Table) *solver.Problem {
	p := &solver.Problem{
		Stages: len(s.Space.Stages), MinDepth: s.Space.MinDepth, MaxDepth: s.Space.MaxDepth,
		Options:        s.Space.NumOptions(),
		BlockLatencyMS: t.BlockMS, FixedLatencyMS: t.FixedMS,
		Inactive: s.Inactive, Pins: s.Pins,
	}
	if b, ok := s.Predictor.(*model.Bilinear); ok {
		p.Bias, p.Alpha, p.Beta, p.Q = b.Bias, b.Linear[:b.Alphas], b.Linear[b.Alphas:], b.Q
	} else {
		p.Alpha, p.Beta = make([]float64, s.Space.NumAlphas()), make([]float64, s.Space.NumBetas())
	}
	return p
}

// flatNetworks is how many random networks are asked whether a predictor tells
// networks apart.
const flatNetworks = 40

// Flat says that the predictor cannot tell networks apart, and why; "" where it can.
// It is known of an engine's Setup.
func (s Setup) Flat() string { return s.flat }

func (s Setup) findFlat() string {
	var predicted []float64
	for _, p := range latency.RandomNetworks(s.Space, flatNetworks, 1) {
		predicted = append(predicted, s.Predictor.Accuracy(s.Space.Encode(nil, p, s.Inactive)))
	}
	m := s.PredictorInfo.Metrics
	return fit.Flat(predicted, m[model.MetricLeast], m[model.MetricMost])
}

// Facts say what figures of the Setup rest on, each with its name.
func (s Setup) Facts() [][2]string {
	facts := [][2]string{
		{"space", fmt.Sprintf("%s at %d px, %.2g networks", s.Space.Name, s.Space.ImageSize, s.Space.NetworkCount())},
		{"latencies", s.LUTName + ": " + s.LUT.Source()},
		{"accuracies", s.PredictorName + ": " + s.AccuracySource()},
		{"skipped blocks", s.Inactive.String()},
	}
	if pins := s.PinTexts(); len(pins) > 0 {
		facts = append(facts, [2]string{"pins", strings.Join(pins, "; ")})
	}
	if len(s.Limits) > 0 {
		facts = append(facts, [2]string{"limits", s.LimitsText()})
	}
	return facts
}

// AccuracySource says in one phrase what an accuracy shown comes from.
func (s Setup) AccuracySource() string {
	source := s.PredictorInfo.Source
	if s.PredictorInfo.Samples == 0 {
		from := ""
		if source != "" {
			from = " (" + source + ")"
		}
		source = s.Predictor.Kind() + " predictor" + from + ", fitted on networks it does not name"
	}
	if p, err := FindProfile(s.Profile); err == nil && p.Predictor == s.PredictorName && p.ImageSize != s.Space.ImageSize {
		source += fmt.Sprintf(" at %d px, not %d", p.ImageSize, s.Space.ImageSize)
	}
	if space := s.PredictorInfo.Space; space != "" && s.Space != nil && space != s.Space.Name {
		source += fmt.Sprintf(" in %s, not %s", space, s.Space.Name)
	}
	if fitted := s.PredictorInfo.Inactive; fitted != "" && fitted != s.Inactive.String() {
		source += fmt.Sprintf(", fitted with switched-off blocks %s, not %s", fitted, s.Inactive)
	}
	if s.flat != "" {
		source = s.flat + "; " + source
	}
	if e, ok := s.AccuracyError(); ok {
		source += fmt.Sprintf(", leave-one-out error %.2f pt", e)
	}
	return source
}

// Deviation is the standard deviation in points of a measured accuracy around
// the predicted one, where the predictor's checkpoint knows it. It takes about
// a millisecond.
func (s Setup) Deviation(p model.Path) (points float64, known bool) {
	if s.Uncertainty == nil {
		return 0, false
	}
	return s.Uncertainty.Points(p), true
}

// AccuracyError is the mean absolute error of the predictor on networks left
// out of its fit, in percentage points, where it was measured.
func (s Setup) AccuracyError() (points float64, known bool) {
	return s.PredictorInfo.LeaveOneOut, s.PredictorInfo.LeaveOneOut > 0
}
