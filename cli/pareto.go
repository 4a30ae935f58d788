package cli

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
)

func (a *app) paretoCommand() *cobra.Command {
	var (
		sel           selection
		seed          uint64
		asJSON, asCSV bool
		figure        string
	)
	cmd := &cobra.Command{
		Use:   "pareto",
		Short: "Print the best accuracy for every latency",
		Long: `Print the networks that no other beats: none is as fast and more accurate. With
a bilinear predictor these are all there are, proved. With another one the search
answers 16 limits, which takes some seconds.`,
		Example: `  binas-tui pareto
  binas-tui pareto --csv > frontier.csv
  binas-tui pareto --lut phone.pkl --figure frontier.svg`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if asJSON && asCSV {
				return usagef("--json and --csv: expected one of them")
			}
			if cmd.Flags().Changed("figure") {
				if _, err := figureFormat(figure); err != nil {
					return err
				}
			}
			engine, err := sel.engine(cmd.Context())
			if err != nil {
				return err
			}
			points, exact, err := engine.Pareto(cmd.Context(), seed)
			if err != nil {
				return err
			}
			if figure != "" {
				if err := saveFigure(figure, engine, points); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return writeJSON(a.out, newParetoReport(engine, points, exact))
			case asCSV:
				return writeParetoCSV(a.out, engine, points)
			case figure != "":
				return nil
			}
			return writePareto(a.out, engine, points, exact, paretoRows)
		},
	}
	sel.addFlags(cmd)
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print JSON")
	f.BoolVar(&asCSV, "csv", false, "print comma-separated values")
	f.StringVar(&figure, "figure", "", "draw it to `FILE`, which ends in .svg or .png")
	f.Uint64Var(&seed, "seed", 1, "`SEED` of the searches that stand in where the predictor is not bilinear")
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
	if len(points) == 0 {
		return e.NoNetwork(e.MaxLatencyMS())
	}
	fmt.Fprintln(w, curve(points))
	fmt.Fprintln(w)
	writeSources(w, e.Setup)
	count := fmt.Sprintf("%d networks, the best found at 16 limits: there are others between them", len(points))
	if exact {
		count = fmt.Sprintf("%d networks, proved: no other network of %.2g is better", len(points), e.Space.NetworkCount())
	}
	fmt.Fprintf(w, "\n%s\n\nlatency ms  accuracy %%  depths     blocks\n", count)
	for _, i := range spread(len(points), rows) {
		p := points[i]
		depths, blocks := "", 0
		for _, d := range p.Path.Depth {
			depths += fmt.Sprintf("%d ", d)
			blocks += d
		}
		fmt.Fprintf(w, "%10.3f  %10.3f  %-9s  %6d\n", p.LatencyMS, p.Accuracy, depths, blocks)
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
