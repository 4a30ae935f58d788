package cell

import (
	"strings"

	"github.com/guptarohit/asciigraph"
)

// Graph draws curves with a caption below and returns the lines it took; 0
// where there is no room or nothing to draw.
func (s *Screen) Graph(r Rect, caption string, curves ...[]float64) int {
	width, height := r.W-12, r.H-2
	var data [][]float64
	for _, c := range curves {
		if len(c) > 1 {
			data = append(data, c)
		}
	}
	if width < 10 || height < 2 || len(data) == 0 {
		return 0
	}
	lines := strings.Split(asciigraph.PlotMany(data, asciigraph.Width(width), asciigraph.Height(height), asciigraph.Precision(2)), "\n")
	for i, line := range lines {
		if i < r.H-1 {
			s.Text(r.X+1, r.Y+i, r.W-2, s.Theme.Text, line)
		}
	}
	n := min(len(lines), r.H-1)
	s.Text(r.X+1, r.Y+n, r.W-2, s.Theme.Dim, caption)
	return n + 1
}
