package cell

import (
	"image/color"
	"strings"

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

	// Heat maps; without backgrounds they are drawn with letters and numbers alone.
	Kernels   [2][3]uv.Style // by kernel, the small one first, and expansion
	Depths    [3]uv.Style    // from the least depth on
	Diverging [7]uv.Style    // from the greatest loss over nothing to the greatest gain

	Good, Warn, Bad uv.Style
	Pin             uv.Style
	Selected        uv.Style // the row under the cursor
	Key             uv.Style // a key in hints and help
}

// Themes are those that can be chosen.
var Themes = []*Theme{darkTheme(), lightTheme(), basicTheme(), MonoTheme()}

func fg(c color.Color) uv.Style   { return uv.Style{Fg: c} }
func bg(c color.Color) uv.Style   { return uv.Style{Bg: c} }
func bold(c color.Color) uv.Style { return uv.Style{Fg: c, Attrs: uv.AttrBold} }

// palette are the colours of a theme, indices of the 256-colour palette: they need
// half the bytes of true colours, on every step of the slider.
type palette struct {
	dim, faint, accent, blue, green, yellow, red, violet, selected string
	area, band, beyond                                             string
	ink                                                            [2]string    // of text on a background that is dark, light
	kernels                                                        [2][3]string // backgrounds
	depths                                                         [3]string
	diverging                                                      [7]string
	light                                                          string // those of the backgrounds that are light
}

func coloured(name string, p palette) *Theme {
	c := lipgloss.Color
	on := func(b string) uv.Style { // text that can be read on it
		ink := p.ink[0]
		if strings.Contains(p.light, " "+b+" ") {
			ink = p.ink[1]
		}
		return uv.Style{Fg: c(ink), Bg: c(b)}
	}
	t := &Theme{
		Name: name,
		Text: uv.Style{}, Dim: fg(c(p.dim)), Strong: uv.Style{Attrs: uv.AttrBold},
		Border: fg(c(p.faint)), BorderFocus: fg(c(p.accent)),
		Title: fg(c(p.dim)), TitleFocus: bold(c(p.accent)),
		Accent: bold(c(p.accent)), Chosen: bold(c(p.yellow)),
		Area: bg(c(p.area)), Band: bg(c(p.band)), Beyond: bg(c(p.beyond)),
		Frontier: fg(c(p.blue)), Shade: fg(c(p.faint)), Published: bold(c(p.violet)),
		LatencyBar: fg(c(p.blue)), AccuracyBar: fg(c(p.green)),
		Good: fg(c(p.green)), Warn: fg(c(p.yellow)), Bad: bold(c(p.red)), Pin: bold(c(p.violet)),
		Selected: on(p.selected), Key: bold(c(p.accent)),
	}
	t.Selected.Attrs = uv.AttrBold
	for k := range p.kernels {
		for e, b := range p.kernels[k] {
			t.Kernels[k][e] = on(b)
		}
	}
	for i, b := range p.depths {
		t.Depths[i] = on(b)
	}
	for i, b := range p.diverging {
		t.Diverging[i] = on(b)
	}
	return t
}

func darkTheme() *Theme {
	return coloured("dark", palette{
		dim: "247", faint: "243", accent: "215", blue: "111", green: "149", yellow: "221", red: "204", violet: "141", selected: "236",
		area: "18", band: "24", beyond: "235", ink: [2]string{"231", "16"},
		kernels: [2][3]string{{"17", "25", "111"}, {"52", "130", "215"}}, depths: [3]string{"235", "238", "241"},
		diverging: [7]string{"124", "88", "52", "235", "22", "28", "34"}, light: " 111 215 34 ",
	})
}

func lightTheme() *Theme {
	return coloured("light", palette{
		dim: "240", faint: "244", accent: "94", blue: "25", green: "22", yellow: "58", red: "124", violet: "92", selected: "195",
		area: "153", band: "117", beyond: "254", ink: [2]string{"231", "16"},
		kernels: [2][3]string{{"153", "74", "25"}, {"223", "214", "130"}}, depths: [3]string{"254", "251", "248"},
		diverging: [7]string{"210", "217", "224", "255", "194", "157", "120"},
		light:     " 195 153 74 223 214 254 251 248 210 217 224 255 194 157 120 ",
	})
}

// basicTheme uses the 16 colours of the terminal's own palette, of which none can be
// read on black and on white: text has the terminal's own colour, or stands on a
// background that it can be read on.
func basicTheme() *Theme {
	c := lipgloss.Color
	on := func(f, b string) uv.Style { return uv.Style{Fg: c(f), Bg: c(b)} } // not bold: that is another colour in some terminals
	plain, strong := uv.Style{}, uv.Style{Attrs: uv.AttrBold}
	return &Theme{
		Name: "16-colour", Text: plain, Dim: plain, Strong: strong, Border: plain, BorderFocus: strong,
		Title: plain, TitleFocus: strong, Accent: strong, Chosen: on("0", "11"), Frontier: plain, Shade: plain,
		Published: on("15", "5"), LatencyBar: plain, AccuracyBar: plain, Good: plain, Warn: on("0", "11"), Bad: on("15", "1"),
		Pin: on("15", "5"), Selected: uv.Style{Attrs: uv.AttrReverse}, Key: strong,
	}
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
