package steps

import (
	"cmp"
	"context"
	"math"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Results is everything a finished pipeline found.
type Results struct {
	Settings  PipelineSettings
	Data      string // name of the set
	Classes   int
	Trained   []training.Metric
	Sampled   sampleStatistics
	Test      sampleStatistics
	Rankings  []Ranking
	Measured  []float64 // accuracies of the test networks, percent
	Networks  []Network
	Latencies Latencies
	Table     *latency.Quality   // how well the latency table was measured; nil where it does not say
	Seconds   map[string]float64 // by step
	Estimate  *Estimate          // before the first training; nil where none was made
}

func (r *run) results() (res Results, err error) {
	res.Settings, res.Data, res.Classes, res.Table = r.PipelineSettings, r.train.Name, r.train.Classes, r.lut.Quality
	samples, err := r.readSamples(samplesFile)
	if err != nil {
		return res, err
	}
	test, err := r.readTest()
	if err != nil {
		return res, err
	}
	res.Sampled, res.Test, res.Measured = statisticsOf(samples), statisticsOf(test), accuracies(test)
	if err := cmp.Or(r.readJSON(rankingFile, &res.Rankings), r.readJSON(resultsFile, &res.Networks), r.readJSON(latenciesFile, &res.Latencies)); err != nil {
		return res, err
	}
	var lost jsonl.Lost
	if res.Trained, lost, err = training.ReadMetrics(r.folder); err != nil {
		return res, err
	}
	r.lost("metrics.jsonl", lost)
	if res.Estimate, err = r.readEstimate(); err != nil {
		return res, err
	}
	res.Seconds, err = r.times()
	return res, err
}

// report writes the report and its figures.
func (r *run) report(context.Context) error {
	res, err := r.results()
	if err != nil {
		return err
	}
	if err := r.figures(res); err != nil {
		return err
	}
	return safefile.Write(r.path(ReportFile), []byte(res.Markdown()))
}

// Markdown is the report. Its figures are files beside it.
func (res Results) Markdown() string {
	var b strings.Builder
	s := res.Settings
	sanitize.Fprintf(&b, "# Networks within a latency, %s\n\n", line(res.Data))
	sanitize.Fprintf(&b, "Space %s at %d px, data %s of %d classes (a guess is right in %.1f%%), latency table %s, seed %d. Every figure here was made by `binas-tui pipeline`; its settings are in `%s`.\n\n",
		line(s.Space), s.ImageSize, line(res.Data), res.Classes, 100/float64(max(res.Classes, 1)), line(s.LUT), s.Seed, pipelineFile)
	res.writeSupernet(&b)
	res.writeRanking(&b)
	res.writeNetworks(&b)
	res.writeStatistics(&b)
	res.writeTimes(&b)
	return b.String()
}

func line(s string) string {
	if s == "" {
		return "measured in this run"
	}
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "`", "'").Replace(sanitize.Line(s))
}

// writeSupernet reports the trainings: the last validation of each.
func (res Results) writeSupernet(b *strings.Builder) {
	sanitize.Fprintf(b, "## Training\n\n![Training](training.svg)\n\n| stage | epoch | network | top-1 %% | loss | held-out images |\n|---|---|---|---|---|---|\n")
	last := map[training.Stage]training.Metric{}
	for _, m := range res.Trained {
		if len(m.Validation) > 0 {
			last[m.Stage] = m
		}
	}
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot} {
		m := last[stage]
		for _, v := range m.Validation {
			sanitize.Fprintf(b, "| %s | %d | %s | %.2f | %.3f | %d |\n", stage, m.Epoch, v.Network, v.Top1, v.Loss, v.Images)
		}
	}
	b.WriteString("\n")
}

// writeRanking reports how well the predictors rank networks.
func (res Results) writeRanking(b *strings.Builder) {
	t := res.Test
	n := float64(t.networks)
	chance := 2 * math.Sqrt(2*(2*n+5)/(9*n*(n-1))) // two standard errors of tau between ranks that have nothing in common
	told := t.noiseCeilingIsKnown && t.ceiling > chance
	sanitize.Fprintf(b, "## Predictors\n\n%d random networks to fit on: %.2f ± %.2f%% (%.2f to %.2f). %d other ones to judge with: %.2f ± %.2f%%.\n",
		res.Sampled.networks, res.Sampled.mean, res.Sampled.spread, res.Sampled.least, res.Sampled.most, t.networks, t.mean, t.spread)
	if t.noiseCeilingIsKnown {
		sanitize.Fprintf(b, "Kendall's tau between the accuracies of the same %d networks on two halves of the held-out images is %.3f: ", t.networks, t.ceiling)
		if told {
			b.WriteString("a predictor that reaches it ranks networks as well as half of the images do. It is compared with all of them, and may reach more.\n")
		} else {
			sanitize.Fprintf(b, "two halves of the images do not agree on a rank (chance alone gives up to %.2f), so nothing is known about how well a predictor ranks. Evaluate on more images, or train the supernet longer.\n", chance)
		}
	}
	b.WriteString("\n![Predicted and measured accuracy](ranking.svg)\n\n| predictor | fitted on | Kendall | 95% interval | share of the ceiling | Spearman | Pearson | MSE (points²) | seconds |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, k := range res.Rankings {
		share := "–"
		if told {
			share = sanitize.Sprintf("%.0f%%", 100*k.Metrics.Kendall/t.ceiling)
		}
		sanitize.Fprintf(b, "| %s | %d | %.3f | %.3f to %.3f | %s | %.3f | %.3f | %.3f | %.2f |\n", k.Predictor, k.Samples, k.Metrics.Kendall,
			k.Kendall95.Low, k.Kendall95.High, share, k.Metrics.Spearman, k.Metrics.Pearson, k.Metrics.MSE, k.FitSeconds)
	}
	for _, k := range res.Rankings {
		if flat := fit.Flat(k.Predicted, res.Sampled.least, res.Sampled.most); flat != "" {
			sanitize.Fprintf(b, "\nThe %s predictor %s.\n", k.Predictor, flat)
		}
	}
	b.WriteString("\n")
}

// writeNetworks compares searched networks with random ones of equal latency.
func (res Results) writeNetworks(b *strings.Builder) {
	sanitize.Fprintf(b, "## Networks\n\nAt each of %d budgets: the network that the %s predictor finds best, and %s whose latency by the table is the same or up to %.0f%% less. "+
		"All were fine-tuned in the same way and validated on images that were in no training.\n\n![Accuracy over latency](networks.svg)\n\n",
		res.Settings.Budgets, res.Settings.Predictor, phrase.Count(res.Settings.Random, "random network"), 100*latencyTolerance)
	b.WriteString("| network | budget (ms) | by the table (ms) | measured (ms) | predicted % | in the supernet % | fine-tuned top-1 % | images |\n|---|---|---|---|---|---|---|---|\n")
	for _, n := range res.Networks {
		sanitize.Fprintf(b, "| %s | %.4f | %.4f | %.4f | %.2f | %.2f | %.2f | %d |\n", n.Name, n.LimitMS, n.LatencyMS, n.MeasuredMS, n.Predicted, n.Supernet, n.FineTuned, n.Images)
	}
	sanitize.Fprintf(b, "\nThe table's mean error on these networks is %.1f%%, of which %.1f%% remains when their common factor of %.3f is taken out; Kendall %.3f.",
		100*res.Latencies.MAPE, 100*res.Latencies.Shape, res.Latencies.Level, res.Latencies.Kendall)
	if q := res.Table; q != nil {
		sanitize.Fprintf(b, " It was measured in %s: a block is certain to ± %.1f%% (standard error, median), the level of all to ± %.1f%%; two halves of it rank networks alike to Kendall %.3f.",
			phrase.Count(q.Networks, "network"), 100*q.StandardError, 100*q.LevelError, q.Halves)
		if q.Disturbed != "" {
			sanitize.Fprintf(b, " It is less certain than it should be: %s.", line(q.Disturbed))
		}
	}
	b.WriteString("\n\n")
	b.WriteString("| budget | searched % | random, mean % | random, best % | searched is better than the mean by | ± |\n|---|---|---|---|---|---|\n")
	told, compared := 0, 0
	for _, c := range res.Comparisons() {
		if c.Random > 0 {
			sanitize.Fprintf(b, "| %d | %.2f | %.2f | %.2f | %+.2f | %.2f |\n", c.Budget, c.Searched, c.Mean, c.Best, c.Searched-c.Mean, c.Error)
			compared++
			if math.Abs(c.Searched-c.Mean) > 2*c.Error {
				told++
			}
		}
	}
	if compared > 0 {
		sanitize.Fprintf(b, "\n± is one standard error, by the number of images. %d of %d differences are more than twice that: the others may be chance.\n", told, compared)
	}
	b.WriteString("\nSearched networks:\n\n")
	for _, n := range res.Networks {
		if n.Kind == Searched {
			sanitize.Fprintf(b, "* %s, %.4f ms: `%s`\n", n.Name, n.LatencyMS, n.Architecture)
		}
	}
	b.WriteString("\n")
}

// Comparison is one budget: fine-tuned accuracies in percent.
type Comparison struct {
	Budget     int
	Searched   float64
	Random     int // networks
	Mean, Best float64
	Error      float64 // standard error of Searched - Mean, by the number of images, as if the networks' mistakes had nothing in common
}

// Comparisons compares, at every budget, the searched network with the random
// ones.
func (res Results) Comparisons() []Comparison {
	out, searched, random := make([]Comparison, res.Settings.Budgets), make([]float64, res.Settings.Budgets), make([]float64, res.Settings.Budgets)
	for _, n := range res.Networks {
		if n.Budget < 1 || n.Budget > len(out) {
			continue
		}
		c := &out[n.Budget-1]
		c.Budget = n.Budget
		variance := n.FineTuned * (100 - n.FineTuned) / float64(max(n.Images, 1))
		if n.Kind == Searched {
			c.Searched, searched[n.Budget-1] = n.FineTuned, variance
			continue
		}
		random[n.Budget-1] = (random[n.Budget-1]*float64(c.Random) + variance) / float64(c.Random+1) // the images are the same: no less for more networks
		c.Mean = (c.Mean*float64(c.Random) + n.FineTuned) / float64(c.Random+1)
		c.Best = max(c.Best, n.FineTuned)
		c.Random++
	}
	for i := range out {
		out[i].Error = math.Sqrt(searched[i] + random[i])
	}
	return out
}

// writeStatistics says which statistics of batch normalisation rank better.
func (res Results) writeStatistics(b *strings.Builder) {
	var running, own, tuned []float64
	for _, n := range res.Networks {
		running, own, tuned = append(running, n.Supernet), append(own, n.Recalibrated), append(tuned, n.FineTuned)
	}
	sanitize.Fprintf(b, "## Statistics of batch normalisation\n\nThe same %d networks with the supernet's weights, against their accuracy after fine-tuning:\n\n", len(tuned))
	b.WriteString("| statistics | mean top-1 % | Kendall with fine-tuned |\n|---|---|---|\n")
	sanitize.Fprintf(b, "| running, as in the paper | %.2f | %.3f |\n| recalibrated for each network | %.2f | %.3f |\n\n",
		stat.Mean(running, nil), tau(running, tuned), stat.Mean(own, nil), tau(own, tuned))
}

func tau(x, y []float64) float64 {
	if len(x) < 2 {
		return math.NaN()
	}
	return model.KendallTau(x, y)
}

func (res Results) writeTimes(b *strings.Builder) {
	b.WriteString("## Time\n\n| step | time | estimated |\n|---|---|---|\n")
	expected := map[string]string{}
	if res.Estimate != nil {
		for _, s := range res.Estimate.Steps {
			expected[s.Step] = seconds(s.Seconds)
		}
	}
	total := 0.0
	for _, name := range PipelineSteps() {
		if s, ok := res.Seconds[name]; ok {
			if name != estimateStep {
				total += s
			}
			sanitize.Fprintf(b, "| %s | %v | %s |\n", name, time.Duration(s*float64(time.Second)).Round(time.Second), expected[name])
		}
	}
	if res.Estimate != nil {
		sanitize.Fprintf(b, "| all but the estimate | %s | %s |\n", seconds(total), seconds(res.Estimate.Seconds))
	}
}

// searchedWith is the ranking of the predictor that was searched with.
func (res Results) searchedWith() Ranking {
	for _, k := range res.Rankings {
		if k.Predictor == res.Settings.Predictor {
			return k
		}
	}
	return Ranking{Predictor: fit.Bilinear}
}
