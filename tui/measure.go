package tui

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/sanitize"
)

// calibrationNetworks is how many random networks a calibration measures,
// beside the published ones.
const calibrationNetworks = 30

// openMeasure opens the menu of measuring.
func (a *App) openMeasure() tea.Cmd {
	m := &measureMenu{want: explore.Measuring{
		Space: a.space().Name, ImageSize: a.space().ImageSize, Target: onnx.CPU, Threads: 1, Rounds: 10, Library: a.opts.Library,
	}}
	if p := a.engine.LUT.Provenance; p.Threads > 0 {
		m.want.Threads = p.Threads
	}
	a.dialog = m
	return m.findLibrary()
}

// libraryMsg says which ONNX Runtime there is.
type libraryMsg struct {
	library onnx.Library
	err     error
}

// measureMenu is the form of what to measure and how.
type measureMenu struct {
	want    explore.Measuring
	row     int
	library onnx.Library
	err     error
	looked  bool
	area    rect
}

func (m *measureMenu) findLibrary() tea.Cmd {
	flag := m.want.Library
	return guard(func() tea.Msg {
		lib, _, err := onnx.Find(flag)
		return libraryMsg{lib, err}
	})
}

// measureRow is a line of the form: a value to change or an action to start.
type measureRow struct {
	label, value string
	step         func(n int)
	start        func(*App) tea.Cmd
}

func stepThrough[T comparable](v *T, values []T) func(int) {
	return func(n int) {
		i := slices.Index(values, *v)
		*v = values[min(max(i+n, 0), len(values)-1)]
	}
}

func (m *measureMenu) rows(a *App) []measureRow {
	var threads []int
	for n := 1; n <= runtime.NumCPU(); n *= 2 {
		threads = append(threads, n)
	}
	if n := runtime.NumCPU(); !slices.Contains(threads, n) {
		threads = append(threads, n)
	}
	rows := []measureRow{
		{"device", string(m.want.Target), stepThrough(&m.want.Target, onnx.Targets()), nil},
		{"threads", fmt.Sprint(m.want.Threads), stepThrough(&m.want.Threads, threads), nil},
		{"image size", fmt.Sprintf("%d px", m.want.ImageSize), stepThrough(&m.want.ImageSize, []int{32, 64, 96, 128, 160, 192, 224, 256, 288, 320}), nil},
		{"rounds", fmt.Sprint(m.want.Rounds), stepThrough(&m.want.Rounds, []int{3, 5, 10, 15, 20, 40}), nil},
	}
	if m.looked && m.err != nil {
		return append(rows, measureRow{"install ONNX Runtime", "", nil, (*App).startInstall})
	}
	return append(rows,
		measureRow{"measure the network shown", "", nil, func(a *App) tea.Cmd { return a.startNetwork(m.want) }},
		measureRow{"measure the whole table", "", nil, func(a *App) tea.Cmd { return a.startTable(m.want) }},
		measureRow{"calibrate " + sanitize.Line(a.engine.LUTName), "", nil, func(a *App) tea.Cmd { return a.startCalibration(m.want) }},
	)
}

func (m *measureMenu) key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	rows := m.rows(a)
	m.row = min(m.row, len(rows)-1)
	row := rows[m.row]
	switch msg.String() {
	case "esc", "q":
		a.closeDialog()
	case "up", "k":
		m.row = max(0, m.row-1)
	case "down", "j", "tab":
		m.row = min(len(rows)-1, m.row+1)
	case "left", "h":
		if row.step != nil {
			row.step(-1)
		}
	case "right", "l":
		if row.step != nil {
			row.step(1)
		}
	case "enter":
		if row.start != nil {
			a.closeDialog()
			return row.start(a)
		}
		m.row = min(len(rows)-1, m.row+1)
	}
	return nil
}

func (m *measureMenu) paste(*App, string) tea.Cmd { return nil }

func (m *measureMenu) mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	e, ok := msg.(tea.MouseClickMsg)
	if !ok {
		return nil
	}
	if i := e.Y - m.area.y; m.area.contains(e.X, e.Y) && i < len(m.rows(a)) {
		if m.row == i {
			return m.key(a, tea.KeyPressMsg{Code: tea.KeyEnter})
		}
		m.row = i
	}
	return nil
}

func (m *measureMenu) draw(a *App, s *screen) {
	t := s.theme
	rows := m.rows(a)
	r := s.centred(66, len(rows)+5, "Measure on this machine")
	m.area = rect{r.x, r.y, r.w, len(rows)}
	for i, row := range rows {
		y := r.y + i
		selected := i == m.row
		if selected {
			s.fill(rect{r.x, y, r.w, 1}, t.selected, " ")
			s.text(r.x, y, 1, over(true, t.accent, t), s.glyphs.cursor)
		}
		s.text(r.x+2, y, r.w-3, over(selected, t.text, t), row.label)
		if row.step != nil {
			s.text(r.x+16, y, r.w-17, over(selected, t.accent, t), row.value)
		}
	}
	status, st := "looking for ONNX Runtime", t.dim
	if m.looked && m.err != nil {
		status, st = sanitize.Line(m.err.Error()), t.warn
	} else if m.looked {
		status = "ONNX Runtime: " + sanitize.Line(m.library.Path)
	}
	s.text(r.x+1, r.y+len(rows)+1, r.w-2, st, status)
	s.text(r.x+1, r.y+r.h-1, r.w-2, t.dim, s.glyphs.arrows+" change   enter start   esc close")
}

// services are what the explorer asks of the machine; tests replace them.
type services struct {
	table     func(context.Context, explore.Measuring, *job.Job) (explore.MeasuredTable, error)
	network   func(context.Context, explore.Measuring, networkToMeasure, *job.Job) (explore.MeasuredNetwork, error)
	calibrate func(context.Context, explore.Measuring, tableToCalibrate, *job.Job) (explore.CalibratedTable, error)
	install   func(context.Context, *job.Job) (onnx.Library, error)
	copy      func(text, what string) tea.Cmd      // to the clipboard
	tick      func(time.Duration, tea.Msg) tea.Cmd // the message, later
}

func machineServices() services {
	return services{
		copy: copyText,
		tick: func(d time.Duration, msg tea.Msg) tea.Cmd {
			return tea.Tick(d, func(time.Time) tea.Msg { return msg })
		},
		table: explore.MeasureTable,
		network: func(ctx context.Context, m explore.Measuring, n networkToMeasure, j *job.Job) (explore.MeasuredNetwork, error) {
			return explore.MeasureNetwork(ctx, m, n.architecture, n.predictedMS, j)
		},
		calibrate: func(ctx context.Context, m explore.Measuring, t tableToCalibrate, j *job.Job) (explore.CalibratedTable, error) {
			return explore.CalibrateTable(ctx, m, t.name, t.lut, calibrationNetworks, j)
		},
		install: func(ctx context.Context, j *job.Job) (onnx.Library, error) {
			return onnx.Install(ctx, func(done, total int64) { j.Progress(int(done>>10), int(total>>10), 0, "downloading") })
		},
	}
}
