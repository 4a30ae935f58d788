package tui

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/charmbracelet/colorprofile"
	uv "github.com/charmbracelet/ultraviolet"
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

// BenchmarkSliderStep is one press of an arrow key: Update, BCFW and the exact
// search in it, and View. The time of the terminal renderer is not counted;
// its bytes are.
func BenchmarkSliderStep(b *testing.B) {
	for _, size := range [][2]int{{120, 40}, {200, 60}} {
		b.Run(fmt.Sprintf("%dx%d", size[0], size[1]), func(b *testing.B) {
			d := newDriver(b, size[0], size[1])
			d.press("home")
			term := newTerminal(size[0], size[1])
			term.draw(d.App.View().Content)
			keys := [2]string{"right", "left"}
			key, steps := 0, 0
			var times []time.Duration
			var sizes []int
			for b.Loop() {
				start := time.Now()
				d.App.Update(keyPress(keys[key]))
				frame := d.App.View().Content
				times = append(times, time.Since(start))
				b.StopTimer()
				sizes = append(sizes, term.draw(frame))
				if steps++; steps%d.steps() == 0 {
					key = 1 - key
				}
				b.StartTimer()
			}
			slices.Sort(times)
			slices.Sort(sizes)
			b.ReportMetric(float64(times[len(times)/2].Nanoseconds()), "median-ns")
			b.ReportMetric(float64(sizes[len(sizes)/2]), "median-bytes")
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
