package latency

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// Learnt is what observations say about a table as a whole: networks take Level
// times what it says. The zero value is nothing.
type Learnt struct {
	Level        float64 // factor; 0 is none
	SD           float64 // standard deviation of Level: of what was measured, and of what changes with another opening and with time
	Shape        float64 // of a network around that, as a fraction
	Noise        float64 // of one measurement, as a fraction
	Networks     int
	Measurements int
	Date         time.Time // of the last
	File         string    // that keeps them
	Lost         string    // what is damaged there and left out; "" is nothing
	// Unused says why there are observations that do not count; "" where they do.
	Unused string
}

// Set reports whether something was learnt.
func (l Learnt) Set() bool { return l.Level > 0 }

// What is believed before anything is measured, as fractions: how far a network
// is from the sum of its blocks, and how far the level of a table that was measured
// in whole networks is from that of the device a little later. The latter counts as
// levelWeight levels seen.
const (
	networkShape = 0.010
	tableLevel   = 0.03
	levelWeight  = 4
)

// Shape is the standard deviation of a network around the level of the table, as
// a fraction, from the standard errors of its keys and, where they are far, how far
// networks were from the sums of their blocks; known is false where the table
// has none.
func (l *LUT) Shape(s *model.Space, p model.Path) (share float64, known bool) {
	sum, deviation, known := l.sum(s, p)
	if !known || sum <= 0 {
		return 0, false
	}
	network := networkShape
	if q := l.Quality; q != nil && q.NetworkError > goodSums {
		network = q.NetworkError
	}
	return math.Hypot(network, deviation/sum), true
}

// sum is that of the medians of a path, with its standard deviation by the standard
// errors of the keys; known is false where the table does not have those of all.
func (l *LUT) sum(s *model.Space, p model.Path) (ms, deviationMS float64, known bool) {
	var keys []string // in one order: sums do not change from call to call
	count := map[string]float64{}
	for b, o := range p.Option {
		if s.Active(p, b) {
			key := s.Block(b).LUTKey(s.Options[o])
			if count[key]++; count[key] == 1 {
				keys = append(keys, key)
			}
		}
	}
	known = true
	ms, variance := l.Fixed.MedianMS, square(l.Fixed.StandardErrorMS)
	for _, key := range keys {
		n, m := count[key], l.Blocks[key]
		known = known && m.StandardErrorMS > 0
		ms += n * m.MedianMS
		variance += square(n * m.StandardErrorMS) // blocks that share a key err together
	}
	return ms, math.Sqrt(variance), known
}

// Deviation is the standard deviation of a network's latency on the device around
// the table's, as a fraction, of level and shape: by what was learnt, else by the
// table's standard errors. known is false where there are neither.
func (l *LUT) Deviation(s *model.Space, p model.Path) (share float64, known bool) {
	shape, known := l.Shape(s, p)
	switch {
	case l.Learnt.Set() && known:
		return math.Hypot(l.Learnt.SD/l.Learnt.Level, shape), true
	case l.Learnt.Set():
		return math.Hypot(l.Learnt.SD/l.Learnt.Level, l.Learnt.Shape), true
	case known && l.Quality != nil && l.Quality.LevelError > 0:
		return math.Hypot(l.Quality.LevelError, shape), true
	case known:
		return math.Hypot(tableLevel, shape), true
	}
	return 0, false
}

// Hash tells tables apart by the medians of their blocks and fixed part.
func (l *LUT) Hash() string {
	medians := map[string]float64{FixedKey: l.Fixed.MedianMS}
	for key, m := range l.Blocks {
		medians[key] = m.MedianMS
	}
	data, err := json.Marshal(medians)
	if err != nil { // not a number somewhere: no table that was read has one
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:8])
}

// Predictor says what the table, without what was learnt, predicts of the
// networks of a space by their architecture strings: as [Observations.Known]
// asks for it.
func (l *LUT) Predictor(s *model.Space) (func(arch string) (tableMS, shape float64, ok bool), error) {
	plain := *l
	plain.Learnt = Learnt{}
	table, err := plain.Table(s)
	if err != nil {
		return nil, err
	}
	return func(text string) (float64, float64, bool) {
		arch, err := model.ParseArchitecture(text)
		if err != nil {
			return 0, 0, false
		}
		path, err := s.Path(arch)
		if err != nil {
			return 0, 0, false
		}
		ms := table.LatencyMS(s, path)
		shape, _ := l.Shape(s, path)
		return ms, shape, ms > 0
	}, nil
}

// Learn computes what observations say about the table, of which they are, for
// another opening at the given time.
func (l *LUT) Learn(obs Observations, now time.Time) (Learnt, error) {
	s, err := model.NewSpace(obs.Header.Space, obs.Header.ImageSize)
	if err != nil || len(obs.Made) == 0 {
		return Learnt{}, err
	}
	predict, err := l.Predictor(s)
	if err != nil {
		return Learnt{}, err
	}
	known, _ := obs.Known("", predict)
	p := NewPosterior(DefaultPrior, known)
	out := Learnt{Shape: p.Shape(0), Noise: p.Noise(), Measurements: len(obs.Made), Date: obs.Made[len(obs.Made)-1].Date}
	out.Level, out.SD = p.Level()
	out.SD = math.Hypot(out.SD, out.Level*obs.wander(now.Sub(out.Date)))
	networks := map[string]bool{}
	for _, o := range obs.Made {
		networks[o.Architecture] = true
	}
	out.Networks = len(networks)
	return out, nil
}

// Here reports whether the observations were made on this machine's processor, or
// on a host.
func (h ObservationHeader) Here() bool {
	return h.Host != "" || h.Processor == Processor() || strings.HasSuffix(h.Processor, cardOf+Processor())
}
