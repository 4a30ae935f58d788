package explore

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// The rules of a search on the device; docs/SEARCH.md says how they were found.
const (
	firstNetworks = 2 // measured at the limit before anything is accepted, a new one each time
	leastToAccept = 2 // measurements of a network
	mostOfNetwork = 8 // measurements of a network
	cautious      = 8 // measurements, with nothing accepted, from which proposals keep further away
	cautiousBy    = 1.5
	maxNoise      = 0.05 // of a measurement, with which little can be said
	mostRivals    = 1000 // of the best networks that are looked through
)

// MostMeasurements bounds those of a search.
const MostMeasurements = 36

// MoreMeasurements is how many measurements of a network more a proposal counts
// on.
const MoreMeasurements = 4

// OnDeviceMargin is by how many accuracy points something has to be predicted
// better for a search on the device to go on.
const OnDeviceMargin = 0.03

// OnDeviceTime is how long a search on the device measures where a Request does
// not say: with a network that keeps the limit, and without one.
const (
	OnDeviceTime        = 20 * time.Second
	onDeviceTimeWithout = time.Minute
)

// DefaultConfidence is that of a search which does not say.
const DefaultConfidence = 0.95

// resumable is how long after its last measurement a search goes on from there:
// the machine is another one later.
const resumable = time.Hour

// ErrOnDevice is wrapped by errors about requests that cannot be answered on the
// device.
var ErrOnDevice = errors.New("cannot be searched on the device")

// OnDevice asks for the best network whose measured latency keeps a limit.
type OnDevice struct {
	Request             // with a finite LimitMS and without Top; TimeLimit is of the measurements, 0 is OnDeviceTime
	Confidence  float64 // with which the limit is kept; 0 is DefaultConfidence
	Measure     Measurer
	Observation *ObservationFile // where they are kept
	Round       func(Round)      // called after every measurement; may be nil
}

// Measurer measures networks: a [latency.Meter].
type Measurer interface {
	Observe(context.Context, model.Architecture) (latency.Observation, error)
	// Opening is what its observations are marked with.
	Opening() string
}

// Round is one measurement of a search on the device and what it changed.
type Round struct {
	Number       int     `json:"number"`
	Architecture string  `json:"architecture"`
	Why          string  `json:"why"`
	PredictedMS  float64 `json:"predicted_ms"` // before it
	MeasuredMS   float64 `json:"measured_ms"`  // as it was, the drift not taken out
	EstimateMS   float64 `json:"estimate_ms"`  // by all measurements, after it
	DeviationMS  float64 `json:"deviation_ms"` // standard deviation of the estimate
	Level        float64 `json:"level"`        // from the table to the device, after it
	Accuracy     float64 `json:"predicted_accuracy"`
	Accepted     string  `json:"accepted,omitempty"` // the best network known to keep the limit, after it
}

// Kept is the answer of a search on the device: a network that keeps the limit.
type Kept struct {
	SearchResult
	Confidence   float64
	MeasuredMS   float64 // the estimate by all measurements
	MarginMS     float64 // MeasuredMS ± MarginMS; the latency is below its upper end with the confidence
	Measurements int     // made by this search
	Networks     int     // measured by this search
	Rounds       []Round // of this call; one that went on has the others in its file
	Noise        float64 // of one measurement, as a fraction
	Stopped      string  // why it ended before nothing better was left; "" where it did not
	Engine       *Engine // of the table with what it has learnt
}

// SearchOnDevice finds the best network whose measured latency keeps the limit
// with the stated confidence: it solves, measures, corrects the table by what
// was measured and solves again, until no network that could be shown to keep
// the limit is predicted better by more than OnDeviceMargin. Every measurement
// is kept before the next is made; the same call goes on from them.
//
// Errors wrap [ErrNoNetwork] where nothing keeps the limit,
// [latency.ErrInconclusive] where the device was too disturbed to tell, and the
// context's where that ended.
func (e *Engine) SearchOnDevice(ctx context.Context, r OnDevice) (Kept, error) {
	s, err := e.newDeviceSearch(r)
	if err != nil {
		return Kept{}, err
	}
	start := time.Now()
	if own := s.Observation.Of(s.id); len(own) > 0 && time.Since(own[len(own)-1].Date) > resumable {
		if err := s.Observation.End(s.id); err != nil { // it begins anew, with what is known
			return Kept{}, err
		}
	}
	s.update()
	for {
		stopped := ""
		switch {
		case len(s.own) >= MostMeasurements:
			stopped = fmt.Sprintf("after %d measurements", len(s.own))
		case time.Since(start)+s.longest >= s.period():
			stopped = fmt.Sprintf("after %v", s.period())
		}
		var next *candidate
		if stopped == "" {
			if next, err = s.next(ctx); err != nil {
				return Kept{}, err
			}
		}
		if next == nil {
			return s.answer(ctx, stopped)
		}
		if err := s.measure(ctx, next); err != nil {
			return Kept{}, err
		}
	}
}

// candidate is a network that may be measured, or was.
type candidate struct {
	path         model.Path
	architecture model.Architecture
	arch         string
	tableMS      float64 // by the plain table
	shape        float64 // standard deviation around its level, as a fraction; 0 is the prior's
	accuracy     float64
	measured     int     // by this search
	ms, sd       float64 // estimate of its latency
	why          string
}

// deviceSearch is a search under way. All it decides follows from the file of
// observations.
type deviceSearch struct {
	OnDevice
	e         *Engine
	z         float64
	id        string
	seen      map[string]*candidate // by architecture string
	factor    float64               // from the plain table to the engine's
	posterior *latency.Posterior
	own       []latency.Observation
	networks  []*candidate // that it has measured, in the order of their first
	rounds    []Round
	longest   time.Duration // of a measurement
}

func (e *Engine) newDeviceSearch(r OnDevice) (*deviceSearch, error) {
	r.Confidence = cmp.Or(r.Confidence, DefaultConfidence)
	if r.Method == "" {
		r.Method = e.Optimizers()[0]
	}
	switch {
	case math.IsInf(r.LimitMS, 1):
		return nil, fmt.Errorf("%w: there is no limit on latency", ErrOnDevice)
	case r.Top != 0:
		return nil, fmt.Errorf("%w: %d best networks: it ends with one, whose latency is known", ErrOnDevice, r.Top)
	case !(r.Confidence > 0.5 && r.Confidence < 1):
		return nil, fmt.Errorf("%w: confidence %g: expected more than 0.5 and less than 1", ErrOnDevice, r.Confidence)
	}
	s := &deviceSearch{OnDevice: r, e: e, z: distuv.UnitNormal.Quantile(r.Confidence), factor: 1, id: e.searchID(r), seen: map[string]*candidate{}}
	if e.LUT.Learnt.Set() {
		s.factor = e.LUT.Learnt.Level
	}
	return s, nil
}

// searchID tells searches apart that share a file of observations.
func (e *Engine) searchID(r OnDevice) string {
	data, err := json.Marshal([]any{r.LimitMS, r.Confidence, r.Method, r.Seed, e.PinTexts(), e.LimitsText(), e.Inactive.String(), e.PredictorName})
	if err != nil {
		return "" // strings and finite numbers: cannot be
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:6])
}

// period is how long may be measured.
func (s *deviceSearch) period() time.Duration {
	switch {
	case s.TimeLimit > 0:
		return s.TimeLimit
	case s.accepted() != nil, s.posterior.Noise() > maxNoise:
		return OnDeviceTime
	}
	return onDeviceTimeWithout
}

// update computes what is known from the observations.
func (s *deviceSearch) update() {
	known, _ := s.Observation.Known(s.Measure.Opening(), func(arch string) (tableMS, shape float64, ok bool) {
		c := s.byName(arch)
		return c.tableMS, c.shape, c.tableMS > 0
	})
	s.posterior = latency.NewPosterior(latency.DefaultPrior, known)
	s.own, s.networks = s.Observation.Of(s.id), nil
	for _, c := range s.seen {
		c.measured = 0
	}
	for _, o := range s.own {
		c := s.byName(o.Architecture)
		if c.measured++; c.measured == 1 && c.tableMS > 0 {
			s.networks = append(s.networks, c)
		}
	}
	for _, c := range s.networks {
		c.ms, c.sd = s.posterior.Of(c.arch, c.tableMS, c.shape)
	}
}

// byName is the network of an architecture string; where it is none of the
// space, it has no latency.
func (s *deviceSearch) byName(name string) *candidate {
	if c := s.seen[name]; c != nil {
		return c
	}
	arch, err := model.ParseArchitecture(name)
	path := model.Path{}
	if err == nil {
		path, err = s.e.Space.Path(arch)
	}
	if err != nil {
		s.seen[name] = &candidate{arch: name}
		return s.seen[name]
	}
	return s.network(path)
}

func (s *deviceSearch) network(path model.Path) *candidate {
	arch := s.e.Space.Architecture(path)
	name := arch.String()
	c := s.seen[name]
	if c == nil {
		c = &candidate{path: path.Clone(), architecture: arch, arch: name, accuracy: s.e.Accuracy(path), tableMS: s.e.LatencyMS(path) / s.factor}
		c.shape, _ = s.e.LUT.Shape(s.e.Space, path)
		s.seen[name] = c
	}
	return c
}

// candidate is a network with what is known about it.
func (s *deviceSearch) candidate(path model.Path, why string) *candidate {
	c := s.network(path)
	c.why = why
	c.ms, c.sd = s.posterior.Of(c.arch, c.tableMS, c.shape)
	return c
}

// upper is what a network stays below with the confidence, if it is measured
// some more times and its estimate stays where it is.
func (s *deviceSearch) upper(c *candidate, z float64, more int) float64 {
	return c.ms + z*s.posterior.After(c.tableMS, c.sd, more)
}

// accepted is the most accurate network known to keep the limit; nil is none.
func (s *deviceSearch) accepted() *candidate {
	var best *candidate
	for _, c := range s.networks {
		if c.measured >= leastToAccept && s.upper(c, s.z, 0) <= s.LimitMS && (best == nil || c.accuracy > best.accuracy) {
			best = c
		}
	}
	return best
}

// next is what to measure next; nil is nothing.
func (s *deviceSearch) next(ctx context.Context) (*candidate, error) {
	if len(s.networks) < firstNetworks {
		if c, err := s.propose(ctx, 0, 0, "best at the limit by the table"); c != nil || err != nil {
			return c, err
		}
	}
	accepted, z := s.accepted(), s.z
	if accepted == nil && len(s.own) >= cautious {
		z += cautiousBy
	}
	best, err := s.propose(ctx, z, MoreMeasurements, "best that could be shown to keep the limit")
	if err != nil {
		return nil, err
	}
	// What was measured already comes first unless something new is better by more
	// than the margin: of those the network that is furthest below the limit.
	var again *candidate
	for _, c := range s.networks {
		if !s.mayKeep(c) || accepted != nil && c.accuracy <= accepted.accuracy+OnDeviceMargin {
			continue
		}
		if better := c.accuracy - s.accuracyOf(again); better > OnDeviceMargin || better > -OnDeviceMargin && s.upper(c, s.z, MoreMeasurements) < s.upper(again, s.z, MoreMeasurements) {
			again = c
		}
	}
	if again != nil && again.accuracy >= s.accuracyOf(best)-OnDeviceMargin {
		again.why = "again: it may keep the limit"
		best = again
	}
	switch {
	case best != nil && (accepted == nil || best.accuracy > accepted.accuracy+OnDeviceMargin):
		return best, nil
	case accepted != nil:
		return nil, nil
	}
	return s.fastest(ctx)
}

// accuracyOf is that of a network, the least where there is none.
func (s *deviceSearch) accuracyOf(c *candidate) float64 {
	if c == nil {
		return math.Inf(-1)
	}
	return c.accuracy
}

// mayKeep reports a network that is measured, not accepted, and may be after some
// more measurements.
func (s *deviceSearch) mayKeep(c *candidate) bool {
	left := mostOfNetwork - c.measured
	decided := c.measured >= leastToAccept && s.upper(c, s.z, 0) <= s.LimitMS
	return left > 0 && !decided && s.upper(c, s.z, min(left, MoreMeasurements)) <= s.LimitMS
}

// propose is the best network that this search has not measured and that stays
// within the limit, z standard deviations away from it after some more
// measurements.
func (s *deviceSearch) propose(ctx context.Context, z float64, more int, why string) (*candidate, error) {
	level, sd := s.posterior.Level()
	within := func(shape float64) float64 { // limit of the plain table
		return s.LimitMS / (level + z*s.posterior.After(1, math.Hypot(sd, level*shape), more))
	}
	limit, exact := within(s.posterior.Shape(0)), false
	for top := 0; ; {
		found, err := s.e.complete(ctx, s.request(limit, top))
		if err != nil || found.Status == solver.Infeasible {
			return nil, err
		}
		if c := s.network(found.Path); c.shape > 0 && !exact { // limits differ by little: one solve more
			limit, exact = within(s.posterior.Shape(c.shape)), true
			continue
		}
		paths := []model.Path{found.Path}
		for _, t := range found.Top[min(1, len(found.Top)):] {
			paths = append(paths, t.Path)
		}
		least := math.Inf(1)
		for _, p := range paths {
			c := s.candidate(p, why)
			if c.measured == 0 && s.upper(c, z, more) <= s.LimitMS*(1+1e-9) {
				return c, nil
			}
			least = min(least, c.tableMS)
		}
		switch {
		case s.e.Bilinear() && s.Method == solver.IQCP && top == 0:
			top = 2 * (1 + len(s.networks)) // the others of the best, exactly
		case s.e.Bilinear() && s.Method == solver.IQCP && len(found.Top) == top && top < mostRivals:
			top *= 2
		case s.e.Bilinear() && s.Method == solver.IQCP:
			return nil, nil // these are all that count
		default:
			limit = least * (1 - 1e-6) // the next faster one
		}
	}
}

// request is one search by the table, at a limit on the plain table.
func (s *deviceSearch) request(limit float64, top int) Request {
	r := s.Request
	r.LimitMS, r.Top, r.TimeLimit, r.Progress = limit*s.factor, top, 0, nil
	if !s.e.Bilinear() {
		r.TimeLimit = solveTime
	}
	return r
}

// solveTime is how long one of the searches by the table may take where it is
// not a matter of microseconds.
const solveTime = 500 * time.Millisecond

// fastest is the fastest network by the table while it can still be told
// whether it keeps the limit.
func (s *deviceSearch) fastest(ctx context.Context) (*candidate, error) {
	least := s.e.MinLatencyMS()
	if len(s.e.Limits) > 0 {
		l, err := s.e.withLimits(ctx)
		if err != nil {
			return nil, err
		}
		if least, err = l.Least(ctx, 0, s.e.caps(math.Inf(1))); err != nil {
			return nil, err
		}
	}
	found, err := s.e.Search(ctx, s.request(least/s.factor*(1+1e-9), 0))
	if err == nil && found.Status == solver.Infeasible { // of the other limits
		err = s.e.NoNetworkWithin(ctx, least)
	}
	if err != nil {
		return nil, err
	}
	c := s.candidate(found.Path, "the fastest by the table")
	if c.measured >= mostOfNetwork || c.measured > 0 && c.ms-s.z*c.sd > s.LimitMS {
		return nil, nil
	}
	return c, nil
}

// measure measures a network, keeps that and says what it changed.
func (s *deviceSearch) measure(ctx context.Context, c *candidate) error {
	start := time.Now()
	o, err := s.Measure.Observe(ctx, c.architecture)
	if err != nil {
		return err
	}
	s.longest = max(s.longest, time.Since(start))
	o.Search = s.id
	if err := s.Observation.Add(o); err != nil {
		return err
	}
	before := c.ms
	s.update()
	round := Round{Number: len(s.own), Architecture: c.arch, Why: c.why, PredictedMS: before, MeasuredMS: o.MeanMS(), Accuracy: c.accuracy}
	round.EstimateMS, round.DeviationMS = s.posterior.Of(c.arch, c.tableMS, c.shape)
	round.Level, _ = s.posterior.Level()
	if a := s.accepted(); a != nil {
		round.Accepted = a.arch
	}
	s.rounds = append(s.rounds, round)
	if s.Round != nil {
		s.Round(round)
	}
	return nil
}

// answer is what the search has come to.
func (s *deviceSearch) answer(ctx context.Context, stopped string) (Kept, error) {
	best := s.accepted()
	if best == nil {
		err := s.nothing()
		if stopped != "" || s.posterior.Noise() > maxNoise {
			err = s.disturbed(stopped)
		}
		return Kept{}, errors.Join(err, s.end(stopped))
	}
	learnt, err := s.e.LUT.Learn(s.Observation.Observations, time.Now())
	if err != nil {
		return Kept{}, err
	}
	setup, lut := s.e.Setup, *s.e.LUT
	lut.Learnt = learnt
	lut.Learnt.File = s.Observation.Path
	setup.LUT = &lut
	k := Kept{Confidence: s.Confidence, MeasuredMS: best.ms, MarginMS: s.z * best.sd, Measurements: len(s.own), Networks: len(s.networks),
		Rounds: s.rounds, Noise: s.posterior.Noise(), Stopped: stopped}
	if k.Engine, err = New(ctx, setup); err != nil {
		return k, err
	}
	r := s.Request
	if r.TimeLimit = 0; !s.e.Bilinear() {
		r.TimeLimit = solveTime
	}
	if k.SearchResult, err = k.Engine.Search(ctx, r); err != nil {
		return k, err
	}
	if err := k.SearchResult.answer(k.Engine, best.path); err != nil {
		return k, err
	}
	return k, s.end(stopped)
}

// end marks the search as ended: the next one like it measures anew. One that
// ran out of time can go on.
func (s *deviceSearch) end(stopped string) error {
	if stopped != "" && len(s.own) < MostMeasurements {
		return nil
	}
	return s.Observation.End(s.id)
}

// answer puts another network in the place of the one found. Bound and price
// stay those of the search by the table; the network may be above that bound, or
// above the limit by the table, where it was measured to be faster.
func (f *SearchResult) answer(e *Engine, path model.Path) error {
	f.Path, f.LatencyMS, f.Accuracy = path, e.LatencyMS(path), e.Accuracy(path)
	if f.Status == solver.Infeasible { // by the table, not by what was measured
		f.Bound, f.ShadowPrice = f.Accuracy, math.NaN()
	}
	f.Bound = max(f.Bound, f.Accuracy)
	if f.Status = solver.Feasible; f.Gap() <= ProvedGap {
		f.Status = solver.Optimal
	}
	for i := range f.Limits {
		l := &f.Limits[i]
		r, err := e.resource(*l, e.Table, e.costs())
		if err != nil {
			return err
		}
		l.Used = r.Use(e.problem, path)
		l.Slack = l.Cap - l.Used
	}
	return nil
}

// disturbed says that the device could not be measured well enough.
func (s *deviceSearch) disturbed(stopped string) error {
	if stopped != "" {
		stopped += " "
	}
	return fmt.Errorf("%w: %sno network is shown to keep %.4g ms: one measurement varies by %.1f%%; what helps: end other programs, let the machine rest, a lower confidence (search --confidence)",
		latency.ErrInconclusive, stopped, s.LimitMS, 100*s.posterior.Noise())
}

// nothing says that no network keeps the limit, and the least latency measured.
func (s *deviceSearch) nothing() error {
	least := (*candidate)(nil)
	for _, c := range s.networks {
		if least == nil || c.ms < least.ms {
			least = c
		}
	}
	if least == nil {
		return s.e.NoNetwork(s.LimitMS)
	}
	return fmt.Errorf("%w of %.4g ms on the device: the least measured latency is %.4g ms ± %.2g at %g%% confidence",
		ErrNoNetwork, s.LimitMS, least.ms, s.z*least.sd, 100*s.Confidence)
}
