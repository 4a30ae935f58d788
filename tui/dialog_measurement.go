package tui

import (
	"math"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// measurement shows a table while it fills up: one line for every kind of
// block, one column for every option.
type measurement struct {
	keysOnly
	job         int // 0 is the last one
	row, column int
	errors      bool // cells show standard errors in percent
}

func (m *measurement) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q":
		a.Leave()
	case "up", "k":
		m.row--
	case "down", "j":
		m.row++
	case "left", "h":
		m.column--
	case "right", "l":
		m.column++
	case "x":
		return a.cancelJob()
	case "e":
		m.errors = !m.errors
	case "U":
		a.Close()
		return a.useMeasured()
	}
	m.row = min(max(m.row, 0), len(a.blockKinds())-1)
	m.column = min(max(m.column, 0), a.space().NumOptions()-1)
	return nil
}

// Mouse moves to a block: the wheel by lines, a click where it is.
func (m *measurement) Mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	kinds, options := len(a.blockKinds()), a.space().NumOptions()
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		m.row = min(max(m.row+form.WheelStep(e), 0), kinds-1)
	case tea.MouseClickMsg:
		box, width := m.place(a, a.width, a.height)
		r := box.Inside()
		row, column := e.Y-r.Y-4, (e.X-r.X-labelWidth)/width
		if row >= 0 && row < kinds && column >= 0 && column < options && e.X >= r.X+labelWidth {
			m.row, m.column = row, column
		}
	}
	return nil
}

// blockKinds are the blocks of the space that differ: the first of each stage
// and the second, which the others equal.
func (a *App) blockKinds() []int {
	var kinds []int
	for s := range a.space().Stages {
		kinds = append(kinds, s*a.space().MaxDepth, s*a.space().MaxDepth+1)
	}
	return kinds
}

// tableSoFar is what the job has measured, by LUT key.
func (m *measurement) tableSoFar(a *App) (map[string]latency.Measurement, job.Snapshot) {
	j, ok := a.jobOf(m.job)
	if !ok && len(a.jobs) > 0 {
		j = a.jobs[len(a.jobs)-1]
	}
	switch r := j.Result.(type) {
	case explore.PartialTable:
		return r, j
	case explore.MeasuredTable:
		return r.LUT.Blocks, j
	}
	return nil, j
}

// The table has one cell of this width for every option, after the label.
const labelWidth, cellWidth = 15, 5

// wideCell is the width of a cell with the block's error beside it, for a wide screen.
const wideCell = 10

// widthOfCell is the width of cells on a screen of w columns.
func widthOfCell(w, options int) int {
	if w >= labelWidth+wideCell*options+3 {
		return wideCell
	}
	return cellWidth
}

// place is the frame on a screen, and the width of a cell.
func (m *measurement) place(a *App, w, h int) (box cell.Rect, width int) {
	options := a.space().NumOptions()
	width = widthOfCell(w, options)
	return cell.Centred(w, h, min(w, labelWidth+width*options+3), min(h, 24)), width
}

// fourDigits writes milliseconds in at most four characters.
func fourDigits(ms float64) string {
	switch {
	case ms < 0.9995: // blocks of small images take hundredths: three decimals tell them apart
		return strings.TrimPrefix(cell.Number(ms, 3), "0")
	case ms < 10:
		return cell.Number(ms, 2)
	case ms < 100:
		return cell.Number(ms, 1)
	}
	return cell.Number(ms, 0)
}

func (m *measurement) Hints(*App) []hint {
	return []hint{{Key: "arrows", Label: "a block"}, {Key: "e", Label: "± of each, %"}, {Key: "x", Label: "cancel"}, {Key: "U", Label: "use it"}, {Key: "esc", Label: "leave it"}}
}

func (m *measurement) Draw(a *App, s *cell.Screen) {
	t := s.Theme
	results, j := m.tableSoFar(a)
	box, width := m.place(a, s.W, s.H)
	r := s.Panel(box, "Measuring "+j.Name)
	m.drawProgress(s, r, j)
	space := spaceOfResults(a.space(), results)
	kinds := a.blockKinds()
	for c, o := range a.space().Options {
		s.Right(r.X+labelWidth+width*c, r.Y+2, width-1, t.Dim, sanitize.Sprintf("k%de%v", o.Kernel, o.Expansion))
		if o.SERatio > 0 {
			s.Right(r.X+labelWidth+width*c, r.Y+3, width-1, t.Dim, "se")
		}
	}
	y := r.Y + 4
	for i, b := range kinds {
		if y+i >= r.Y+r.H-4 {
			break
		}
		name := sanitize.Sprintf("stage %d %s", b/space.MaxDepth+1, []string{"first", "other"}[i%2])
		s.Text(r.X+1, y+i, labelWidth-1, t.Dim, name)
		for c, o := range space.Options {
			st, text := t.Dim, s.Glyphs.Dot
			if v, ok := results[space.Block(b).LUTKey(o)]; ok {
				st, text = t.Text, fourDigits(v.MedianMS)
				switch {
				case width == wideCell:
					text += "±" + errorText(v) + "%"
				case m.errors:
					text = errorText(v)
				}
				if uncertain(v) {
					st = t.Warn
				}
			}
			s.Right(r.X+labelWidth+width*c, y+i, width-1, cell.Over(i == m.row && c == m.column, st, t), text)
		}
	}
	m.drawChosen(s, cell.At(r.X, y+len(kinds), r.W, 3), space, kinds, results)
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, form.HintLine(m.Hints(a)))
}

// spaceOfResults is the space at the image size that the results are for.
func spaceOfResults(space *model.Space, results map[string]latency.Measurement) *model.Space {
	for _, size := range []int{space.ImageSize, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320} {
		s, err := model.NewSpace(space.Name, size)
		if err != nil {
			continue
		}
		if _, ok := results[s.Block(0).LUTKey(s.Options[0])]; ok {
			return s
		}
	}
	return space
}

func (m *measurement) drawProgress(s *cell.Screen, r cell.Rect, j job.Snapshot) {
	t := s.Theme
	w := r.W - 2
	s.Text(r.X+1, r.Y, w, t.Text, sanitize.Sprintf("%s  %.0f%%  %s  %s", j.State, 100*j.Fraction(), cell.Clock(j.Elapsed), j.Status))
	if j.Left > 0 {
		s.Right(r.X+1, r.Y, w, t.Dim, cell.Clock(j.Left)+" left")
	}
	s.Bar(r.X+1, r.Y+1, w, t.Accent, j.Fraction(), 1)
	if j.Err != nil {
		s.Text(r.X+1, r.Y+1, w, t.Bad, j.Err.Error())
	}
}

// uncertain reports a block whose latency is not well known.
func uncertain(v latency.Measurement) bool {
	if v.StandardErrorMS > 0 {
		return v.StandardErrorMS > 0.03*v.MedianMS
	}
	return v.Spread > 0.05
}

// errorText is a block's standard error in percent, in at most four characters.
func errorText(v latency.Measurement) string {
	if !(v.StandardErrorMS > 0) || !(v.MedianMS > 0) {
		return "?"
	}
	return cell.Number(min(100*v.StandardErrorMS/v.MedianMS, 99), 1)
}

// drawChosen shows the block under the cursor, and how certain all blocks are.
func (m *measurement) drawChosen(s *cell.Screen, r cell.Rect, space *model.Space, kinds []int, results map[string]latency.Measurement) {
	t := s.Theme
	option := space.Options[min(m.column, len(space.Options)-1)]
	b := kinds[min(m.row, len(kinds)-1)]
	if v, ok := results[space.Block(b).LUTKey(option)]; ok {
		text := sanitize.Sprintf("%s: median %s ms", option, cell.Number(v.MedianMS, 3))
		if v.StandardErrorMS > 0 {
			text += sanitize.Sprintf(" ± %s (%.1f%%)", cell.Number(v.StandardErrorMS, 4), 100*v.StandardErrorMS/v.MedianMS)
		}
		times := "once"
		if v.Rounds > 1 {
			times = sanitize.Sprintf("%d times", v.Rounds)
		}
		s.Text(r.X+1, r.Y, r.W-2, t.Strong, text+sanitize.Sprintf(", least %s ms, measured %s", cell.Number(v.MinMS, 3), times))
	}
	var certainty []float64
	what := "standard error"
	for key, v := range results {
		if key != latency.FixedKey && v.StandardErrorMS > 0 && v.MedianMS > 0 {
			certainty = append(certainty, v.StandardErrorMS/v.MedianMS)
		}
	}
	if len(certainty) == 0 { // blocks alone
		what = "spread"
		for key, v := range results {
			if key != latency.FixedKey {
				certainty = append(certainty, v.Spread)
			}
		}
	}
	if len(certainty) == 0 {
		return
	}
	slices.Sort(certainty)
	at := func(p float64) float64 { return 100 * certainty[int(math.Round(p*float64(len(certainty)-1)))] }
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, sanitize.Sprintf("%s of %d blocks: median %.1f%%, 90%% below %.1f%%, worst %.1f%%",
		what, len(certainty), at(0.5), at(0.9), at(1)))
}
