package latency

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Within a network a block runs once an image: its input has just been
// written, its weights have been pushed out of the caches by those of the
// other blocks. A block that is run again and again has its weights at hand,
// which makes the late stages, whose weights are large, look up to a third
// faster than they are in a network (see docs/MEASURING.md). A round of a
// table therefore makes passes: each block once, in random order.

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
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if r, ok := m.runners[t].(refresher); ok {
		r.Refresh()
	}
	runCtx := context.Background()
	if m.typical[t] > interruptible {
		runCtx = ctx
	}
	start := m.o.now()
	if err := m.runners[t].Run(runCtx); err != nil {
		return 0, fmt.Errorf("%s: %w", m.tasks[t].key, err)
	}
	return float64(m.o.now().Sub(start)) / float64(time.Millisecond), nil
}
