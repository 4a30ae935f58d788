package tui

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// hostileNames are what a file from elsewhere may call itself.
var hostileNames = []string{
	"evil\x1b]0;owned\x07\u202etxt.\u009bkl",
	"\x1b[31m27 ms\u202e\n\x1b[2J\x1b[?1049l",
	"\x1bP+q544e\x1b\\\x1b_G;x\x1b\\\x1b(0\x9b31m\x90\xff",
	"a\u200bb\u200d\ufeffc\u2066d\u2069\u00ade\U000e0041",
	"漢字テーブル全角文字漢字テーブル全角文字漢字テーブル全角文字漢字テーブル全角文字",
	"e" + strings.Repeat("\u0301", 400) + "\u0301x\u20dd",
	"🏳️‍🌈👨‍👩‍👧‍👦🇩🇪\u0e33กำ각",
	strings.Repeat("long name ", 100),
	"\r\n\t\v\f\u2028\u2029\u0085end",
	"",
}

// FuzzHostileNames puts a name into every field that comes from a file, a run
// or the user, and looks at what would reach the terminal: text and colours,
// and no line wider than the screen. The second argument chooses the view.
func FuzzHostileNames(f *testing.F) {
	for i, name := range hostileNames {
		f.Add(name, uint32(i*7919))
	}
	d := newDriver(f, 120, 40)
	d.still, d.blind = true, true
	f.Fuzz(func(t *testing.T, name string, view uint32) {
		d.rename(name)
		choose := func(n int) int { // the next digit of view, to the base n
			c := int(view % uint32(n))
			view /= uint32(n)
			return c
		}
		size := [][2]int{{120, 40}, {80, 24}, {60, 16}, {160, 48}, {30, 5}}[choose(5)]
		d.App.resize(size[0], size[1])
		d.App.glyphs, d.App.theme, d.zoomed = choose(len(cell.GlyphSets)), choose(len(cell.Themes)), choose(2) == 1
		d.setFocus(d.paneIDs()[choose(len(d.panes.inOrder))])
		d.App.dialog, d.App.message = nil, name
		switch choose(8) {
		case 0:
			d.press("C")
		case 1:
			d.App.openSources(name, []explore.Source{{Name: name}}, []explore.Source{{Name: name, Path: name}}, name, nil)
		case 2:
			d.press("=")
			d.send(tea.PasteMsg{Content: name})
		case 3:
			d.press(":")
			d.send(tea.PasteMsg{Content: name})
		case 4:
			d.App.dialog = &measurement{}
		}
		d.App.dirty = true
		d.App.View()
		checkClean(t, "the frame", d.App.frame)
		for i, l := range strings.Split(withoutStyles(d.App.frame), "\n") {
			if i >= size[1] || ansi.StringWidth(l) > size[0] {
				t.Fatalf("line %d is %d cells wide on a screen of %v: %q", i, ansi.StringWidth(l), size, l)
			}
		}
		var out strings.Builder
		p := &plain{app: d.App, out: &out}
		p.tellMessage()
		d.App.dialog = nil
		_ = p.show(string(d.focus))
		_ = p.status()
		checkClean(t, "the plain text", out.String())
	})
}

// rename puts a name wherever one can come from elsewhere.
func (d *driver) rename(name string) {
	e := d.engine
	e.LUTName, e.Profile, e.PredictorName = name, name, name
	e.PredictorInfo.Source, e.PredictorInfo.Note = name, name
	lut := *e.LUT
	lut.Provenance.Processor, lut.Provenance.Name, lut.Provenance.Device, lut.Provenance.Runtime, lut.Provenance.Note = name, name, name, name, name
	e.LUT = &lut
	d.setup = e.Setup
	d.panes.published.filter = name
	d.jobs = nil
	for i := range 4 {
		d.jobs = append(d.jobs, job.Snapshot{
			ID: i + 1, Name: name, State: job.State(i), Status: name, Log: []string{name, name}, Err: errors.New(name),
			Done: 1, Total: 2, Elapsed: time.Minute,
		})
	}
	d.snapshots = nil
	d.keep(name)
	d.compareWith(name, d.solution.Path.Clone())
}

// withoutStyles removes the sequences that set colours and attributes, and no
// other.
func withoutStyles(frame string) string {
	var w strings.Builder
	for {
		i := strings.Index(frame, "\x1b[")
		if i < 0 {
			w.WriteString(frame)
			return w.String()
		}
		w.WriteString(frame[:i])
		rest := strings.TrimLeft(frame[i+2:], "0123456789;:")
		if !strings.HasPrefix(rest, "m") {
			w.WriteString(frame[i : i+2])
			rest = " " + frame[i+2:]
		}
		frame = rest[1:]
	}
}

// checkClean reports anything but characters that are seen.
func checkClean(t *testing.T, what, text string) {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Fatalf("%s is not UTF-8: %q", what, text)
	}
	marks := 0
	for _, r := range withoutStyles(text) {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r)) {
			t.Fatalf("%s contains %q", what, r)
		}
		if marks++; !unicode.Is(unicode.M, r) {
			marks = 0
		}
		if marks > 4 {
			t.Fatalf("%s stacks %d marks on one character", what, marks)
		}
	}
}
