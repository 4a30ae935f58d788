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

func coloured(name string, text, dim, faint, accent, blue, green, yellow, red, violet, selected string) *theme {
	c := lipgloss.Color
	return &theme{
		name: name,
		text: fg(c(text)), dim: fg(c(dim)), strong: bold(c(text)),
		border: fg(c(faint)), borderFocus: fg(c(accent)),
		title: fg(c(dim)), titleFocus: bold(c(accent)),
		accent: bold(c(accent)), chosen: bold(c(yellow)),
		frontier: fg(c(blue)), shade: fg(c(faint)), published: bold(c(violet)),
		latencyBar: fg(c(blue)), accuracyBar: fg(c(green)),
		good: fg(c(green)), warn: fg(c(yellow)), bad: bold(c(red)), pin: bold(c(violet)),
		selected: uv.Style{Fg: c(text), Bg: c(selected), Attrs: uv.AttrBold}, key: bold(c(accent)),
	}
}

func darkTheme() *theme {
	return coloured("dark", "#d8dee9", "#8b95a7", "#4c566a", "#ff9e64", "#7aa2f7", "#9ece6a", "#e0c060", "#f7768e", "#bb9af7", "#2f3b54")
}

func lightTheme() *theme {
	return coloured("light", "#24292f", "#57606a", "#a8b1bb", "#b35900", "#0550ae", "#1a7f37", "#8a6100", "#cf222e", "#8250df", "#dbe7f7")
}

// basicTheme uses the 16 colours of the terminal's own palette.
func basicTheme() *theme {
	t := coloured("16-colour", "7", "7", "8", "3", "4", "2", "11", "1", "5", "0")
	t.text, t.dim = uv.Style{}, uv.Style{Attrs: uv.AttrFaint}
	t.strong, t.title = uv.Style{Attrs: uv.AttrBold}, uv.Style{}
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
