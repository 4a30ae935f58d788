package latency

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"gonum.org/v1/gonum/floats"

	"github.com/binas-tui/binas-tui/internal/job"
)

// Within a network a block runs once an image: its input has just been
// written, its weights have been pushed out of the caches by those of the
// other blocks. A block that is run again and again has its weights at hand,
// which makes the late stages, whose weights are large, look up to a third
// faster than they are in a network (see docs/MEASURING.md). A round of a
// table therefore makes passes: each block once, in random order.

// Bounds of a visit, beside its slice of time.
const (
	minRuns = 3
	maxRuns = 64
	// A run shorter than this is waited for when the context ends; a longer one
	// is interrupted. Runs that can be interrupted take a few microseconds more.
	interruptible = 20 * time.Millisecond
	reportEvery   = 50 * time.Millisecond
)

// roundResult is what one round found.
type roundResult struct {
	MS       []float64 `json:"ms"`       // per task, the tenth percentile of its runs
	Sentinel []float64 `json:"sentinel"` // per visit, the fastest run
}

// measurer carries out rounds. Set o, tasks and sentinel, and call run.
type measurer struct {
	o        MeasureOptions
	tasks    []task
	sentinel int // index of the task that is the sentinel

	record   *record
	runners  []runner
	typical  []time.Duration // of a run, per task, from the last visit
	begun    time.Time       // of the first round made now
	visits   int             // made since
	reported time.Time
}

// run measures until there are o.Rounds conclusive rounds, and returns when the
// measurement was first begun.
func (m *measurer) run(ctx context.Context, header measureHeader) (time.Time, error) {
	record, lost, err := openRecord(m.o.Folder, header)
	if err != nil {
		return time.Time{}, err
	}
	defer record.close()
	if lost != "" {
		m.o.Warn(lost)
	}
	m.record, m.typical = record, make([]time.Duration, len(m.tasks))
	if len(m.conclusive()) < m.o.Rounds {
		defer m.close()
		if err := m.prepare(ctx); err != nil {
			return time.Time{}, err
		}
		if err := m.measure(ctx); err != nil {
			return time.Time{}, err
		}
	}
	return record.header.Date, nil
}

// prepare opens the runners and says how far it is.
func (m *measurer) prepare(ctx context.Context) error {
	m.begun = m.o.now()
	return m.open(ctx, func(done int) {
		m.report(MeasureProgress{Preparing: true, Rounds: m.o.Rounds, Done: done, Total: len(m.tasks)})
	})
}

// open opens the runners and runs each once.
func (m *measurer) open(ctx context.Context, opened func(done int)) error {
	for i, t := range m.tasks {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, err := m.o.open(t)
		if err != nil {
			return fmt.Errorf("%s: %w", t.key, err)
		}
		m.runners = append(m.runners, r)
		start := m.o.now()
		if err := r.Run(ctx); err != nil {
			return fmt.Errorf("%s: %w", t.key, err)
		}
		m.typical[i] = m.o.now().Sub(start)
		if opened != nil {
			opened(i + 1)
		}
	}
	return nil
}

func (m *measurer) close() {
	for _, r := range m.runners {
		r.Close()
	}
	m.runners = nil
}

// measure makes rounds until enough are conclusive.
func (m *measurer) measure(ctx context.Context) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	m.begun, m.visits = m.o.now(), 0
	for attempt := 0; ; attempt++ {
		done := len(m.conclusive())
		if done >= m.o.Rounds {
			return nil
		}
		if done+m.o.MaxAttempts-attempt < m.o.Rounds { // cannot be reached any more
			return fmt.Errorf("%w: in %d of %d rounds the device was more than %.0f%% slower than at its best: something else uses the device, or its clock varies",
				ErrInconclusive, len(m.record.rounds)-done, len(m.record.rounds), 100*(m.o.MaxRatio-1))
		}
		result, err := m.passes(ctx, done)
		if err != nil {
			return err
		}
		if err := m.record.add(result); err != nil {
			return err
		}
		if len(m.conclusive()) > 0 {
			m.o.Partial(m.results())
		}
	}
}

// refresher is a runner whose input can be written anew, as the block before
// it in a network does.
type refresher interface{ Refresh() }

// passes is one round of m.o.Passes passes over all tasks. The sessions are
// opened anew, since where their memory lies makes a difference of a percent
// or two that only another round can average out. The sentinel is visited in
// the way of networks, after every pass.
func (m *measurer) passes(ctx context.Context, done int) (roundResult, error) {
	number := len(m.record.rounds)
	if m.visits > 0 {
		m.close()
		if err := m.open(ctx, nil); err != nil {
			return roundResult{}, err
		}
	}
	runs := make([][]float64, len(m.tasks))
	result := roundResult{MS: make([]float64, len(m.tasks))}
	for pass := range m.o.Passes {
		for i, t := range rand.New(rand.NewPCG(m.o.Seed, uint64(number*m.o.Passes+pass))).Perm(len(m.tasks)) {
			ms, err := m.once(ctx, t)
			if err != nil {
				return result, err
			}
			runs[t] = append(runs[t], ms)
			m.visits++
			m.reportRound(done, number, pass*len(m.tasks)+i+1, m.o.Passes*len(m.tasks))
		}
		ms, err := m.visit(ctx, m.sentinel)
		if err != nil {
			return result, err
		}
		result.Sentinel = append(result.Sentinel, ms)
	}
	for t := range runs {
		result.MS[t] = Quantile(runs[t], lowQuantile)
	}
	return result, nil
}

// once is the time of a single run, in milliseconds.
func (m *measurer) once(ctx context.Context, t int) (float64, error) {
	if r, ok := m.runners[t].(refresher); ok {
		r.Refresh()
	}
	took, err := m.timeRun(ctx, t)
	return float64(took) / float64(time.Millisecond), err
}

// timeRun is the time of a run. Only a long one is interrupted.
func (m *measurer) timeRun(ctx context.Context, t int) (time.Duration, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	runCtx := context.Background()
	if m.typical[t] > interruptible {
		runCtx = ctx
	}
	start := m.o.now()
	if err := m.runners[t].Run(runCtx); err != nil {
		return 0, fmt.Errorf("%s: %w", m.tasks[t].key, err)
	}
	return m.o.now().Sub(start), nil
}

// reportRound reports that visited of a round's visits are made, after done
// conclusive rounds of number.
func (m *measurer) reportRound(done, number, visited, visits int) {
	left := visits*(m.o.Rounds-done) - visited
	m.report(MeasureProgress{
		Round: done, Rounds: m.o.Rounds, Inconclusive: number - done, Done: m.visits, Total: m.visits + left,
		Remaining: job.Left(m.o.now().Sub(m.begun), m.visits, left),
	})
}

// visit returns the fastest of the runs that fit a slice, in milliseconds. The
// first run brings the weights into the caches and is not counted.
func (m *measurer) visit(ctx context.Context, t int) (float64, error) {
	var spent, best time.Duration
	for run := -1; run < minRuns || (run < maxRuns && spent < m.o.Slice); run++ {
		took, err := m.timeRun(ctx, t)
		if err != nil {
			return 0, err
		}
		if run < 0 {
			continue
		}
		spent += took
		if run == 0 || took < best {
			best = took
		}
	}
	m.typical[t] = best
	return float64(best) / float64(time.Millisecond), nil
}

// report passes progress on, unless it did so a moment ago.
func (m *measurer) report(p MeasureProgress) {
	now := m.o.now()
	if p.Done < p.Total && now.Sub(m.reported) < reportEvery {
		return
	}
	m.reported = now
	p.Elapsed = now.Sub(m.begun)
	m.o.Progress(p)
}

// conclusive returns the rounds in which neither the sentinel's median nor the
// sum over all tasks is more than MaxRatio times what it is when the device is
// at its best: the tenth percentile of the sentinel's visits, the least sum.
func (m *measurer) conclusive() []roundResult {
	var visits []float64
	least := math.Inf(1)
	for _, r := range m.record.rounds {
		visits, least = append(visits, r.Sentinel...), min(least, floats.Sum(r.MS))
	}
	if len(visits) == 0 {
		return nil
	}
	best := Quantile(visits, 0.1)
	var out []roundResult
	for _, r := range m.record.rounds {
		if Quantile(r.Sentinel, 0.5) <= m.o.MaxRatio*best && floats.Sum(r.MS) <= m.o.MaxRatio*least {
			out = append(out, r)
		}
	}
	return out
}

// results summarises the conclusive rounds.
func (m *measurer) results() map[string]Measurement {
	rounds := m.conclusive()
	out := make(map[string]Measurement, len(m.tasks))
	values := make([]float64, len(rounds))
	for i, t := range m.tasks {
		for j, r := range rounds {
			values[j] = r.MS[i]
		}
		median := Quantile(values, 0.5)
		measured := Measurement{MedianMS: median, MinMS: slices.Min(values), Rounds: len(rounds)}
		if median > 0 {
			measured.Spread = (Quantile(values, 0.75) - Quantile(values, 0.25)) / median
		}
		out[t.key] = measured
	}
	return out
}
