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
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// openReport asks where to write the session as a report: Markdown, and beside
// it the frontier as SVG. Files that are there are never replaced.
func (a *App) openReport() tea.Cmd {
	a.dialog = newEntry("Write the session as a report", "file: ", "binas-report.md", func(a *App, name string) (tea.Cmd, error) {
		if name == "" {
			return nil, errors.New("no file name given")
		}
		name = expandHome(name)
		if filepath.Ext(name) == "" {
			name += ".md"
		}
		return a.writeReport(name)
	})
	return nil
}

// writeReport makes the report here, where the state is, and draws and writes it in
// a command.
func (a *App) writeReport(name string) (tea.Cmd, error) {
	picture := strings.TrimSuffix(name, filepath.Ext(name)) + ".svg"
	if picture == name {
		return nil, fmt.Errorf("%s: expected a name that ends in .md", sanitize.Line(name))
	}
	if a.coming {
		return nil, errors.New("the frontier is still being computed: once more in a moment")
	}
	r := a.newReport(filepath.Base(picture))
	if r.waits() {
		return nil, errors.New("how far the predictions may be off is still being computed: once more in a moment")
	}
	text, engine, marks := r.markdown(), a.engine, r.marks()
	var points []explore.ParetoPoint
	if r.picture != "" {
		points = a.frontierPoints()
	}
	a.working++
	return guard(func() tea.Msg {
		var svg bytes.Buffer
		if len(points) > 0 {
			d, err := figure.Frontier(engine, points, marks)
			if err == nil {
				err = d.Write(&svg, "svg")
			}
			if err != nil {
				return reportMsg{failedMsg{"report not written: " + err.Error()}}
			}
		}
		if err := createFile(name, []byte(text)); err != nil {
			return reportMsg{failedMsg{"report not written: " + err.Error()}}
		}
		if svg.Len() > 0 {
			if err := createFile(picture, svg.Bytes()); err != nil {
				return reportMsg{failedMsg{"report written without its picture: " + err.Error()}}
			}
		}
		return reportMsg{copiedMsg{"report written: " + name}}
	}), nil
}

// reportMsg is how a report ended.
type reportMsg struct{ outcome tea.Msg }

// frontierPoints is the frontier with its networks.
func (a *App) frontierPoints() []explore.ParetoPoint {
	points := make([]explore.ParetoPoint, len(a.frontier.Points))
	for i, p := range a.frontier.Points {
		points[i].Point = p
		a.frontier.Path(&points[i].Path, i)
	}
	return points
}
