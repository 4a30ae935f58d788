package tui

import (
	"testing"

	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// A frame says cell by cell what the canvas's own rendering says.
func TestFramesAreTheCanvas(t *testing.T) {
	for theme := range cell.Themes {
		d := newDriver(t, 120, 40)
		d.App.theme = theme
		d.press("down", "c", "right", "?")
		d.lines()
		got, want := uv.NewScreenBuffer(120, 40), uv.NewScreenBuffer(120, 40)
		uv.NewStyledString(d.screen.String()).Draw(got, got.Bounds())
		uv.NewStyledString(d.screen.Canvas.Render()).Draw(want, want.Bounds())
		for y := range 40 {
			for x := range 120 {
				g, w := got.CellAt(x, y), want.CellAt(x, y)
				if g.Content != w.Content || g.Width != w.Width || !g.Style.Equal(&w.Style) {
					t.Fatalf("%s: cell %d, %d is %+v: want %+v", cell.Themes[theme].Name, x, y, g, w)
				}
			}
		}
	}
}
