package cli

import (
	"context"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/solver"
)

// reportLimits is how many limits the report answers, evenly spread.
const reportLimits = 8

// writeReport is the explorer as text: the answer for a limit, or with limit 0
// the curve and the answers for some limits over its range.
func (a *app) writeReport(ctx context.Context, setup explore.Setup, limitMS float64) error {
	e, err := explore.New(ctx, setup)
	if err != nil {
		return err
	}
	if limitMS > 0 {
		found, err := e.Search(ctx, explore.Request{LimitMS: limitMS, Seed: 1})
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if found.Status == solver.Infeasible {
			return e.NoNetworkWithin(ctx, limitMS)
		}
		return writeFound(a.out, e, found)
	}
	points, exact, err := e.Pareto(ctx, 1)
	if err != nil {
		return err
	}
	if len(points) == 0 {
		return e.NoNetworkWithin(ctx, math.Inf(1))
	}
	if err := writePareto(a.out, e, points, exact, reportLimits); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.out, "One limit: binas-tui search --limit %s. All commands: binas-tui --help\n", exampleLimit(e))
	return err
}

// exampleLimit is a limit, with its unit, in the middle of what a table makes
// worth asking for.
func exampleLimit(e *explore.Engine) string {
	return phrase.MS((e.MinLatencyMS()+e.MaxLatencyMS())/2, 3) + "ms"
}
