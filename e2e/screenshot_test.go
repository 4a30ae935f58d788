//go:build unix

package e2e

import (
	"encoding/xml"
	"flag"
	"fmt"
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	uv "github.com/charmbracelet/ultraviolet"
)

var screenshots = flag.String("screenshots", "", "write the explorer's screens as SVG to this `FOLDER`")

// TestScreenshots takes the pictures of README and guide: the real program in a
// terminal. Each has to show what it is for.
func TestScreenshots(t *testing.T) {
	for _, p := range []struct {
		file  string
		size  Size
		do    func(*Terminal)
		shows string
	}{
		{"screenshot.svg", medium, func(w *Terminal) { w.Press("down", "down", "down", "down", "down", "down", "down") }, "Why 3.0"},
		{"screenshot-light.svg", medium, func(w *Terminal) { w.Press("down", "down", "down", "down", "down", "down", "down") }, "Why 3.0"},
		{"screenshots/plot.svg", medium, func(w *Terminal) { w.Press("v", "z", "x") }, "letters: top-1 as published"},
		{"screenshots/explain.svg", medium, func(w *Terminal) { w.Press("e", "z") }, "gain, to "},
		{"screenshots/sweep.svg", medium, func(w *Terminal) { w.Press("W", "z", "down", "down", "down", "down", "down", "down", "down") }, "with SE"},
		{"screenshots/whatif.svg", medium, func(w *Terminal) { w.Press("down", "down", "n", "n") }, "pins cost"},
		{"screenshots/compare.svg", wide, func(w *Terminal) {
			w.Press("C")
			w.WaitFor("Compare the network shown with")
			w.Press("/")
			w.Type("BINAS C")
			w.Press("enter")
		}, "Compare with BINAS C"},
		{"screenshots/palette.svg", medium, func(w *Terminal) { w.Press(":"); w.Type("pin") }, "pin or free only"},
		{"screenshots/narrow.svg", narrow, func(w *Terminal) { w.Press("tab") }, "HardCoRe-NAS"},
		{"screenshots/tour.svg", medium, func(w *Terminal) { w.Press("T") }, "Tour 1 of 6"},
	} {
		t.Run(p.file, func(t *testing.T) {
			state, theme := t.TempDir(), dark
			if strings.Contains(p.file, "light") {
				theme = light
			}
			chosen := filepath.Join(state, "binas-tui", "explorer.json")
			if err := os.MkdirAll(filepath.Dir(chosen), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(chosen, []byte(`{"tour_seen": true, "theme": "`+theme.name+`"}`), 0o644); err != nil {
				t.Fatal(err)
			}
			w := explore(t, p.size, "XDG_STATE_HOME="+state)
			w.Type("8")
			w.WaitFor("limit: ")
			w.Press("enter")
			w.waitLimit("8 ms", func(limit float64) bool { return limit == 8 })
			p.do(w)
			text := w.WaitUntil(p.shows, func(s string) bool { return strings.Contains(s, p.shows) && !strings.Contains(s, "working") })
			picture := w.SVG(theme)
			checkPicture(t, picture, text)
			if *screenshots != "" {
				file := filepath.Join(*screenshots, p.file)
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(picture), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			w.Press("ctrl+c")
			w.Exit()
		})
	}
}

// checkPicture reports a word of the screen that the picture lacks.
func checkPicture(t *testing.T, picture, screen string) {
	t.Helper()
	var drawn strings.Builder
	for d := xml.NewDecoder(strings.NewReader(picture)); ; {
		token, err := d.Token()
		if token == nil {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := token.(xml.CharData); ok {
			drawn.Write(c)
		}
	}
	shown := strings.ReplaceAll(drawn.String(), "\n", "")
	screen = strings.Map(func(r rune) rune { // blocks are rectangles
		if _, block := blockElement(string(r)); block {
			return ' '
		}
		return r
	}, screen)
	for _, word := range strings.Fields(screen) {
		if !strings.Contains(shown, word) {
			t.Fatalf("the picture lacks %q", word)
		}
	}
}

// Size of a cell and colours of the picture.
const (
	cellWidth, cellHeight = 8.4, 18
	pictureMargin         = 12
	pictureFont           = "ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace"
)

// pictureTheme is a theme of the explorer, and the terminal's own colours around it.
type pictureTheme struct {
	name             string
	background, text color.RGBA
}

var (
	dark  = pictureTheme{"dark", color.RGBA{0x12, 0x12, 0x18, 0xff}, color.RGBA{0xd8, 0xdc, 0xe4, 0xff}}
	light = pictureTheme{"light", color.RGBA{0xff, 0xff, 0xff, 0xff}, color.RGBA{0x10, 0x10, 0x14, 0xff}}
)

// SVG is the screen as a picture.
func (w *Terminal) SVG(theme pictureTheme) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out strings.Builder
	width, height := w.screen.Width(), w.screen.Height()
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%d" font-family="%s" font-size="14" shape-rendering="crispEdges">`+"\n",
		float64(width)*cellWidth+2*pictureMargin, height*cellHeight+2*pictureMargin, pictureFont)
	fmt.Fprintf(&out, `<rect width="100%%" height="100%%" rx="8" fill="%s"/>`+"\n", hex(theme.background))
	for y := range height {
		w.svgLine(&out, y, width, theme)
	}
	out.WriteString("</svg>\n")
	return out.String()
}

// svgLine draws runs of cells of one style. Each run has its length fixed, so
// that fonts with other widths keep the columns.
func (w *Terminal) svgLine(out *strings.Builder, y, width int, theme pictureTheme) {
	style := func(x int) uv.Style {
		if c := w.screen.CellAt(x, y); c != nil {
			return c.Style
		}
		return uv.Style{}
	}
	for x := 0; x < width; {
		st, start := style(x), x
		var text strings.Builder
		var blocks []box
		for ; x < width; x++ {
			if other := style(x); !other.Equal(&st) {
				break
			}
			content := " "
			if c := w.screen.CellAt(x, y); c != nil && c.Content != "" {
				content = c.Content
			}
			if part, ok := blockElement(content); ok { // fonts leave gaps between these
				part.x += float64(x)
				blocks, content = append(blocks, part), " "
			}
			text.WriteString(content)
		}
		left, top, length := pictureMargin+float64(start)*cellWidth, pictureMargin+y*cellHeight, float64(x-start)*cellWidth
		foreground, background := st.Fg, st.Bg
		if st.Attrs&uv.AttrReverse != 0 {
			foreground, background = background, foreground
			if foreground == nil {
				foreground = theme.background
			}
			if background == nil {
				background = theme.text
			}
		}
		if background != nil {
			fmt.Fprintf(out, `<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>`, left, top, length, cellHeight, hex(background))
		}
		if foreground == nil {
			foreground = theme.text
		}
		for _, b := range blocks {
			fmt.Fprintf(out, `<rect x="%.2f" y="%.2f" width="%.2f" height="%.2f" fill="%s"/>`, pictureMargin+b.x*cellWidth, float64(top)+b.y*cellHeight, b.w*cellWidth, b.h*cellHeight, hex(foreground))
		}
		if strings.TrimSpace(text.String()) == "" {
			continue
		}
		attributes := ""
		if st.Attrs&uv.AttrBold != 0 {
			attributes = ` font-weight="bold"`
		}
		fmt.Fprintf(out, `<text x="%.1f" y="%d" fill="%s"%s textLength="%.1f" lengthAdjust="spacingAndGlyphs" xml:space="preserve">`,
			left, top+cellHeight-5, hex(foreground), attributes, length)
		xml.EscapeText(out, []byte(text.String()))
		out.WriteString("</text>\n")
	}
}

// box is a rectangle in cells.
type box struct{ x, y, w, h float64 }

// blockElement is the part of its cell that a block character fills.
func blockElement(content string) (box, bool) {
	r, size := utf8.DecodeRuneInString(content)
	switch {
	case size != len(content):
	case r == '▀':
		return box{0, 0, 1, 0.5}, true
	case r == '▐':
		return box{0.5, 0, 0.5, 1}, true
	case r >= '▁' && r <= '█': // growing from the foot
		part := float64(r-'▁'+1) / 8
		return box{0, 1 - part, 1, part}, true
	case r > '█' && r <= '▏': // shrinking to the left
		return box{0, 0, float64('▏'-r+1) / 8, 1}, true
	}
	return box{}, false
}

func hex(c color.Color) string {
	r, g, b, _ := c.RGBA()
	return fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, b>>8)
}
