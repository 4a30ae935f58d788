package latency

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// session is an open network with how often it ran and what a run takes.
type session struct {
	OpenNetwork
	runs int
	ms   float64 // of the last run to warm up
}

// warmUp runs the network until its memory is in the caches: some runs, and
// some milliseconds.
func (s *session) warmUp(ctx context.Context) error {
	least := WarmUpRuns
	if s.runs > 0 {
		least-- // its memory is there, other networks have taken the caches
	}
	spent := 0.0
	for i := 0; i < least || (spent < warmUpMS && i < maxWarmUp); i++ {
		took, err := s.time(ctx, 1)
		if err != nil {
			return err
		}
		s.ms = took[0]
		spent += s.ms
	}
	return nil
}

// time times n runs of the network.
func (s *session) time(ctx context.Context, n int) ([]float64, error) {
	took, err := s.Run(ctx, n)
	if err != nil {
		return nil, err
	}
	s.runs += len(took)
	if err := checkRuns(took, n); err != nil {
		return nil, err
	}
	for i, ms := range took {
		took[i] = rounded(ms)
	}
	return took, nil
}

// checkRuns refuses what n runs cannot have taken.
func checkRuns(tookMS []float64, n int) error {
	if len(tookMS) != n {
		return fmt.Errorf("the device made %d runs: expected %d", len(tookMS), n)
	}
	for _, ms := range tookMS {
		if !(ms > 0) || math.IsInf(ms, 1) {
			return fmt.Errorf("a run took %v ms: expected more than 0", ms)
		}
	}
	return nil
}

// rounded is a time to the nanosecond.
func rounded(ms float64) float64 { return math.Round(ms*1e6) / 1e6 }

// runsOfBurst is how many runs of ms milliseconds a burst times.
func runsOfBurst(ms float64) int { return int(min(max(burstMS/ms, minBurst), maxBurst)) }

// InTurn is what networks take, ms, medians over some rounds in which one runs right
// after the other: what disturbs one disturbs all. They may be of several devices.
func InTurn(ctx context.Context, networks []OpenNetwork, rounds int) ([]float64, error) {
	sessions, tookMS := make([]session, len(networks)), make([][]float64, len(networks))
	for range rounds {
		for i := range sessions {
			s := &sessions[i]
			s.OpenNetwork = networks[i]
			if err := s.warmUp(ctx); err != nil {
				return nil, err
			}
			runs, err := s.time(ctx, runsOfBurst(s.ms))
			if err != nil {
				return nil, err
			}
			tookMS[i] = append(tookMS[i], Quantile(runs, 0.5))
		}
	}
	return each(tookMS, func(list []float64) float64 { return Quantile(list, 0.5) }), nil
}

// turn is what a network does between others: it warms up, where that is wanted,
// and is timed.
type turn struct {
	session *session
	warmUp  bool
	runs    int // timed; usualRuns for as many as a burst has
}

// usualRuns stands for as many runs as a burst has of such a network.
const usualRuns = -1

// taken is what was found in a turn.
type taken struct {
	Before int       `json:"before"`  // runs of the network before those that were timed
	WarmMS float64   `json:"warm_ms"` // the last of those that warmed it up
	AtMS   float64   `json:"at_ms"`   // when timing began, on the clock of the day
	RunsMS []float64 `json:"runs_ms"`
}

// turnTaker is a device that takes turns by itself: another machine, where they
// must follow one another as closely as here.
type turnTaker interface {
	takeTurns(ctx context.Context, turns []turn, now func() time.Time) ([]taken, error)
}

// preparer is a device that has several networks ready sooner together than one
// after the other.
type preparer interface {
	// prepare opens networks; none where they are to be opened one by one. release
	// closes all that it opened.
	prepare(ctx context.Context, archs []model.Architecture, imageSize int) (networks []OpenNetwork, release func(), err error)
}

// takeTurns has networks of a device take turns, one right after the other.
func takeTurns(ctx context.Context, d Device, turns []turn, now func() time.Time) ([]taken, error) {
	if t, ok := d.(turnTaker); ok {
		return t.takeTurns(ctx, turns, now)
	}
	out := make([]taken, len(turns))
	for i, t := range turns {
		if t.warmUp {
			if err := t.session.warmUp(ctx); err != nil {
				return nil, err
			}
		}
		n := t.runs
		if n == usualRuns {
			n = runsOfBurst(t.session.ms)
		}
		out[i] = taken{Before: t.session.runs, WarmMS: t.session.ms, AtMS: rounded(float64(now().UnixMicro()) / 1e3)}
		var err error
		if out[i].RunsMS, err = t.session.time(ctx, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}
