package cli

import (
	"fmt"
	"math"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/phrase"
)

// heat draws what pays in which stage, in points per millisecond, or of a network
// the reduced cost of every option of every block.
func (x *explanation) heat(e *explore.Engine) (*figure.Drawing, error) {
	h := x.stageHeat()
	if x.ofNetwork() {
		h = x.decisionHeat(e)
	}
	h.Title += "\n" + figure.Sources(e.Setup)
	return h.Draw()
}

func (x *explanation) stageHeat() figure.Heat {
	h := figure.Heat{
		Title:   "Accuracy points for a millisecond spent",
		Columns: []string{"one block more", "expansion", "kernel", "squeeze-excite"},
	}
	for _, s := range x.Stages {
		var row []float64
		for _, v := range s.all() {
			row = append(row, float64(v.PointsPerMS))
		}
		h.Rows, h.Values = append(h.Rows, fmt.Sprintf("stage %d", s.Stage)), append(h.Values, row)
	}
	return h
}

func (x *explanation) decisionHeat(e *explore.Engine) figure.Heat {
	var at []string
	if x.LimitMS.Finite() {
		at = append(at, phrase.MS(float64(*x.LimitMS), 4)+" ms")
	}
	if len(e.Limits) > 0 {
		at = append(at, e.LimitsText())
	}
	h := figure.Heat{Title: fmt.Sprintf("What another option would cost at %s, in accuracy points (□ chosen)", strings.Join(at, ", "))}
	for _, o := range e.Space.Options {
		h.Columns = append(h.Columns, o.String())
	}
	for _, d := range x.Decisions {
		if d.Block == nil {
			continue
		}
		if d.option == 0 {
			row := make([]float64, len(h.Columns))
			for i := range row {
				row[i] = math.NaN()
			}
			h.Rows = append(h.Rows, fmt.Sprintf("%d.%d", d.Stage, *d.Block))
			h.Values, h.Chosen = append(h.Values, row), append(h.Chosen, make([]bool, len(row)))
		}
		r := len(h.Rows) - 1
		h.Values[r][d.option], h.Chosen[r][d.option] = float64(d.ReducedCost), d.Chosen
	}
	return h
}
