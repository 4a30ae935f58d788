package tui

import (
	"image/color"

	"charm.land/lipgloss/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// theme is the styles of the screen by what they mean. Meaning is never
// carried by colour alone: every mark has a glyph or a word too.
type theme struct {
	name string

	text, dim, strong       uv.Style
	border, borderFocus     uv.Style
	title, titleFocus       uv.Style
	accent                  uv.Style // what the user moves: budget, handle
	chosen                  uv.Style // the network shown
	frontier, shade         uv.Style
	published               uv.Style
	latencyBar, accuracyBar uv.Style
	good, warn, bad         uv.Style
	pin                     uv.Style
	selected                uv.Style // the row under the cursor
	key                     uv.Style // a key in hints and help
}

var themes = []*theme{darkTheme(), lightTheme(), basicTheme(), monoTheme()}

func fg(c color.Color) uv.Style   { return uv.Style{Fg: c} }
func bold(c color.Color) uv.Style { return uv.Style{Fg: c, Attrs: uv.AttrBold} }

// coloured makes a theme from indices of the 256-colour palette: they need
// half the bytes of true colours, on every step of the slider.
func coloured(name string, dim, faint, accent, blue, green, yellow, red, violet, selected string) *theme {
	c := lipgloss.Color
	return &theme{
		name: name,
		text: uv.Style{}, dim: fg(c(dim)), strong: uv.Style{Attrs: uv.AttrBold},
		border: fg(c(faint)), borderFocus: fg(c(accent)),
		title: fg(c(dim)), titleFocus: bold(c(accent)),
		accent: bold(c(accent)), chosen: bold(c(yellow)),
		frontier: fg(c(blue)), shade: fg(c(faint)), published: bold(c(violet)),
		latencyBar: fg(c(blue)), accuracyBar: fg(c(green)),
		good: fg(c(green)), warn: fg(c(yellow)), bad: bold(c(red)), pin: bold(c(violet)),
		selected: uv.Style{Bg: c(selected), Attrs: uv.AttrBold}, key: bold(c(accent)),
	}
}

func darkTheme() *theme {
	return coloured("dark", "246", "240", "215", "111", "149", "221", "204", "141", "237")
}

func lightTheme() *theme {
	return coloured("light", "241", "248", "130", "25", "28", "94", "160", "92", "189")
}

// basicTheme uses the 16 colours of the terminal's own palette.
func basicTheme() *theme {
	t := coloured("16-colour", "7", "8", "3", "4", "2", "11", "1", "5", "0")
	t.dim, t.title = uv.Style{Attrs: uv.AttrFaint}, uv.Style{}
	t.selected = uv.Style{Attrs: uv.AttrReverse}
	return t
}

// monoTheme uses attributes alone; NO_COLOR selects it.
func monoTheme() *theme {
	plain, strong, faint := uv.Style{}, uv.Style{Attrs: uv.AttrBold}, uv.Style{Attrs: uv.AttrFaint}
	return &theme{
		name: "mono", text: plain, dim: faint, strong: strong, border: faint, borderFocus: strong,
		title: plain, titleFocus: strong, accent: strong, chosen: strong, frontier: plain, shade: faint,
		published: strong, latencyBar: plain, accuracyBar: plain, good: plain, warn: strong, bad: strong,
		pin: strong, selected: uv.Style{Attrs: uv.AttrReverse}, key: strong,
	}
}
