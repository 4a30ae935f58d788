package tui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// countingWriter counts what would go to the terminal.
type countingWriter int

func (c *countingWriter) Write(p []byte) (int, error) {
	*c += countingWriter(len(p))
	return len(p), nil
}

// terminal draws frames as Bubble Tea does, with the same renderer, and counts
// the bytes.
type terminal struct {
	bytes    countingWriter
	renderer *uv.TerminalRenderer
	buffer   uv.ScreenBuffer
}

func newTerminal(w, h int) *terminal {
	t := &terminal{buffer: uv.NewScreenBuffer(w, h)}
	t.renderer = uv.NewTerminalRenderer(&t.bytes, []string{"TERM=xterm-256color"})
	t.renderer.SetColorProfile(colorprofile.TrueColor)
	t.renderer.SetFullscreen(true)
	t.renderer.SetRelativeCursor(false)
	return t
}

func (t *terminal) draw(frame string) int {
	before := t.bytes
	t.buffer.Clear()
	uv.NewStyledString(frame).Draw(t.buffer, t.buffer.Bounds())
	t.renderer.Render(t.buffer.RenderBuffer)
	_ = t.renderer.Flush()
	return int(t.bytes - before)
}

// stepper presses an arrow key again and again, from end to end of the slider.
type stepper struct {
	*driver
	terminal *terminal
	key      string
	taken    int
	times    []time.Duration // of Update, with the searches in it, and View
	bytes    []int           // to the terminal
}

func newStepper(t testing.TB, w, h int) *stepper {
	s := &stepper{driver: newDriver(t, w, h), terminal: newTerminal(w, h), key: "right"}
	s.press("home")
	s.terminal.draw(s.App.View().Content)
	return s
}

func (s *stepper) step() {
	start := time.Now()
	s.App.Update(keyPress(s.key))
	frame := s.App.View().Content
	s.times = append(s.times, time.Since(start))
	s.bytes = append(s.bytes, s.terminal.draw(frame))
	if s.taken++; s.taken%s.steps() == 0 {
		s.key = map[string]string{"right": "left", "left": "right"}[s.key]
	}
}

func median[T int | time.Duration](values []T) T {
	slices.Sort(values)
	return values[len(values)/2]
}

// A step of the slider sends at most 1,500 bytes (median) to a terminal of 120x40,
// whatever the theme, and in the window around the budget too.
func TestBytesOfASliderStep(t *testing.T) {
	for theme := range cell.Themes {
		for _, window := range []bool{false, true} {
			s := newStepper(t, 120, 40)
			s.App.theme = theme
			if window {
				s.press("v", "x")
			}
			for range s.steps() / 4 {
				s.step()
			}
			if n := median(s.bytes); n < 100 || n > 1500 {
				t.Errorf("%s, window %v: %d bytes", cell.Themes[theme].Name, window, n)
			}
		}
	}
}

// BenchmarkSliderStep is one press of an arrow key: Update, BCFW and the exact
// search in it, and View. The time of the terminal renderer is not counted in
// median-ns; its bytes are.
func BenchmarkSliderStep(b *testing.B) {
	for _, size := range [][2]int{{120, 40}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			s := newStepper(b, size[0], size[1])
			for b.Loop() {
				s.step()
			}
			b.ReportMetric(float64(median(s.times).Nanoseconds()), "median-ns")
			b.ReportMetric(float64(median(s.bytes)), "median-bytes")
		})
	}
}

// BenchmarkFirstFrame is from nothing to a drawn frame: loading the built-in
// table and predictor, preparing, solving, drawing.
func BenchmarkFirstFrame(b *testing.B) {
	for b.Loop() {
		d := newDriverWithoutFrontier(b)
		d.App.View()
	}
}

// BenchmarkView draws every pane at 200x60, or each zoomed, after a change.
func BenchmarkView(b *testing.B) {
	d := newDriver(b, 200, 60)
	b.ReportAllocs()
	for b.Loop() {
		d.App.dirty = true
		d.App.View()
	}
}
