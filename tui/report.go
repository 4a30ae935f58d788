package tui

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/page"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/tui/form"
)

// openReport asks where to write the session as a report: Markdown, and beside
// it the frontier as SVG and as a page with every network of it. Files that are there are never replaced.
func (a *App) openReport() tea.Cmd {
	return a.Open(form.NewEntry("Write the session as a report", "file: ", "binas-report.md", func(a *App, name string) (tea.Cmd, error) {
		if name == "" {
			return nil, errors.New("no file name given")
		}
		name = expandHome(name)
		if filepath.Ext(name) == "" {
			name += ".md"
		}
		return a.writeReport(name)
	}))
}

// writeReport makes the report here, where the state is, and draws and writes it in
// a command.
func (a *App) writeReport(name string) (tea.Cmd, error) {
	base := strings.TrimSuffix(name, filepath.Ext(name))
	picture, html := base+".svg", base+".html"
	if picture == name || html == name {
		return nil, fmt.Errorf("%s: expected a name that ends in .md", sanitize.Line(name))
	}
	if a.coming {
		return nil, errors.New("the frontier is still being computed: once more in a moment")
	}
	r := a.newReport(filepath.Base(picture))
	if r.waits() {
		return nil, errors.New("how far the predictions may be off is still being computed: once more in a moment")
	}
	text, engine, marks, ctx := r.markdown(), a.engine, r.marks(), a.ctx
	o := page.Options{Made: r.at, Exact: true, LimitMS: a.limitMS, Marks: marks, Command: "binas-tui pareto --html " + phrase.ShellWord(filepath.Base(html)) + a.sourceFlags()}
	var points []explore.ParetoPoint
	if r.picture != "" {
		points = explore.ParetoPoints(a.frontier)
	}
	return a.background(func() func() tea.Cmd {
		ended := func(msg tea.Msg) func() tea.Cmd { return func() tea.Cmd { return a.handle(msg) } }
		var svg, whole bytes.Buffer
		if len(points) > 0 {
			d, err := figure.Frontier(engine, points, marks)
			if err == nil {
				err = d.Write(&svg, "svg")
			}
			if err == nil {
				err = page.Frontier(ctx, &whole, engine, points, o)
			}
			if err != nil {
				return ended(failedMsg{"report not written: " + err.Error()})
			}
		}
		written := "report written: " + name
		for _, f := range []struct {
			name, what string
			data       []byte
		}{{name, "", []byte(text)}, {picture, " without its picture", svg.Bytes()}, {html, " without its page", whole.Bytes()}} {
			if len(f.data) == 0 {
				continue
			}
			if err := createFile(f.name, f.data); err != nil && f.what == "" {
				return ended(failedMsg{"report not written: " + err.Error()})
			} else if err != nil {
				return ended(failedMsg{"report written" + f.what + ": " + err.Error()})
			}
		}
		if whole.Len() > 0 {
			written += ", and as a page to send: " + html
		}
		return ended(copiedMsg{written})
	}), nil
}
