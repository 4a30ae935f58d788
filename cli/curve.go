package cli

import (
	"sort"

	"github.com/guptarohit/asciigraph"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
)

// Size of the curve in text, in characters of the plotting area.
const (
	curveWidth  = 64
	curveHeight = 12
)

// curve draws predicted accuracy over latency with text: at every column the
// best accuracy at or below its latency. points is not empty.
func curve(points []explore.ParetoPoint) string {
	lo, hi := points[0].LatencyMS, points[len(points)-1].LatencyMS
	if lo == hi {
		hi = lo + 1
	}
	values := make([]float64, curveWidth)
	for x := range values {
		limit := lo + (hi-lo)*float64(x)/(curveWidth-1)
		i := sort.Search(len(points), func(i int) bool { return points[i].LatencyMS > limit }) - 1
		values[x] = points[max(i, 0)].Accuracy
	}
	return asciigraph.Plot(values,
		asciigraph.Height(curveHeight), asciigraph.Precision(2),
		asciigraph.XAxisRange(lo, hi), asciigraph.XAxisTickCount(6),
		asciigraph.XAxisValueFormatter(func(ms float64) string { return phrase.MS(ms, 3) }),
		asciigraph.Caption("best predicted accuracy (%) within a latency (ms)"))
}
