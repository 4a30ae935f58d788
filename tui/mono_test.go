package tui

import (
	"image/color"
	"io"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// Without colours, what the explorer is in is said by characters: in every
// glyph set the text of two states that differ is different, by the mark or
// the word that belongs to it.
func TestNothingIsSaidByColourAlone(t *testing.T) {
	for set, g := range cell.GlyphSets {
		d := newDriver(t, 120, 40)
		d.App.theme, d.App.glyphs = themeIndex("mono"), set
		row := func(label string) string { // of the architecture pane
			d.Helper()
			lines := d.lines()
			i := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, label) })
			if i < 0 {
				d.Fatalf("%s: no %q on the screen:\n%s", g.Name, label, strings.Join(lines, "\n"))
			}
			return string([]rune(lines[i])[:d.layout.panes[paneArchitecture].W])
		}
		mustChange := func(what, before, after, mark string) {
			d.Helper()
			if strings.Contains(before, mark) || !strings.Contains(after, mark) {
				d.Errorf("%s: %s is not told by %q:\n%s\n%s", g.Name, what, mark, before, after)
			}
		}
		d.mustSee(g.Cursor + "Architecture")
		d.press("tab")
		d.mustSee(g.Cursor + "Accuracy over latency")
		if d.sees(g.Cursor + "Architecture") {
			t.Errorf("%s: two panes have the focus", g.Name)
		}
		d.press("shift+tab")

		free := row(" 1.0 ")
		d.press("down")
		selected := row(" 1.0 ")
		mustChange("the row under the cursor", free, selected, g.Cursor)
		d.press("space")
		mustChange("a pinned block", selected, row(" 1.0 "), g.Pinned)
		stage := row("stage 1 ")
		d.press("up", "space")
		mustChange("a pinned depth", stage, row("stage 1 "), "pin")
		d.press("ctrl+u")

		d.mustSee(g.Chosen + " chosen")
		d.mustSee(g.Up) // the budget on the axis
		d.mustSee("optimal")
		d.press("home", "c", "end") // blocks that were off, other depths
		d.mustSee("was 2")
		if d.press("c"); d.sees("was 2") {
			t.Errorf("%s: compared without comparing", g.Name)
		}

		sol := d.solution
		d.solution.Status = solver.Infeasible
		d.mustSee("no network fits")
		d.solution = sol
	}
}

// The row under the cursor has a mark of its own in every pane that has one.
func TestSelectedRowsAreMarked(t *testing.T) {
	for set, g := range cell.GlyphSets {
		if set > 0 && testing.Short() {
			break
		}
		d := newDriver(t, 120, 40)
		d.App.theme, d.App.glyphs = themeIndex("mono"), set
		d.App.jobs = []job.Snapshot{{ID: 1, Name: "one"}, {ID: 2, Name: "two"}}
		d.run(d.setLimits([]explore.Limit{{Kind: explore.LimitParams, Cap: 4e6}}, ""))
		d.press("c", "shift+right") // something to compare with
		for _, id := range d.paneIDs() {
			if id == paneFrontier || id == paneFit {
				continue // without a list
			}
			d.setFocus(id)
			d.press("up") // and what is shown is searched
			inside := d.layout.panes[id].Inside()
			marked := func() (rows []int) {
				for y, line := range d.lines() {
					if cells := []rune(line); y >= inside.Y && y < inside.Y+inside.H && len(cells) > inside.X && string(cells[inside.X]) == g.Cursor {
						rows = append(rows, y)
					}
				}
				return rows
			}
			first := marked()
			d.press("down")
			if second := marked(); len(first) != 1 || len(second) != 1 || first[0] == second[0] {
				t.Errorf("%s, %s: marked in lines %v, further down %v:\n%s", g.Name, id, first, second, strings.Join(d.lines(), "\n"))
			}
			d.press("up")
		}
	}
}

// The mono theme has no colour, and the pane with the focus differs from the
// others by more than a colour in every theme.
func TestMonoHasNoColour(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.App.theme = themeIndex("mono")
	for range d.panes.inOrder {
		d.press("tab")
		d.lines()
		for y := range d.height {
			for x := range d.width {
				if c := d.screen.Canvas.CellAt(x, y); c.Style.Fg != nil || c.Style.Bg != nil {
					t.Fatalf("cell %d, %d is coloured: %+v", x, y, c)
				}
			}
		}
	}
	for _, theme := range cell.Themes {
		if theme.TitleFocus.Attrs == theme.Title.Attrs {
			t.Errorf("%s: the title of the focused pane is set off by colour alone", theme.Name)
		}
	}
}

func TestNoColourSelectsMono(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	d := newDriver(t, 120, 40)
	if name := cell.Themes[d.App.theme].Name; name != "mono" {
		t.Errorf("the theme is %s", name)
	}
	if kept := d.state().Theme; kept == "mono" {
		t.Error("it is kept for starts with colours")
	}
}

// The theme fits the background of the terminal, unless the user has chosen one or
// wants no colours; one that was not chosen is not kept.
func TestThemeFitsTheBackground(t *testing.T) {
	light, dark := tea.BackgroundColorMsg{Color: color.White}, tea.BackgroundColorMsg{Color: color.Black}
	d := newDriver(t, 80, 24)
	check := func(what, theme, kept string) {
		t.Helper()
		if name, k := cell.Themes[d.App.theme].Name, d.state().Theme; name != theme || k != kept {
			t.Errorf("%s: %q is shown and %q kept, want %q and %q", what, name, k, theme, kept)
		}
	}
	check("nothing known", "dark", "")
	d.send(light)
	check("light background", "light", "")
	d.send(dark)
	check("dark background", "dark", "")
	d.press("ctrl+t")
	d.send(dark)
	check("light chosen", "light", "light")
	d = newDriverWith(t, Options{State: State{Theme: "dark"}})
	d.send(light)
	check("dark chosen in an earlier session", "dark", "dark")
	t.Setenv("NO_COLOR", "1")
	d = newDriver(t, 80, 24)
	d.send(light)
	check("no colours", "mono", "")
}

// The plain form has no colours or glyphs to choose: it keeps those chosen.
func TestPlainKeepsTheLook(t *testing.T) {
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	chosen := State{Theme: "light", Glyphs: "block"}
	p, err := newPlain(t.Context(), setup, Options{State: chosen}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if s := p.app.state(); s.Theme != chosen.Theme || s.Glyphs != chosen.Glyphs {
		t.Errorf("theme %q, glyphs %q after %+v", s.Theme, s.Glyphs, chosen)
	}
}
