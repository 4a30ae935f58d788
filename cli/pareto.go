package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/page"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

func (a *app) paretoCommand() *cobra.Command {
	var (
		sel  selection
		form forms
		html string
	)
	cmd := &cobra.Command{
		Use:   "pareto",
		Short: "Print the best accuracy for every latency",
		Long: `Print the frontier: the networks that no other beats, by being as fast and more
accurate. With a bilinear predictor it is complete, proved, and keeps further
limits where they are given. With other predictors it is the answers of a search
at 16 limits, which takes some seconds.`,
		Example: `  binas-tui pareto
  binas-tui pareto --csv > frontier.csv
  binas-tui pareto --max-params 6M --limit-on phone.pkl=12ms
  binas-tui pareto --lut phone.pkl --figure frontier.svg
  binas-tui pareto --html frontier.html`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := form.check(a, cmd); err != nil {
				return err
			}
			if err := checkOutput("html", html, pageFile); err != nil {
				return err
			}
			engine, err := sel.engine(cmd.Context())
			if err != nil {
				return err
			}
			points, exact, err := engine.Pareto(cmd.Context(), sel.seed)
			if err != nil {
				return err
			}
			if len(points) == 0 {
				return engine.NoNetworkWithin(cmd.Context(), math.Inf(1))
			}
			if html != "" {
				o := page.Options{Made: time.Now(), Exact: exact}
				err := safefile.Replace(html, true, func(w io.Writer) error { return page.Frontier(cmd.Context(), w, engine, points, o) })
				if err == nil && !form.csv {
					a.wrote(html)
				}
				if err != nil || !form.csv && !a.json && form.figure == "" {
					return err
				}
			}
			return form.write(a, newParetoReport(engine, points, exact),
				func() (*figure.Drawing, error) { return figure.Frontier(engine, points, nil) },
				func(w io.Writer) error { return writeParetoCSV(w, engine, points) },
				func(w io.Writer) error { return writePareto(w, engine, points, exact, paretoRows) })
		},
	}
	sel.addFlags(cmd)
	sel.addConstraints(cmd)
	form.addFlags(a, cmd, "draw the frontier")
	cmd.Flags().StringVar(&html, "html", "", "write a page to send to `FILE`: the frontier, a slider over it, the sweep, the networks")
	sel.addSeed(cmd, " of the searches, where the predictor is not bilinear")
	return cmd
}

// paretoReport is the JSON of a frontier, by rising latency.
type paretoReport struct {
	Points         []paretoPoint `json:"points"`
	Exact          bool          `json:"exact"` // these are all there are
	LUT            string        `json:"lut"`
	Predictor      string        `json:"predictor"`
	AccuracySource string        `json:"accuracy_source"`
	InactiveBlocks string        `json:"inactive_blocks"`
	Limits         []paretoLimit `json:"limits,omitempty"` // that every point keeps
}

type paretoLimit struct {
	Name string         `json:"name"`
	Unit string         `json:"unit"`
	Cap  explore.Number `json:"cap"`
}

type paretoPoint struct {
	LatencyMS         explore.Number `json:"latency_ms"`
	PredictedAccuracy explore.Number `json:"predicted_accuracy"` // percent
	Architecture      string         `json:"architecture"`
}

func newParetoReport(e *explore.Engine, points []explore.ParetoPoint, exact bool) paretoReport {
	r := paretoReport{
		Points: make([]paretoPoint, len(points)), Exact: exact, LUT: e.LUTName, Predictor: e.PredictorName,
		AccuracySource: e.AccuracySource(), InactiveBlocks: e.Inactive.String(),
	}
	for i, p := range points {
		r.Points[i] = paretoPoint{explore.Number(p.LatencyMS), explore.Number(p.Accuracy), e.Space.Architecture(p.Path).String()}
	}
	for _, l := range e.Limits {
		r.Limits = append(r.Limits, paretoLimit{l.Name(), l.Unit(), explore.Number(l.Cap)})
	}
	return r
}

func writeParetoCSV(w io.Writer, e *explore.Engine, points []explore.ParetoPoint) error {
	out := csv.NewWriter(w)
	out.Write([]string{"latency_ms", "predicted_accuracy", "architecture"})
	for _, p := range points {
		out.Write([]string{
			strconv.FormatFloat(p.LatencyMS, 'g', -1, 64), strconv.FormatFloat(p.Accuracy, 'g', -1, 64),
			e.Space.Architecture(p.Path).String(),
		})
	}
	out.Flush()
	return out.Error()
}

// paretoRows is how many networks the text of pareto shows.
const paretoRows = 20

// writePareto prints a frontier for people: a curve and rows of the table.
func writePareto(w io.Writer, e *explore.Engine, points []explore.ParetoPoint, exact bool, rows int) error {
	fmt.Fprintln(w, curve(points))
	fmt.Fprintln(w)
	writeSources(w, e.Setup)
	if len(e.Limits) > 0 {
		sanitize.Fprintf(w, "          limits: %s\n", sanitize.Line(e.LimitsText()))
	}
	count := fmt.Sprintf("%d networks, the best found at 16 limits: there are others between them", len(points))
	if exact {
		which := "no other network"
		if len(e.Limits) > 0 {
			which = "no other network within the limits"
		}
		count = fmt.Sprintf("%d networks, proved: %s of %.2g is better", len(points), which, e.Space.NetworkCount())
	}
	sanitize.Fprintf(w, "\n%s\n\nlatency ms  accuracy %%  depths     blocks\n", count)
	for _, i := range spread(len(points), rows) {
		p := points[i]
		depths, blocks := "", 0
		for _, d := range p.Path.Depth {
			depths += fmt.Sprintf("%d ", d)
			blocks += d
		}
		sanitize.Fprintf(w, "%10.3f  %10.3f  %-9s  %6d\n", p.LatencyMS, p.Accuracy, depths, blocks)
	}
	_, err := fmt.Fprintln(w, "\nEvery network with its architecture: --json or --csv")
	return err
}

// spread returns up to k indices of n things, evenly, with the first and last.
func spread(n, k int) []int {
	if n <= k {
		k = n
	}
	out := make([]int, k)
	for i := range out {
		if k > 1 {
			out[i] = (i*(n-1) + (k-1)/2) / (k - 1)
		}
	}
	return out
}
