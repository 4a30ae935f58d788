package cell

import (
	"charm.land/lipgloss/v2"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Glyphs is a set of characters to draw with: some fonts break braille, some
// terminals show only ASCII. It can be switched while running.
type Glyphs struct {
	Name     string
	Border   lipgloss.Border
	Bar      [8]string // eighths of a cell, growing
	Ellipsis string

	RightHalf string   // of a bar that grows to the left
	Lower     []string // parts of a cell, growing from its foot; the last is all of it
	UpperHalf string

	Track, TrackOver, Handle string // slider
	Chosen, Cursor           string
	Budget, Shade            string // plot: the budget line and the part beyond it
	Dot, Minus               string
	PlotCols, PlotRows       int // dots per cell of the plot
	Squared, Micro           string
	Arrows                   string // in hints
	Pinned, Up, Down         string
	spell                    func(string) string // how texts are written; nil is as they are
}

// GlyphSets are those that can be chosen.
var GlyphSets = []*Glyphs{BrailleGlyphs(), blockGlyphs(), ASCIIGlyphs()}

// BrailleGlyphs draw plots with eight dots a cell.
func BrailleGlyphs() *Glyphs {
	return &Glyphs{
		Name: "braille", Border: lipgloss.RoundedBorder(),
		Bar: [8]string{"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}, Ellipsis: "…",
		Track: "─", TrackOver: "━", Handle: "●", Chosen: "◆", Cursor: "▸",
		Budget: "┊", Shade: "░", Dot: "·", Minus: "−", RightHalf: "▐",
		Lower: []string{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"}, UpperHalf: "▀",
		PlotCols: 2, PlotRows: 4, Squared: "²", Micro: "µs", Arrows: "←→", Pinned: "▪", Up: "▲", Down: "▼",
	}
}

func blockGlyphs() *Glyphs {
	g := BrailleGlyphs()
	g.Name, g.PlotCols, g.PlotRows = "block", 2, 2
	return g
}

// ASCIIGlyphs are ASCII alone, texts included.
func ASCIIGlyphs() *Glyphs {
	return &Glyphs{
		Name: "ascii", Border: lipgloss.ASCIIBorder(),
		Bar: [8]string{".", ".", "-", "-", "=", "=", "#", "#"}, Ellipsis: "~",
		Track: "-", TrackOver: "=", Handle: "O", Chosen: "@", Cursor: ">",
		Budget: "|", Shade: ":", Dot: ".", Minus: "-", RightHalf: "-", Lower: []string{"*"},
		PlotCols: 1, PlotRows: 1, Squared: "", Micro: "us", Arrows: "</>", Pinned: "!", Up: "^", Down: "v",
		spell: sanitize.ASCII,
	}
}

// PlainGlyphs are for reading aloud: no sign that a screen reader stumbles over,
// and letters of every language.
func PlainGlyphs() *Glyphs {
	g := ASCIIGlyphs()
	g.spell = sanitize.Spell
	return g
}

// Written is a text from anywhere as this set writes it: clean, in one line.
func (g *Glyphs) Written(text string) string {
	text = sanitize.Line(text)
	if g.spell != nil {
		text = g.spell(text)
	}
	return text
}

// quadrants are the block characters by bit: 1 upper left, 2 upper right,
// 4 lower left, 8 lower right.
var quadrants = [16]string{" ", "▘", "▝", "▀", "▖", "▌", "▞", "▛", "▗", "▚", "▐", "▜", "▄", "▙", "▟", "█"}

// braille[b] is the braille cell whose dots are set as the Unicode code point
// encodes them.
var braille = func() (out [256]string) {
	for i := range out {
		out[i] = string(rune(0x2800 + i))
	}
	return out
}()

// brailleBit is the dot at column c (0-1) and row r (0-3) of a cell.
var brailleBit = [2][4]uint8{{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}}
