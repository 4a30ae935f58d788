package tui

import (
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// last is the line of hints.
func (d *driver) last() string { lines := d.lines(); return lines[len(lines)-1] }

// esc goes back by one level, whatever that is.
func TestEscGoesBackOneLevel(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("z", "w")
	if d.press("esc"); d.play.on || !d.zoomed {
		t.Errorf("esc while playing: playing %v, zoomed %v", d.play.on, d.zoomed)
	}
	d.setFocus(panePublished)
	d.press("/")
	d.typeIn("BINAS")
	if networks := d.panes.published.shown(d.App); len(networks) != 6 {
		t.Fatalf("%d networks pass the filter", len(networks))
	}
	d.mustSee("with BINAS in their name")
	d.mustSee("best here") // the header is whole
	if d.press("esc"); d.panes.published.filter != "" || !d.zoomed {
		t.Errorf("esc left the filter %q, zoomed %v", d.panes.published.filter, d.zoomed)
	}
	if d.press("esc"); d.zoomed {
		t.Error("esc did not leave the zoom")
	}
	d.setFocus(paneFrontier)
	d.press("up")
	if d.press("esc"); d.panes.frontier.hairlineMS != 0 {
		t.Error("esc left the hairline")
	}

	d.press("M")
	step := d.dialog
	d.press("enter")
	if _, ok := d.dialog.(*stepForm); !ok {
		t.Fatalf("the menu opened %T", d.dialog)
	}
	d.press("enter") // the run folder
	if _, ok := d.dialog.(*entry); !ok {
		t.Fatalf("the form opened %T", d.dialog)
	}
	if d.press("esc"); d.dialog == nil || d.dialog == step {
		t.Errorf("esc in a field went to %T", d.dialog)
	}
	if d.press("esc"); d.dialog != step {
		t.Errorf("esc in a form went to %T", d.dialog)
	}
	if d.press("esc"); d.dialog != nil || len(d.parents) != 0 {
		t.Errorf("esc in the menu went to %T", d.dialog)
	}

	d.press("d")
	menuOfTables := d.dialog
	d.press("/", "z", "z", "z")
	d.mustSee("nothing matches")
	if d.press("esc"); d.dialog != menuOfTables || d.dialog.(*menu).Filter != "" {
		t.Error("esc did not leave the filter alone")
	}
	d.press("G", "enter") // a file
	if d.press("esc"); d.dialog != menuOfTables {
		t.Errorf("esc in the path of a file went to %T", d.dialog)
	}
}

// Whatever was changed, undo brings it back, device and budget included, and redo
// does it again.
func TestUndoBringsEverythingBack(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("right", "c")
	limit, table, compared := d.limitMS, d.engine.LUTName, d.compare
	d.run(d.openSetup("digits", "", ""))
	if d.engine.LUTName == table || d.compare != nil {
		t.Fatalf("still exploring %s, compared with %v", d.engine.LUTName, d.compare)
	}
	other := d.engine.LUTName
	d.press("u")
	if d.engine.LUTName != table || d.limitMS != limit || d.compare != compared {
		t.Errorf("undone: %s at %v ms compared with %v, was %s at %v ms", d.engine.LUTName, d.limitMS, d.compare, table, limit)
	}
	d.mustSee("exploring " + table)
	if d.press("ctrl+r"); d.engine.LUTName != other {
		t.Errorf("redone: %s", d.engine.LUTName)
	}
	d.run(d.openSetup("imagenet", "", "")) // by hand: the budget is what it was there
	if d.engine.LUTName != table || d.limitMS != limit {
		t.Errorf("back on %s the budget is %v ms, was %v", d.engine.LUTName, d.limitMS, limit)
	}

	d = newDriver(t, 120, 40)
	for _, c := range []struct {
		what  string
		do    func()
		state func() any
	}{
		{"the optimiser", func() { d.press("o") }, func() any { return d.mode }},
		{"the comparison", func() { d.press("c") }, func() any { return d.compare }},
		{"no comparison", func() { d.press("c") }, func() any { return d.compare }},
		{"a network kept", func() { d.press("a", "enter") }, func() any { return len(d.snapshots) }},
		{"one of the same name", func() { d.press("right", "a"); d.typeIn("5.00 ms") }, func() any { return d.snapshots[0].limitMS }},
		{"skipped blocks", func() { d.press("i") }, func() any { return d.engine.Inactive }},
		{"the theme", func() { d.press("ctrl+t") }, func() any { return cell.Themes[d.App.theme].Name }},
		{"the glyphs", func() { d.press("ctrl+g") }, func() any { return d.glyphSet().Name }},
		{"the mouse", func() { d.press("ctrl+x") }, func() any { return d.App.View().MouseMode }},
		{"a pin", func() { d.press("A", "space") }, func() any { return d.pinCount() }},
	} {
		before := c.state()
		c.do()
		after := c.state()
		if before == after {
			t.Fatalf("%s did not change", c.what)
		}
		if d.press("u"); c.state() != before {
			t.Errorf("%s: undone %v, was %v", c.what, c.state(), before)
		}
		if d.press("ctrl+r"); c.state() != after {
			t.Errorf("%s: done again %v, was %v", c.what, c.state(), after)
		}
	}
}

// The last line says which keys do something now, and how to get help and out.
func TestHintsFollow(t *testing.T) {
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		for range d.panes.inOrder {
			if line := d.last(); !strings.Contains(line, "y copy  ? help  q quit") {
				t.Errorf("%v, %s: %s", size, d.focus, line)
			}
			d.press("z")
			if line := d.last(); !strings.HasPrefix(line, " esc back") || strings.Contains(line, "zoom") {
				t.Errorf("%v, %s zoomed: %s", size, d.focus, line)
			}
			d.press("esc", "tab")
		}
		d.press("J")
		for _, word := range []string{"open", "pause", "again"} {
			if strings.Contains(d.last(), word) {
				t.Errorf("%v, no jobs: %s", size, d.last())
			}
		}
		d.press("d")
		if line := strings.TrimSpace(d.last()); line != "enter choose  / search  esc cancel" {
			t.Errorf("%v, a menu is open: %s", size, line)
		}
	}
	d := newDriver(t, 120, 40)
	d.say("kept")
	if line := strings.TrimSpace(d.last()); !strings.HasPrefix(line, "kept ") || !strings.HasSuffix(line, "? help  q quit") {
		t.Errorf("beside a message: %s", line)
	}
	long := strings.Repeat("long ", 22)
	if d.say(long); strings.TrimSpace(d.last()) != strings.TrimSpace(long) {
		t.Errorf("a long message: %s", d.last())
	}
	d.press("=")
	at := strings.Index(d.last(), "esc cancel")
	d.send(tea.MouseClickMsg{X: at + 1, Y: 39, Button: tea.MouseLeft})
	if d.dialog != nil {
		t.Error("a click on the hint did not cancel")
	}
	at = len([]rune(d.last()[:strings.Index(d.last(), "z zoom")]))
	d.send(tea.MouseClickMsg{X: at, Y: 39, Button: tea.MouseLeft})
	if !d.zoomed {
		t.Error("a click on the hint did not zoom")
	}
}

// enter acts on the row, wherever rows can be acted on.
func TestEnterActsOnTheRow(t *testing.T) {
	d := newDriver(t, 120, 40)
	for _, p := range d.panes.inOrder {
		if id := p.info().id; id != paneFit && d.keys.find("enter", id) == nil {
			t.Errorf("%s: enter does nothing", id)
		}
	}
	d.press("W", "down", "enter")
	if row, _ := d.current(); d.focus != paneArchitecture || row != d.decision(1) {
		t.Errorf("enter in the sweep went to %v in %s", row, d.focus)
	}
	d.setFocus(panePublished)
	d.press("G")
	if last := d.published[len(d.published)-1]; d.panes.published.row != len(d.published)-1 {
		t.Errorf("G went to row %d, not to %s", d.panes.published.row, last.network.Name)
	}
	d.press("enter")
	if d.limitMS != d.clampLimit(d.published[len(d.published)-1].latencyMS) {
		t.Errorf("enter moved the budget to %v ms", d.limitMS)
	}
	if d.press("g"); d.panes.published.row != 0 {
		t.Errorf("g went to row %d", d.panes.published.row)
	}
	// The mouse does it too: a click on the row that has the cursor.
	at := d.panes.published.rows(d.App, d.inside(panePublished)).At
	d.send(tea.MouseClickMsg{X: at.X + 3, Y: at.Y, Button: tea.MouseLeft})
	if want := d.clampLimit(d.published[0].latencyMS); d.limitMS != want {
		t.Errorf("a second click moved the budget to %v ms, want %v", d.limitMS, want)
	}
}

// Help and menus move by all keys, and by the mouse.
func TestMenusMove(t *testing.T) {
	d := newDriver(t, 80, 24)
	d.press("?")
	m := d.dialog.(*menu)
	first, n := m.Row, len(m.Items)
	for _, menus := range []string{"d", "C", "M"} {
		o := newDriver(t, 80, 24)
		o.press(menus)
		o.mustSee("esc: cancel") // the hint is never cut
	}
	for _, c := range []struct {
		key string
		row int
	}{{"end", n - 1}, {"home", first}, {"G", n - 1}, {"g", first}, {"j", first + 1 + 1}, {"k", first}} {
		if d.press(c.key); m.Row != c.row && !m.Items[c.row].Head {
			t.Errorf("%s: row %d of %d, want %d", c.key, m.Row, n, c.row)
		}
	}
	d.press("pgdown")
	if m.Row < 10 {
		t.Errorf("a page down went to row %d", m.Row)
	}
	d.mustSee(cell.BrailleGlyphs().Down)
	row := m.Row
	d.send(tea.MouseWheelMsg{X: 40, Y: 12, Button: tea.MouseWheelDown})
	if m.Row <= row {
		t.Errorf("the wheel went from row %d to %d", row, m.Row)
	}
	d.press("home")
	y := slices.IndexFunc(d.lines(), func(line string) bool { return strings.Contains(line, m.Items[0].Label) })
	d.send(tea.MouseClickMsg{X: 40, Y: y, Button: tea.MouseLeft})
	if !d.tour.on {
		t.Errorf("a click on %q did nothing", m.Items[0].Label)
	}
}

// The palette finds what is meant by other words, and by half a word.
func TestThePaletteKnowsOtherWords(t *testing.T) {
	for text, want := range map[string][]string{
		"export": {"copy-menu"}, "save": {"copy-menu", "report", "snapshot"}, "color": {"theme"}, "pareto": {"budget-next"}, "thm": {"theme"}, "hardware": {"lut"}, "cmpr": {"compare"},
		"fullscreen": {"zoom"}, "undo": {"undo"}, "curve": {"show-frontier"},
	} {
		d := newDriver(t, 120, 40)
		d.press(":")
		for _, c := range text {
			d.press(string(c))
		}
		var found []string
		for _, it := range d.dialog.(*menu).Shown() {
			found = append(found, strings.Fields(it.Also + " -")[0])
		}
		for _, id := range want {
			if i := slices.Index(found, id); i < 0 || i > 6 {
				t.Errorf("%q finds %v, not %s", text, found, id)
			}
		}
		if text == "thm" && found[0] != "theme" {
			t.Errorf("%q finds %v first", text, found)
		}
	}
	for id := range synonyms {
		if newDriver(t, 80, 24).keys.keysOf(id) == nil {
			t.Errorf("there is no action %s, which has synonyms", id)
		}
	}
}

// A list that goes on says so, and where its cursor is.
func TestListsSayThatTheyGoOn(t *testing.T) {
	d := newDriver(t, 80, 24)
	d.setFocus(paneExplain)
	d.mustSee(cell.BrailleGlyphs().Down)
	d.mustSee("1-")
	d.press("G")
	d.mustSee(cell.BrailleGlyphs().Up)
	d.mustSee("25 of 25 ")
	d = newDriver(t, 200, 60)
	for _, p := range []paneID{paneArchitecture} {
		d.setFocus(p)
		if d.sees(" of 25 ") {
			t.Errorf("%s is shown whole and says that it goes on", p)
		}
	}
}

// Devices to compare with are those that can be, without the one in use.
func TestComparisonOffersWhatItTakes(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("D")
	for _, it := range d.dialog.(*menu).Items {
		name := it.Label
		if name == d.engine.LUTName {
			t.Error("it offers the table in use")
		}
		if strings.HasPrefix(name, "a file") {
			continue
		}
		lut, err := explore.LoadLUT(name)
		if err == nil {
			_, err = lut.Table(d.space())
		}
		if err != nil {
			t.Errorf("it offers %s: %v", name, err)
		}
	}
	if len(d.dialog.(*menu).Items) < 2 {
		t.Errorf("it offers %d", len(d.dialog.(*menu).Items))
	}
}

// A long name keeps both its ends; a table in a file is called by its own name.
func TestLongNames(t *testing.T) {
	name := "beginning-" + strings.Repeat("middle-", 10) + "end"
	if got := sourceLabel(name); !strings.HasPrefix(got, "beginning") || !strings.HasSuffix(got, "end") || len([]rune(got)) > form.LabelWidth {
		t.Errorf("%q", got)
	}
	d := newDriver(t, 120, 40)
	s := d.engine.Setup
	lut := *s.LUT
	lut.Provenance.Name = "my-laptop"
	s.LUT, s.LUTName = &lut, "/data/tables/"+name+".json"
	for file, label := range map[string]string{s.LUTName: sourceLabel(s.LUTName), "runs/digits/lut.json": "digits/lut.json", "table.json": "table.json", "phone": ""} {
		s.LUTName = file
		if name, also := tableLabel(s); also != label || (name == "my-laptop") != (label != "") {
			t.Errorf("%s: %q, %q", file, name, also)
		}
	}
}

// A value is typed over the row of a form that has it, and pasted.
func TestFormsTakeText(t *testing.T) {
	d := newDriver(t, 120, 40)
	var text string
	f := &baseForm{Title: "a form", Status: func() (string, bool) { return "", false }}
	f.Fields = func(*App) []formRow {
		return []formRow{{Label: "value", Value: text, Edit: func(a *App) tea.Cmd {
			e := form.NewEntry("value", "value: ", "before", func(_ *App, s string) (tea.Cmd, error) { text = s; return nil, nil })
			e.Back = f
			a.dialog = e
			return nil
		}}, {Label: "start", Start: func(*App) tea.Cmd { return nil }}}
	}
	d.dialog = f
	d.press("1", "2", "enter")
	if text != "12" || d.dialog != dialog(f) {
		t.Errorf("typed %q, then %T is open", text, d.dialog)
	}
	d.send(tea.PasteMsg{Content: "/data/x"})
	if d.press("enter"); text != "/data/x" {
		t.Errorf("pasted %q", text)
	}
	if d.press("G"); f.Row != 1 {
		t.Errorf("G went to row %d", f.Row)
	}
	d.send(tea.MouseWheelMsg{Button: tea.MouseWheelUp})
	if f.Row != 0 {
		t.Errorf("the wheel went to row %d", f.Row)
	}
}

// The cursor goes to a job that begins.
func TestTheCursorIsOnTheNewJob(t *testing.T) {
	d := newDriver(t, 120, 40)
	for id := 1; id <= 3; id++ {
		d.send(jobMsg(job.Snapshot{ID: id, Name: "job", State: job.Running}))
		if j, ok := d.currentJob(); !ok || j.ID != id {
			t.Errorf("job %d began, the cursor is on %d", id, j.ID)
		}
	}
	d.press("J", "k", "k")
	d.send(jobMsg(job.Snapshot{ID: 3, Name: "job", State: job.Running, Done: 1}))
	if j, _ := d.currentJob(); j.ID != 1 {
		t.Errorf("what a job says moved the cursor to %d", j.ID)
	}
}
