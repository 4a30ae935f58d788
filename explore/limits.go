package explore

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
)

// Limit is a limit on one resource of a network. Kind, Cap and, for another
// device, LUT and LUTName are what is asked for; the rest is what a search
// found.
type Limit struct {
	Kind    LimitKind
	Cap     float64 // in Unit; +Inf is none
	LUT     *latency.LUT
	LUTName string

	Used  float64 // by the best network; not a number, as the next two, where there is none
	Slack float64 // Cap - Used
	// ShadowPrice is what one more unit is worth in accuracy points, by the LP
	// relaxation at the best network; not a number for memory, which has none.
	ShadowPrice float64
	// Binding says that the best network would be better without this limit:
	// by the LP relaxation, for memory by a search.
	Binding bool
}

// Name is latency, params, macs, memory or "latency on NAME", which says the
// precision where that is not fp32.
func (l Limit) Name() string {
	if l.Kind == LimitLatency && l.LUT != nil {
		name := "latency on " + l.LUTName
		if p := l.LUT.Provenance.ComputesIn(); p != onnx.FP32 {
			name += " in " + string(p)
		}
		return name
	}
	return l.Kind.Resource().Name
}

// Unit is that of Cap, Used and Slack: ms, params, MACs or bytes.
func (l Limit) Unit() string { return l.Kind.Resource().Unit }

// Format writes an amount of the limit's resource with a fitting unit.
func (l Limit) Format(v float64) string { return FormatAmount(l.Kind, v) }

// Charge is what the limit takes for using so much more, in accuracy points: 0
// where it has no price.
func (l Limit) Charge(used float64) float64 {
	if !(l.ShadowPrice > 0) {
		return 0
	}
	return l.ShadowPrice * used
}

// LimitsText names the limits beside the latency: "params ≤ 6M, macs ≤ 300M".
func (s Setup) LimitsText() string {
	var out []string
	for _, l := range s.Limits {
		out = append(out, l.Name()+" ≤ "+l.CapText())
	}
	return strings.Join(out, ", ")
}

// defaultClasses is what parameters are counted for where nothing else is known.
const defaultClasses = 1000

// NumClasses is how many classes parameters are counted for.
func (s Setup) NumClasses() int {
	if s.Classes == 0 {
		return defaultClasses
	}
	return s.Classes
}

func (s Setup) costs() model.Costs { return s.Space.Costs(s.NumClasses()) }

// resource is what the solver takes for a limit.
func (s Setup) resource(l Limit, table *latency.Table, costs model.Costs) (solver.Resource, error) {
	kind := l.Kind.Resource()
	r := solver.Resource{Name: l.Name(), Kind: kind.solver}
	if kind.amount != nil {
		for _, c := range costs.Block {
			r.Block = append(r.Block, float64(kind.amount(c)))
		}
		r.Fixed = float64(kind.amount(costs.Fixed))
		return r, nil
	}
	if l.LUT != nil {
		t, err := l.LUT.Table(s.Space)
		if err != nil {
			return r, fmt.Errorf("latency table %s: %w", l.LUTName, err)
		}
		table = t
	}
	r.Block, r.Fixed = table.BlockMS, table.FixedMS
	return r, nil
}

// withLimits prepares the search under the latency limit and the limits of the
// Setup, once.
func (e *Engine) withLimits(ctx context.Context) (*solver.MultiLimit, error) {
	e.preparing.Lock()
	defer e.preparing.Unlock()
	if e.multiLimit != nil {
		return e.multiLimit, nil
	}
	var err error
	e.multiLimit, err = e.prepareLimits(ctx, e.problem)
	return e.multiLimit, err
}

// prepareLimits prepares a problem for search under the latency limit and the limits
// of the Setup.
func (e *Engine) prepareLimits(ctx context.Context, p *solver.Problem) (*solver.MultiLimit, error) {
	costs := e.costs()
	var resources []solver.Resource
	for _, l := range append([]Limit{{}}, e.Limits...) {
		r, err := e.resource(l, e.Table, costs)
		if err != nil {
			return nil, err
		}
		resources = append(resources, r)
	}
	return solver.PrepareMultiLimit(ctx, p, resources)
}

// caps are the limits in the order of the resources.
func (e *Engine) caps(limitMS float64) []float64 {
	caps := []float64{limitMS}
	for _, l := range e.Limits {
		caps = append(caps, l.Cap)
	}
	return caps
}

// searchLimits finds the k best networks under the latency limit and the limits
// of the Setup.
func (e *Engine) searchLimits(ctx context.Context, limitMS float64, k int) (solver.MultiLimitResult, []Limit, error) {
	l, err := e.withLimits(ctx)
	if err != nil {
		return solver.MultiLimitResult{}, nil, err
	}
	caps := e.caps(limitMS)
	r, err := l.Solve(ctx, caps, k)
	if err != nil {
		return r, nil, err
	}
	limits := append([]Limit{{Cap: limitMS}}, e.Limits...)
	if r.Status == solver.Infeasible {
		for i := range limits {
			limits[i].Used, limits[i].Slack, limits[i].ShadowPrice = math.NaN(), math.NaN(), math.NaN()
		}
		return r, limits, nil
	}
	for i := range limits {
		m := &limits[i]
		m.Used, m.ShadowPrice = r.Best[0].Used[i], r.Prices[i]
		m.Slack, m.Binding = m.Cap-m.Used, m.ShadowPrice > 0
		if m.Kind.Resource().solver == solver.Peak && !math.IsInf(m.Cap, 1) {
			caps[i] = math.Inf(1)
			without, err := l.Solve(ctx, caps, 1)
			if err != nil {
				return r, nil, err
			}
			m.Binding = without.Best[0].Accuracy > r.Best[0].Accuracy+ProvedGap
			caps[i] = m.Cap
		}
	}
	return r, limits, nil
}

// limitedSolution is the best network of a search under several limits, of which
// the latency is the first.
func limitedSolution(r solver.MultiLimitResult, limitMS float64) solver.Solution {
	s := solver.Solution{Optimizer: solver.IQCP, Status: r.Status, LimitMS: limitMS}
	if r.Status != solver.Infeasible {
		best := r.Best[0]
		s.Path, s.LatencyMS, s.Accuracy = best.Path, best.Used[0], best.Accuracy
		s.Bound, s.ShadowPrice = r.Bound, r.Prices[0]
	}
	return s
}

// LatencyLimit is what a solution uses of its limit on latency.
func LatencyLimit(s *solver.Solution) Limit {
	l := Limit{Cap: s.LimitMS, Used: s.LatencyMS, ShadowPrice: s.ShadowPrice}
	if s.Status == solver.Infeasible {
		l.Used, l.ShadowPrice = math.NaN(), math.NaN()
	}
	l.Slack, l.Binding = l.Cap-l.Used, l.ShadowPrice > 0
	return l
}

// NoNetworkWithin is the error that says which limits no network keeps: the
// smallest set that excludes itself.
func (e *Engine) NoNetworkWithin(ctx context.Context, limitMS float64) error {
	if len(e.Limits) == 0 {
		return e.NoNetwork(limitMS)
	}
	l, err := e.withLimits(ctx)
	if err != nil {
		return err
	}
	caps := e.caps(limitMS)
	set, err := l.Conflict(ctx, caps)
	if err != nil {
		return err
	}
	if len(set) == 0 {
		return fmt.Errorf("%w: no network within the limits was found", ErrNoNetwork)
	}
	limits := append([]Limit{{Cap: limitMS}}, e.Limits...)
	var parts []string
	others := make([]float64, len(caps))
	for i := range others {
		others[i] = math.Inf(1)
	}
	for _, i := range set {
		parts = append(parts, limits[i].Name()+" of "+limits[i].Format(limits[i].Cap))
		others[i] = caps[i]
	}
	last := set[len(set)-1]
	others[last] = math.Inf(1)
	least, err := l.Least(ctx, last, others)
	if err != nil {
		return err
	}
	reach := fmt.Sprintf("at least %s are needed", limits[last].Format(least))
	if limits[last].Kind.Resource().counted() {
		reach = fmt.Sprintf("at least %s %s are needed", limits[last].Format(least), limits[last].Unit())
	}
	if len(set) == 1 {
		return fmt.Errorf("%w on %s: %s", ErrNoNetwork, parts[0], reach)
	}
	return fmt.Errorf("%w on %s together: with the other%s kept %s", ErrNoNetwork, strings.Join(parts, " and "),
		map[bool]string{true: "s"}[len(set) > 2], reach)
}
