package tui

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/tui/form"
)

// verifiedNetworks is how many networks a table is verified on.
const verifiedNetworks = 40

// openMeasure opens the menu of measuring, on the host of the table explored.
func (a *App) openMeasure() tea.Cmd { return a.openMeasureOn(a.engine.LUT.Provenance.Host) }

// openMeasureOn opens the menu of measuring on a host, "" being this machine.
func (a *App) openMeasureOn(host string) tea.Cmd {
	m := &measureMenu{want: explore.Measuring{
		Host: host, Space: a.space().Name, ImageSize: a.space().ImageSize, Target: string(onnx.CPU), Threads: 1, Method: latency.InContext, Library: a.opts.Library,
	}}
	if p := a.engine.LUT.Provenance; p.Device != "" && latency.CheckTarget(p.Device) == nil {
		m.want.Target = p.Device
	}
	m.want.Precision = a.engine.LUT.Provenance.ComputesIn()
	if p := a.engine.LUT.Provenance; p.Threads > 0 {
		m.want.Threads = p.Threads
	}
	m.baseForm = baseForm{Title: "Measure", Fields: m.rows, Status: m.status}
	a.dialog = m
	return m.find(a, m.want.Library)
}

// libraryMsg says which ONNX Runtime there is, to the form that asked, be it
// covered or closed by now.
type libraryMsg struct {
	finder  *runtimeFinder
	library onnx.Library
	err     error
	hosts   []string
}

// runtimeFinder looks for ONNX Runtime, and for hosts, while a form is open.
type runtimeFinder struct {
	library onnx.Library
	err     error
	hosts   []string // to measure on
	looked  bool
}

func (f *runtimeFinder) find(a *App, flag string) tea.Cmd {
	services := a.services
	return guard(func() tea.Msg {
		lib, err := services.library(flag)
		return libraryMsg{f, lib, err, services.hosts()}
	})
}

func (f *runtimeFinder) missing() bool { return f.looked && f.err != nil }

// remedy is the row that stands in place of a start where there is none. A
// build without cgo has no use for a library.
func (f *runtimeFinder) remedy() []formRow {
	if errors.Is(f.err, onnx.ErrNoCgo) {
		return nil
	}
	return []formRow{{Label: "install ONNX Runtime", Start: (*App).startInstall}}
}

func (f *runtimeFinder) found() (text string, bad bool) {
	switch {
	case f.missing():
		return sanitize.Line(f.err.Error()), true
	case f.looked:
		return "ONNX Runtime: " + sanitize.Line(f.library.Path), false
	}
	return "looking for ONNX Runtime", false
}

// measureMenu is the form of what to measure and how.
type measureMenu struct {
	baseForm
	runtimeFinder
	want explore.Measuring
}

func stepThrough[T comparable](v *T, values []T) func(int) tea.Cmd {
	return func(n int) tea.Cmd {
		i := slices.Index(values, *v)
		*v = values[min(max(i+n, 0), len(values)-1)]
		return nil
	}
}

// status says what measures: of a host that is known once it is asked.
func (m *measureMenu) status() (text string, bad bool) {
	if m.want.Host != "" {
		return "over ssh; what is needed there is pushed into its cache folder, and nothing is installed", false
	}
	return m.found()
}

// setHost chooses where to measure; blocks alone are measured here.
func (m *measureMenu) setHost(host string) {
	if m.want.Host = host; host != "" {
		m.want.Method = latency.InContext
	}
}

func (m *measureMenu) editHost(a *App) tea.Cmd {
	e := form.NewEntry("Host", "[USER@]NAME: ", m.want.Host, func(_ *App, text string) (tea.Cmd, error) {
		if err := explore.CheckHost(text); err != nil {
			return nil, err
		}
		m.setHost(text)
		return nil, nil
	})
	e.Back = a.dialog
	return a.Open(e)
}

func (m *measureMenu) rows(a *App) []formRow {
	host, hosts := m.want.Host, append([]string{""}, m.hosts...)
	if !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	rows := []formRow{
		{Label: "host", Value: cmp.Or(host, "this machine"), Edit: m.editHost, Step: func(n int) tea.Cmd {
			stepThrough(&host, hosts)(n)
			m.setHost(host)
			return nil
		}},
		{Label: "device", Value: deviceText(m.want), Step: m.stepDevice},
		{Label: "threads", Value: fmt.Sprint(m.want.Threads), Step: stepThrough(&m.want.Threads, latency.Threads(m.want.Host))},
		{Label: "image size", Value: fmt.Sprintf("%d px", m.want.ImageSize), Step: stepThrough(&m.want.ImageSize, []int{32, 64, 96, 128, 160, 192, 224, 256, 288, 320})},
		{Label: "rounds", Value: roundsText(m.want.Rounds), Step: stepThrough(&m.want.Rounds, []int{0, 1, 2, 3, 4, 6, 8, 10, 15, 20, 40})},
	}
	if m.want.Host == "" {
		rows = append(rows, formRow{Label: "blocks", Value: methodText(m.want.Method), Step: stepThrough(&m.want.Method, []latency.Method{latency.InContext, latency.Isolated})})
	}
	if m.missing() && m.want.Host == "" {
		return append(rows, m.remedy()...)
	}
	return append(rows,
		formRow{Label: "measure the network shown", Start: func(a *App) tea.Cmd { return a.startNetwork(m.want) }},
		formRow{Label: "measure the whole table", Start: func(a *App) tea.Cmd { return a.startTable(m.want) }},
		formRow{Label: a.verifyVerb() + " " + sourceLabel(a.engine.LUTName), Start: func(a *App) tea.Cmd { return a.startVerify(m.want) }},
	)
}

// deviceText names a device, and the precision where it is not fp32.
func deviceText(m explore.Measuring) string {
	if m.Precision == "" || m.Precision == onnx.FP32 {
		return m.Target
	}
	return m.Target + ", " + string(m.Precision)
}

// stepDevice steps through the devices, each in the precisions it has.
func (m *measureMenu) stepDevice(n int) tea.Cmd {
	var names []string
	on := map[string]explore.Measuring{}
	for _, target := range latency.Targets() {
		for _, p := range onnx.Precisions() {
			if p.On(onnx.Target(target)) == nil {
				w := m.want
				w.Target, w.Precision = target, p
				names, on[deviceText(w)] = append(names, deviceText(w)), w
			}
		}
	}
	name := deviceText(m.want)
	stepThrough(&name, names)(n)
	m.want = on[name]
	return nil
}

// verifyVerb is what is done to the table explored when networks are measured:
// one of blocks alone needs a calibration.
func (a *App) verifyVerb() string {
	if a.engine.LUT.Provenance.Method == latency.InContext {
		return "verify"
	}
	return "calibrate"
}

func methodText(m latency.Method) string {
	if m == latency.Isolated {
		return "alone, to compare"
	}
	return "in whole networks"
}

func roundsText(n int) string {
	if n == 0 {
		return "the usual number"
	}
	return fmt.Sprint(n)
}
