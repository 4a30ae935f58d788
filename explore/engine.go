package explore

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Engine answers budgets for one Setup. It is used by one goroutine at a
// time, except for [Engine.Frontier], [Engine.WhatIf] and, with limits beside
// the latency, [Engine.Search] and [Engine.Sensitivity].
type Engine struct {
	Setup
	Table *latency.Table

	problem *solver.Problem
	exact   *solver.Exact // of the latency alone where the predictor is not bilinear
	bcfw    *solver.BCFWSolver
	quad    *solver.Quadratic // nil where the predictor is not quadratic

	objective solver.Objective // of the predictor

	preparing  sync.Mutex
	multiLimit *solver.MultiLimit // under the limits of the Setup; nil until it is used
}

// New prepares a Setup: a few milliseconds for the BINAS space.
func New(ctx context.Context, s Setup) (*Engine, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	table, err := s.LUT.Table(s.Space)
	if err != nil {
		return nil, fmt.Errorf("latency table %s: %w", s.LUTName, err)
	}
	s.flat = s.findFlat()
	e := &Engine{Setup: s, Table: table, problem: s.Problem(table)}
	if e.exact, err = solver.Prepare(ctx, e.problem); err != nil {
		if ctx.Err() == nil { // the numbers are out of range
			err = fmt.Errorf("latency table %s with predictor %s: %w: %w", s.LUTName, s.PredictorName, ErrUnreadable, err)
		}
		return nil, err
	}
	if p, ok := s.Predictor.(*model.Quadratic); ok {
		if e.quad, err = solver.PrepareQuadratic(e.problem, p); err != nil {
			return nil, err
		}
	}
	if e.objective, err = e.newObjective(); err != nil {
		return nil, err
	}
	if e.Bilinear() {
		e.bcfw, err = solver.NewBCFW(e.problem, e.objective, solver.BCFWSettings{})
	}
	return e, err
}

// Bilinear reports whether the predictor is bilinear, so that the live methods
// apply: [Engine.Solve] and the exact frontier.
func (e *Engine) Bilinear() bool {
	_, ok := e.Predictor.(*model.Bilinear)
	return ok
}

// Problem is the search problem that is solved; it must not be changed.
func (e *Engine) Problem() *solver.Problem { return e.problem }

// MinLatencyMS is the least latency of any network the pins allow.
func (e *Engine) MinLatencyMS() float64 { return e.exact.MinLatencyMS() }

// MaxLatencyMS is the latency beyond which more budget gives no better
// network; where the predictor is not bilinear, that of the slowest network.
func (e *Engine) MaxLatencyMS() float64 {
	if e.Bilinear() {
		return e.exact.MaxLatencyMS()
	}
	return e.slowest()
}

func (e *Engine) slowest() float64 {
	p, n := e.problem, e.problem.Options
	path := model.Path{Depth: make([]int, p.Stages), Option: make([]int, p.NumBlocks())}
	for s := range path.Depth {
		for _, d := range p.AllowedDepths(s) {
			path.Depth[s] = d
		}
	}
	for b := range path.Option {
		worst := -1.0
		for o := range n {
			if ms := p.BlockLatencyMS[b*n+o]; p.Pins.Allows(b, o) && ms > worst {
				worst, path.Option[b] = ms, o
			}
		}
	}
	return p.LatencyMS(path)
}

// LiveAnswer is what the two live methods found for one budget.
type LiveAnswer struct {
	LimitMS   float64
	Exact     solver.Solution // with proof
	BCFW      solver.Solution // the paper's method, as it stands
	ExactTime time.Duration
	BCFWTime  time.Duration
}

// BCFWShort is how many accuracy points BCFW is below the optimum.
func (a *LiveAnswer) BCFWShort() float64 {
	if a.BCFW.Status == solver.Infeasible || a.Exact.Status == solver.Infeasible {
		return 0
	}
	return max(0, a.Exact.Accuracy-a.BCFW.Accuracy)
}

// Solve runs BCFW and certifies it with the exact search: the live loop of the
// explorer. It is for bilinear predictors.
func (e *Engine) Solve(dst *LiveAnswer, limitMS float64) {
	dst.LimitMS = limitMS
	start := time.Now()
	_ = e.bcfw.Solve(context.Background(), &dst.BCFW, limitMS)
	dst.BCFWTime = time.Since(start)
	start = time.Now()
	_ = e.exact.Solve(context.Background(), &dst.Exact, limitMS)
	dst.ExactTime = time.Since(start)
}

// Accuracy is the predicted accuracy of a path in percent.
func (e *Engine) Accuracy(p model.Path) float64 {
	return e.Predictor.Accuracy(e.Space.Encode(nil, p, e.Inactive))
}

// LatencyMS is the latency of a path by the table, in milliseconds.
func (e *Engine) LatencyMS(p model.Path) float64 { return e.Table.LatencyMS(e.Space, p) }

// LatencyDeviation is the standard deviation, in milliseconds, of what a network
// takes on the device around what the table says; known is false where the table
// says nothing of its errors. It holds for the machine as it was when it was
// measured.
func (e *Engine) LatencyDeviation(p model.Path) (ms float64, known bool) {
	share, known := e.LUT.Deviation(e.Space, p)
	return share * e.LatencyMS(p), known
}

// Frontier computes the whole exact frontier: the greatest accuracy over the
// latency limit, with the limits of the Setup kept. It may run beside Solve, and
// is for bilinear predictors. The latency alone takes some milliseconds; with
// more limits it takes tenths of a second, in which progress, if set, is called
// after every point: known copies those found so far.
func (e *Engine) Frontier(ctx context.Context, progress func(known func() solver.Frontier)) (*solver.Frontier, error) {
	if len(e.Limits) == 0 {
		f, err := e.exact.Clone().Frontier(ctx)
		return &f, err
	}
	l, err := e.withLimits(ctx)
	if err != nil {
		return nil, err
	}
	f, err := l.Frontier(ctx, e.caps(math.Inf(1)), progress)
	return &f, err
}
