package tui

import (
	"charm.land/lipgloss/v2"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// glyphs is a set of characters to draw with: some fonts break braille, some
// terminals show only ASCII. It can be switched while running.
type glyphs struct {
	name     string
	border   lipgloss.Border
	bar      [8]string // eighths of a cell, growing
	ellipsis string

	track, trackOver, handle string // slider
	chosen, cursor           string
	budget, shade            string // plot: the budget line and the part beyond it
	dot, minus, delta        string
	plotCols, plotRows       int // dots per cell of the plot
	squared, micro           string
	arrows                   string // in hints
	pinned, up, down         string
	spell                    func(string) string // how texts are written; nil is as they are
}

var glyphSets = []*glyphs{brailleGlyphs(), blockGlyphs(), asciiGlyphs()}

func brailleGlyphs() *glyphs {
	return &glyphs{
		name: "braille", border: lipgloss.RoundedBorder(),
		bar: [8]string{"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"}, ellipsis: "…",
		track: "─", trackOver: "━", handle: "●", chosen: "◆", cursor: "▸",
		budget: "┊", shade: "░", dot: "·", minus: "−", delta: "Δ",
		plotCols: 2, plotRows: 4, squared: "²", micro: "µs", arrows: "←→", pinned: "▪", up: "▲", down: "▼",
	}
}

func blockGlyphs() *glyphs {
	g := brailleGlyphs()
	g.name, g.plotCols, g.plotRows = "block", 2, 2
	return g
}

func asciiGlyphs() *glyphs {
	return &glyphs{
		name: "ascii", border: lipgloss.ASCIIBorder(),
		bar: [8]string{".", ".", "-", "-", "=", "=", "#", "#"}, ellipsis: "~",
		track: "-", trackOver: "=", handle: "O", chosen: "@", cursor: ">",
		budget: "|", shade: ":", dot: ".", minus: "-", delta: "d",
		plotCols: 1, plotRows: 1, squared: "", micro: "us", arrows: "</>", pinned: "!", up: "^", down: "v",
		spell: sanitize.ASCII,
	}
}

// plainGlyphs are for reading aloud: no sign that a screen reader stumbles over,
// and letters of every language.
func plainGlyphs() *glyphs {
	g := asciiGlyphs()
	g.spell = sanitize.Spell
	return g
}

// written is a text from anywhere as this set writes it: clean, in one line.
func (g *glyphs) written(text string) string {
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
