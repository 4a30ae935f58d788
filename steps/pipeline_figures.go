package steps

import (
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// figures draws the three figures of the report.
func (r *run) figures(res Results) error {
	for _, f := range []struct {
		name  string
		chart figure.Chart
	}{{"training.svg", trainingChart(res)}, {"ranking.svg", rankingChart(res)}, {"networks.svg", networksChart(res)}} {
		d, err := f.chart.Draw()
		if err == nil {
			err = safefile.Replace(r.path(f.name), true, func(w io.Writer) error { return d.Write(w, "svg") })
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return nil
}

// trainingChart is the held-out accuracy of the networks that are validated
// while the supernet is trained.
func trainingChart(res Results) figure.Chart {
	c := figure.Chart{Title: "Held-out accuracy while the supernet is trained", X: "epoch", Y: "top-1 accuracy (%)"}
	styles := []figure.Style{figure.Blue, figure.OrangeTriangle, figure.GreenSquare}
	at := map[string]int{}
	for _, m := range res.Trained {
		for _, v := range m.Validation {
			if m.Stage != training.OneShot {
				continue
			}
			i, known := at[v.Network]
			if !known {
				i = len(c.Series)
				at[v.Network] = i
				c.Series = append(c.Series, figure.Series{Label: v.Network, Style: styles[i%len(styles)], Line: figure.Straight})
			}
			c.Series[i].X, c.Series[i].Y = append(c.Series[i].X, float64(m.Epoch)), append(c.Series[i].Y, v.Top1)
		}
	}
	return c
}

// rankingChart is measured over predicted accuracy of the test networks.
func rankingChart(res Results) figure.Chart {
	k := res.searchedWith()
	return figure.Chart{
		Title: fmt.Sprintf("Supernet accuracy of %d networks not fitted on (%s, Kendall %.3f, data %s)", len(k.Predicted), k.Predictor, k.Metrics.Kendall, res.Data),
		X:     "predicted accuracy (%)", Y: "measured accuracy (%)",
		Series: []figure.Series{{Style: figure.Blue, X: k.Predicted, Y: res.Measured[:len(k.Predicted)]}},
	}
}

// networksChart is fine-tuned accuracy over measured latency.
func networksChart(res Results) figure.Chart {
	c := figure.Chart{
		Title: fmt.Sprintf("Networks after fine-tuning (data %s)", res.Data), X: "measured latency (ms)", Y: "top-1 accuracy (%)",
		Series: []figure.Series{{Label: Random, Style: figure.OrangeTriangle}, {Label: Searched, Style: figure.Blue}},
	}
	for _, n := range res.Networks {
		for i := range c.Series {
			if s := &c.Series[i]; n.Kind == s.Label {
				s.X, s.Y = append(s.X, n.MeasuredMS), append(s.Y, n.FineTuned)
			}
		}
	}
	return c
}
