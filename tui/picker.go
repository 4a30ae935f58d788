package tui

import (
	"fmt"
	"path/filepath"
	"slices"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// sourceLabel names a latency table or predictor in few cells: a file is told by
// its folder and its own name, such as digits/lut.json for that of a run.
func sourceLabel(name string) string {
	text := sanitize.Line(name)
	if dir := filepath.Base(filepath.Dir(name)); name != filepath.Base(name) && dir != "." && dir != string(filepath.Separator) {
		text = sanitize.Line(dir + "/" + filepath.Base(name))
	}
	if over := ansi.StringWidth(text) - form.LabelWidth; over > 0 { // both ends tell names apart
		return ansi.Truncate(text, form.LabelWidth/2, "…") + ansi.TruncateLeft(text, over+form.LabelWidth/2, "")
	}
	return text
}

// tableLabel names the table in use: one in a file by the name that it was measured
// under, if it has one, and by the file beside that.
func tableLabel(s explore.Setup) (name, file string) {
	label, own := sourceLabel(s.LUTName), sourceLabel(s.LUT.Provenance.Name)
	inFile := s.LUTName != filepath.Base(s.LUTName) || slices.Contains([]string{".json", ".pkl", ".pth"}, filepath.Ext(s.LUTName))
	if own == "" || !inFile {
		return label, ""
	}
	return own, label
}

// openLUTPicker chooses another latency table, or a host to measure one on.
func (a *App) openLUTPicker() tea.Cmd {
	var hosts []string
	find := a.services.hosts
	return a.sources(func() []explore.Source {
		hosts = find()
		return explore.LUTs()
	}, func(a *App, named []explore.Source) {
		a.openSources("Latency table", named, a.results.tables, a.engine.LUTName, func(a *App, name string) tea.Cmd {
			return a.openSetup(a.engine.Profile, name, a.engine.PredictorName)
		})
		m := a.dialog.(*menu)
		for _, host := range hosts {
			m.Items = append(m.Items, item{Label: "measure on " + host, Detail: "over ssh", Choose: func(a *App) tea.Cmd { return a.openMeasureOn(host) }})
		}
	})
}

func (a *App) openPredictorPicker() tea.Cmd {
	return a.sources(explore.Predictors, func(a *App, named []explore.Source) {
		a.openSources("Predictor", named, a.results.predictors, a.engine.PredictorName, func(a *App, name string) tea.Cmd {
			return a.openSetup(a.engine.Profile, a.engine.LUTName, name)
		})
	})
}

// opening stands for a menu until what it lists has been looked for. Keys typed
// ahead are the menu's.
type opening struct {
	keysOnly
	typed []tea.Msg
}

func (o *opening) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	if msg.String() == "esc" && len(o.typed) == 0 {
		a.Leave()
		return nil
	}
	o.typed = append(o.typed, msg)
	return nil
}

func (o *opening) Paste(_ *App, text string) tea.Cmd {
	o.typed = append(o.typed, tea.PasteMsg{Content: text})
	return nil
}

func (o *opening) Hints(*App) []hint { return []hint{{Key: "esc", Label: "cancel"}} }

func (o *opening) Draw(*App, *cell.Screen) {}

// sources looks for tables or predictors, which reads folders, and opens what is
// made of them.
func (a *App) sources(list func() []explore.Source, open func(*App, []explore.Source)) tea.Cmd {
	place := &opening{}
	a.dialog = place
	return a.background(func() func() tea.Cmd {
		found := list()
		return func() tea.Cmd {
			if a.dialog != dialog(place) {
				return nil // it was closed meanwhile
			}
			a.Close()
			open(a, found)
			var cmds []tea.Cmd
			for _, typed := range place.typed {
				cmds = append(cmds, a.handle(typed))
			}
			return tea.Batch(cmds...)
		}
	})
}

// openProfilePicker chooses space, table and predictor together.
func (a *App) openProfilePicker() tea.Cmd {
	m := &menu{Title: "Profile"}
	for _, p := range explore.Profiles() {
		m.Items = append(m.Items, item{
			Label: p.Name, Detail: fmt.Sprintf("%s at %d px, %s, %s", p.Space, p.ImageSize, p.LUT, p.Predictor),
			Choose: func(a *App) tea.Cmd { return a.openSetup(p.Name, "", "") },
		})
	}
	return a.Open(m)
}

// openTables chooses among latency tables, those of run folders too.
func (a *App) openTables(title, current string, open func(*App, string) tea.Cmd) tea.Cmd {
	return a.sources(explore.LUTs, func(a *App, named []explore.Source) { a.openSources(title, named, a.results.tables, current, open) })
}

// openSources chooses among sources known by name and files of run folders.
func (a *App) openSources(title string, named, found []explore.Source, current string, open func(*App, string) tea.Cmd) {
	m := &menu{Title: title}
	add := func(label, name, detail string) {
		if name == current {
			m.Row = len(m.Items)
			detail = "(in use) " + detail
		}
		m.Items = append(m.Items, item{
			Label: sanitize.Line(label), Detail: sanitize.Line(detail),
			Choose: func(a *App) tea.Cmd { return open(a, name) },
		})
	}
	for _, s := range named {
		detail := "built in"
		if s.Path != "" {
			detail = s.Path
		}
		add(s.Name, s.Name, detail)
	}
	for _, s := range found {
		add(s.Name, s.Path, s.Path)
	}
	known := slices.ContainsFunc(slices.Concat(named, found), func(s explore.Source) bool { return s.Name == current || s.Path == current })
	if current != "" && !known {
		add(sourceLabel(current), current, current)
	}
	m.Items = append(m.Items, item{
		Label: "a file" + a.glyphSet().Ellipsis, Detail: "type its path",
		Choose: func(a *App) tea.Cmd {
			return a.Open(form.NewEntry(title+" file", "path: ", "", func(a *App, text string) (tea.Cmd, error) {
				if text == "" {
					return nil, fmt.Errorf("no path given")
				}
				return open(a, expandHome(text)), nil
			}))
		},
	})
	a.dialog = m
}
