package tui

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// report is what a session found, ready to be written.
type report struct {
	at       time.Time
	setup    explore.Setup
	from     latency.Provenance
	networks int    // of the frontier
	picture  string // file name; "" without a frontier
	chosen   []snapshot
	app      *App
}

// newReport takes the snapshots, and the network shown where it is not among
// them.
func (a *App) newReport(picture string) *report {
	r := &report{at: time.Now(), setup: a.engine.Setup, from: a.engine.LUT.Provenance, chosen: a.snapshots, app: a}
	if a.frontier != nil && len(a.frontier.Points) > 0 {
		r.networks, r.picture = len(a.frontier.Points), picture
	}
	if a.hasSolution() {
		now := a.snapshotNow(a.ms(a.limitMS) + " ms")
		for _, k := range r.chosen {
			if k.command == now.command {
				return r
			}
		}
		r.chosen = append(append([]snapshot(nil), r.chosen...), now)
	}
	return r
}

// waits reports that how far a prediction may be off is still to be computed.
func (r *report) waits() bool {
	return slices.ContainsFunc(r.chosen, func(k snapshot) bool { return k.unknown != nil })
}

// here reports a snapshot that was found with the setup in use.
func (r *report) here(k snapshot) bool {
	return k.lut == r.setup.LUTName && k.predictor == r.setup.PredictorName && r.setup.Space.CheckPath(k.solution.Path) == nil
}

func (r *report) marks() []figure.Mark {
	var out []figure.Mark
	for _, k := range r.chosen {
		if r.here(k) {
			out = append(out, figure.Mark{Label: k.name, LatencyMS: k.solution.LatencyMS, Accuracy: k.solution.Accuracy})
		}
	}
	return out
}

// mdText makes a text from outside safe in Markdown: one line, no markup.
func mdText(s string) string {
	return mdEscape.Replace(sanitize.Line(s))
}

var mdEscape = strings.NewReplacer("\\", "\\\\", "|", "\\|", "`", "'", "*", "\\*", "_", "\\_", "<", "&lt;", "[", "\\[", "#", "\\#")

func (r *report) markdown() string {
	var w strings.Builder
	s := r.setup
	fmt.Fprintf(&w, "# Networks for %s\n\nWritten by binas-tui on %s.\n\n", mdText(s.LUTName), r.at.Format("2006-01-02 15:04"))
	fmt.Fprintf(&w, "| | |\n|---|---|\n")
	for _, f := range s.Facts() {
		fmt.Fprintf(&w, "| %s | %s |\n", f[0], mdText(f[1]))
	}
	w.WriteString("\nAccuracies are predicted, latencies are by the table; \"optimal\" is proved for these two.\n")

	if r.picture != "" {
		fmt.Fprintf(&w, "\n## Frontier\n\n![Best accuracy within a latency](%s)\n\n%d networks are on it: none is as fast and more accurate. [All of them, with a slider](%s).\n\n    %s\n",
			strings.ReplaceAll(r.picture, " ", "%20"), r.networks, strings.ReplaceAll(strings.TrimSuffix(r.picture, ".svg")+".html", " ", "%20"), "binas-tui pareto --csv"+r.app.sourceFlags())
	}
	if len(r.chosen) == 0 {
		w.WriteString("\nNo network was chosen.\n")
		return w.String()
	}
	w.WriteString("\n## Networks\n\n| name | limit ms | latency ms | accuracy % | found |\n|---|--:|--:|--:|---|\n")
	for _, k := range r.chosen {
		found := fmt.Sprintf("%s by %s", k.solution.Status, k.solution.Optimizer)
		if len(k.limits) > 1 {
			found += fmt.Sprintf(" under %d limits", len(k.limits))
		}
		sanitize.Fprintf(&w, "| %s | %.2f | %.2f | %.2f%s | %s |\n", mdText(k.name), k.limitMS, k.solution.LatencyMS, k.solution.Accuracy, k.uncertainty(), mdText(found))
	}
	for _, k := range r.chosen {
		r.network(&w, k)
	}
	return w.String()
}

// network writes one network: blocks, explanation, string and command.
func (r *report) network(w *strings.Builder, k snapshot) {
	fmt.Fprintf(w, "\n### %s\n\n", mdText(k.name))
	if !r.here(k) {
		fmt.Fprintf(w, "Found with %s and %s.\n", mdText(k.lut), mdText(k.predictor))
	} else {
		r.blocks(w, k)
		k.reportLimits(w)
		r.reasons(w, k)
	}
	fmt.Fprintf(w, "\n    %s\n\nArchitecture:\n\n    %s\n", k.command, k.architecture)
}

// uncertainty is the ± of a prediction, where the predictor says it.
func (k snapshot) uncertainty() string {
	if k.points == 0 {
		return ""
	}
	return sanitize.Sprintf(" ±%.2f", k.points)
}

func (r *report) blocks(w *strings.Builder, k snapshot) {
	e := r.app.engine
	fmt.Fprintf(w, "| block | option | ms | points |\n|---|---|--:|--:|\n")
	n := e.Space.NumOptions()
	for b, o := range k.solution.Path.Option {
		if !e.Space.Active(k.solution.Path, b) {
			continue
		}
		sanitize.Fprintf(w, "| %d.%d | %s | %.3f | %+.3f |\n", b/e.Space.MaxDepth+1, b%e.Space.MaxDepth, e.Space.Options[o],
			e.Table.BlockMS[b*n+o], e.Contribution(k.solution.Path, b))
	}
	sanitize.Fprintf(w, "\nPoints are over the mean of the block's options. Fixed parts take %.3f ms.\n", e.Table.FixedMS)
}

// reportLimits writes what a network uses of several limits.
func (k snapshot) reportLimits(w *strings.Builder) {
	if len(k.limits) < 2 {
		return
	}
	fmt.Fprint(w, "\n| limit on | at most | used | slack | worth of +1 | |\n|---|--:|--:|--:|--:|---|\n")
	for _, l := range k.limits {
		binds := ""
		if l.Binding {
			binds = "binds"
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", mdText(l.Name()), l.CapText(), l.Format(l.Used), l.Format(l.Slack), limitPrice(l, cell.ASCIIGlyphs()), binds)
	}
}

// reasons writes the alternatives that are nearest to being chosen.
func (r *report) reasons(w *strings.Builder, k snapshot) {
	const shown = 5
	e := r.app.engine
	if !e.Bilinear() || k.solution.Status != solver.Optimal {
		return
	}
	type reason struct {
		where, instead string
		solver.Change
	}
	sens := k.sensitivity
	var all []reason
	for _, c := range sens.Options {
		if !c.Pinned {
			d := decision{c.Block / e.Space.MaxDepth, c.Block}
			all = append(all, reason{d.label(e.Space), e.Space.Options[c.Option].String(), c.Change})
		}
	}
	for _, c := range sens.Depths {
		if !c.Pinned {
			all = append(all, reason{fmt.Sprintf("stage %d", c.Stage+1), fmt.Sprintf("depth %d", c.Depth), c.Change})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].ReducedCost > all[j].ReducedCost })
	sanitize.Fprintf(w, "\nOne more millisecond is worth %.3f points here. The decisions that were closest:\n\n"+
		"| where | instead | points | ms | net points |\n|---|---|--:|--:|--:|\n", k.solution.ShadowPrice)
	for _, c := range all[:min(shown, len(all))] {
		sanitize.Fprintf(w, "| %s | %s | %+.3f | %+.3f | %+.3f |\n", c.where, c.instead, c.Accuracy, c.LatencyMS, c.ReducedCost)
	}
}
