package tui

import (
	"fmt"
	"image/color"
	"math"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// contrast is the ratio of WCAG 2: 1 to 21.
func contrast(a, b color.Color) float64 {
	luminance := func(c color.Color) float64 {
		r, g, b, _ := c.RGBA()
		linear := func(v uint32) float64 {
			if s := float64(v) / 0xffff; s > 0.04045 {
				return math.Pow((s+0.055)/1.055, 2.4)
			} else {
				return s / 12.92
			}
		}
		return 0.2126*linear(r) + 0.7152*linear(g) + 0.0722*linear(b)
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func grey(v uint8) color.Color { return color.RGBA{v, v, v, 255} }

// Whatever is on the screen can be read: text has a contrast of at least 4.5:1 to what
// it stands on, bars, lines and marks of 3:1, in the themes for dark and for light
// terminals, and in 16 colours on both.
func TestContrast(t *testing.T) {
	if testing.Short() {
		t.Skip("colours are no matter of goroutines: minutes under the race detector")
	}
	type terminal struct{ text, background color.Color }
	dark := []terminal{{grey(0xe0), grey(0)}, {grey(0xd4), grey(0x1e)}}
	light := []terminal{{grey(0), grey(0xff)}, {grey(0x20), color.RGBA{0xfa, 0xf6, 0xf0, 255}}}
	for name, terminals := range map[string][]terminal{"dark": dark, "light": light, "16-colour": {dark[0], light[0]}} {
		d := newMeasuringDriver(t, 120, 40)
		d.App.theme = themeIndex(name)
		d.press("6", "enter", "c", "a", "enter", "9", "enter")
		d.send(jobMsg(job.Snapshot{ID: 1, Name: "one", State: job.Failed, Err: fmt.Errorf("it failed")}))
		d.run(d.setLimits([]explore.Limit{{Kind: explore.LimitParams, Cap: 6e6}}, ""))
		d.message = ""
		type look struct {
			style uv.Style
			least float64
		}
		seen := map[look]bool{}
		check := func(what string) {
			d.lines()
			for y := range d.height {
				for x := range d.width {
					c := d.screen.Canvas.CellAt(x, y)
					if c == nil || c.Content == " " || c.Content == "" {
						continue
					}
					r, least := []rune(c.Content)[0], 4.5
					if r >= 0x2500 && r < 0x2600 || r >= 0x2800 && r < 0x2900 || r == '·' { // the slider where nothing improves
						least = 3
					}
					if l := (look{c.Style, least}); seen[l] {
						continue
					} else {
						seen[l] = true
					}
					for _, term := range terminals {
						f, b := c.Style.Fg, c.Style.Bg
						if c.Style.Attrs&uv.AttrReverse != 0 {
							f, b = b, f
							if f == nil {
								f = term.background
							}
							if b == nil {
								b = term.text
							}
						}
						if f == nil {
							f = term.text
						}
						if b == nil {
							b = term.background
						}
						if v := contrast(f, b); v < least-0.005 {
							t.Errorf("%s, %s: %q is %v on %v: %.2f, at least %v is needed", name, what, c.Content, f, b, v, least)
						}
					}
				}
			}
		}
		for _, size := range [][2]int{{80, 24}, {120, 40}, {300, 80}} {
			d.send(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
			for _, id := range d.paneIDs() {
				d.setFocus(id)
				d.press("down")
				check(fmt.Sprint(size, " ", id))
			}
			for _, key := range []string{"?", ":", "=", "d", "Y", "m", "M", "T"} {
				d.press(key)
				check(fmt.Sprint(size, " key ", key))
				d.press("esc")
			}
		}
		if len(seen) < 10 {
			t.Errorf("%s: only %d styles were seen", name, len(seen))
		}
	}
}

// A terminal of 16 colours gets the theme for it, whatever its background; before the
// terminal has said what its background is, COLORFGBG does; and it is asked again when
// the window gets the focus.
func TestThemeFitsTheTerminal(t *testing.T) {
	d := newDriver(t, 80, 24)
	theme := func(d *driver) string { return cell.Themes[d.App.theme].Name }
	d.send(tea.ColorProfileMsg{Profile: colorprofile.ANSI})
	d.send(tea.BackgroundColorMsg{Color: color.White})
	if theme(d) != "16-colour" {
		t.Errorf("in 16 colours the theme is %s", theme(d))
	}
	for value, want := range map[string]string{"0;15": "light", "15;0": "dark", "0;default;15": "light", "x": "dark", "": "dark"} {
		t.Setenv("COLORFGBG", value)
		if d := newDriver(t, 80, 24); theme(d) != want {
			t.Errorf("COLORFGBG=%q: the theme is %s, want %s", value, theme(d), want)
		}
	}
	if _, cmd := d.App.Update(tea.FocusMsg{}); cmd == nil || !d.App.View().ReportFocus {
		t.Error("the background is not asked for when the window gets the focus")
	}
}
