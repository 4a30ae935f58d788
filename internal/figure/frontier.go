package figure

import (
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Mark is a network to point out on the frontier.
type Mark struct {
	Label     string
	LatencyMS float64
	Accuracy  float64 // percent
}

// Frontier draws the frontier as the staircase it is, the marks on it, and the
// published networks of the space: their latency by the table in use and their
// accuracy as published.
func Frontier(e *explore.Engine, points []explore.ParetoPoint, marks []Mark) (*Drawing, error) {
	title := "Best accuracy within a latency"
	if len(e.Limits) > 0 {
		title += " and " + e.LimitsText()
	}
	best := Series{Label: "best predicted", Style: Blue, Line: Staircase}
	for _, p := range points {
		best.X, best.Y = append(best.X, p.LatencyMS), append(best.Y, p.Accuracy)
	}
	chosen := Series{Label: "chosen", Style: BlueBox}
	for _, m := range marks {
		chosen.X, chosen.Y, chosen.Texts = append(chosen.X, m.LatencyMS), append(chosen.Y, m.Accuracy), append(chosen.Texts, m.Label)
	}
	return Chart{
		Title: title + "\n" + Sources(e.Setup), X: "latency (ms)", Y: "top-1 accuracy (%)",
		Series: append(append([]Series{best}, publishedNetworks(e)...), chosen),
	}.Draw()
}

// Sources is the subtitle that says what latencies and accuracies come from.
func Sources(s explore.Setup) string {
	return "latency: " + s.LUTName + ", accuracy: " + s.AccuracySource()
}

// publishedNetworks are those that belong to the space at its published image size.
func publishedNetworks(e *explore.Engine) []Series {
	if e.Space.ImageSize != published.ImageSize {
		return nil
	}
	out := []Series{{Label: published.BINAS, Style: Orange}, {Label: published.HardCoReNAS, Style: OrangeTriangle}}
	for i := range out {
		s := &out[i]
		for _, n := range published.Networks() {
			path, err := e.Space.Path(n.Architecture)
			if err != nil || n.Family != s.Label {
				continue
			}
			s.X, s.Y, s.Texts = append(s.X, e.LatencyMS(path)), append(s.Y, n.Top1), append(s.Texts, n.Letter)
		}
		s.Label += " (as published)"
	}
	return out
}

// lines sanitises a text line by line.
func lines(text string) string {
	out := strings.Split(text, "\n")
	for i := range out {
		out[i] = sanitize.Line(out[i])
	}
	return strings.Join(out, "\n")
}
