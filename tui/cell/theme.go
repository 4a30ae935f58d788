package cell

import (
	"image/color"

	"charm.land/lipgloss/v2"
	uv "github.com/charmbracelet/ultraviolet"
)

// Theme is the styles of the screen by what they mean. Meaning is never
// carried by colour alone: every mark has a glyph or a word too.
type Theme struct {
	Name string

	Text, Dim, Strong       uv.Style
	Border, BorderFocus     uv.Style
	Title, TitleFocus       uv.Style
	Accent                  uv.Style // what the user moves: budget, handle
	Chosen                  uv.Style // the network shown
	Frontier, Shade         uv.Style
	Area, Band, Beyond      uv.Style // of the plot, background alone: under the frontier, its error, over the budget
	Published               uv.Style
	LatencyBar, AccuracyBar uv.Style
	Good, Warn, Bad         uv.Style
	Pin                     uv.Style
	Selected                uv.Style // the row under the cursor
	Key                     uv.Style // a key in hints and help
}

// Themes are those that can be chosen.
var Themes = []*Theme{darkTheme(), lightTheme(), basicTheme(), MonoTheme()}

func fg(c color.Color) uv.Style   { return uv.Style{Fg: c} }
func bg(c color.Color) uv.Style   { return uv.Style{Bg: c} }
func bold(c color.Color) uv.Style { return uv.Style{Fg: c, Attrs: uv.AttrBold} }

// coloured makes a theme from indices of the 256-colour palette: they need
// half the bytes of true colours, on every step of the slider.
func coloured(name string, dim, faint, accent, blue, green, yellow, red, violet, selected, area, band, beyond string) *Theme {
	c := lipgloss.Color
	return &Theme{
		Name: name,
		Text: uv.Style{}, Dim: fg(c(dim)), Strong: uv.Style{Attrs: uv.AttrBold},
		Border: fg(c(faint)), BorderFocus: fg(c(accent)),
		Title: fg(c(dim)), TitleFocus: bold(c(accent)),
		Accent: bold(c(accent)), Chosen: bold(c(yellow)),
		Area: bg(c(area)), Band: bg(c(band)), Beyond: bg(c(beyond)),
		Frontier: fg(c(blue)), Shade: fg(c(faint)), Published: bold(c(violet)),
		LatencyBar: fg(c(blue)), AccuracyBar: fg(c(green)),
		Good: fg(c(green)), Warn: fg(c(yellow)), Bad: bold(c(red)), Pin: bold(c(violet)),
		Selected: uv.Style{Bg: c(selected), Attrs: uv.AttrBold}, Key: bold(c(accent)),
	}
}

func darkTheme() *Theme {
	return coloured("dark", "246", "240", "215", "111", "149", "221", "204", "141", "237", "18", "24", "235")
}

func lightTheme() *Theme {
	return coloured("light", "241", "248", "130", "25", "28", "94", "160", "92", "189", "153", "110", "254")
}

// basicTheme uses the 16 colours of the terminal's own palette.
func basicTheme() *Theme {
	t := coloured("16-colour", "7", "8", "3", "4", "2", "11", "1", "5", "0", "4", "6", "8")
	t.Dim, t.Title = uv.Style{Attrs: uv.AttrFaint}, uv.Style{}
	t.Selected = uv.Style{Attrs: uv.AttrReverse}
	return t
}

// MonoTheme uses attributes alone; NO_COLOR selects it.
func MonoTheme() *Theme {
	plain, strong, faint := uv.Style{}, uv.Style{Attrs: uv.AttrBold}, uv.Style{Attrs: uv.AttrFaint}
	return &Theme{
		Name: "mono", Text: plain, Dim: faint, Strong: strong, Border: faint, BorderFocus: strong,
		Title: plain, TitleFocus: strong, Accent: strong, Chosen: strong, Frontier: plain, Shade: faint,
		Published: strong, LatencyBar: plain, AccuracyBar: plain, Good: plain, Warn: strong, Bad: strong,
		Pin: strong, Selected: uv.Style{Attrs: uv.AttrReverse}, Key: strong,
	}
}
