package tui

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// Whatever the user and the jobs do, nothing panics, every frame fits and the
// state is one that the explorer may be in. Frames are drawn after every fourth
// message and after every change of size: all states pass the other checks.
func TestRandomMessages(t *testing.T) {
	t.Chdir(t.TempDir()) // reports and JSON files go there
	sequences, messages := 20, 500
	if testing.Short() {
		sequences = 2
	}
	for seed := range sequences {
		r := newRandomUser(t, uint64(seed))
		for i := range messages {
			msg := r.message()
			_, resized := msg.(tea.WindowSizeMsg)
			r.send(msg)
			what := fmt.Sprintf("sequence %d, message %d, %T %v", seed, i, msg, msg)
			r.checkState(what)
			if resized || i%4 == 0 {
				r.checkFits(what)
			}
			if t.Failed() {
				return
			}
		}
	}
}

// randomUser sends messages at random to an explorer on a machine that
// measures nothing.
type randomUser struct {
	*driver
	rng  *rand.Rand
	keys []string
	lut  *latency.LUT
}

func newRandomUser(t *testing.T, seed uint64) *randomUser {
	r := &randomUser{driver: newDriver(t, 120, 40), rng: rand.New(rand.NewPCG(seed, 7))}
	r.blind = true
	r.lut = fakeTable(r.space())
	for _, b := range r.App.keys.bindings {
		if b.id != "quit" && b.id != "suspend" && !strings.HasPrefix(b.id, "copy") {
			r.keys = append(r.keys, b.keys...)
		}
	}
	r.keys = append(r.keys, "enter", "esc", "esc", "backspace", "1", "9", ".", "x", "\u200b", "漢", "space")
	none := errors.New("there is no such machine")
	r.services.table = func(context.Context, explore.Measuring, *job.Job) (m explore.MeasuredTable, _ error) { return m, none }
	r.services.network = func(context.Context, explore.Measuring, model.Architecture, float64, *job.Job) (m explore.MeasuredNetwork, _ error) {
		return m, none
	}
	r.services.verify = func(context.Context, explore.Measuring, string, *latency.LUT, int, *job.Job) (m explore.VerifiedTable, _ error) {
		return m, none
	}
	r.services.keep = func(context.Context, string, explore.Setup, explore.OnDevice) (k explore.Kept, _ error) {
		return k, none
	}
	r.services.method = func(context.Context, steps.Task, *job.Job) (any, error) { return nil, none }
	r.services.install = func(context.Context, *job.Job) (l onnx.Library, _ error) { return l, none }
	return r
}

// message is the next one: keys mostly.
func (r *randomUser) message() tea.Msg {
	x, y := r.rng.IntN(max(r.width, 1)+10), r.rng.IntN(max(r.height, 1)+5)
	switch r.rng.IntN(16) {
	case 0:
		return r.size()
	case 1:
		return tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}
	case 2:
		return tea.MouseMotionMsg{X: x, Y: y, Button: tea.MouseLeft}
	case 3:
		return tea.MouseReleaseMsg{X: x, Y: y, Button: tea.MouseLeft}
	case 4:
		return tea.MouseWheelMsg{X: x, Y: y, Button: []tea.MouseButton{tea.MouseWheelDown, tea.MouseWheelUp}[r.rng.IntN(2)]}
	case 5:
		return tea.PasteMsg{Content: hostileNames[r.rng.IntN(len(hostileNames))]}
	case 6, 7:
		return jobMsg(r.snapshot())
	case 8:
		if r.dialog != nil {
			return keyPress("esc")
		}
	}
	if r.mode == modeEvolution && r.engine.Bilinear() {
		return keyPress("o") // it takes long
	}
	return keyPress(r.keys[r.rng.IntN(len(r.keys))])
}

// size is a terminal's: small ones mostly, which are drawn sooner.
func (r *randomUser) size() tea.WindowSizeMsg {
	switch r.rng.IntN(10) {
	case 0:
		return tea.WindowSizeMsg{Width: 1 + r.rng.IntN(500), Height: 1 + r.rng.IntN(150)}
	case 1:
		return tea.WindowSizeMsg{Width: []int{1, 500}[r.rng.IntN(2)], Height: []int{1, 150}[r.rng.IntN(2)]}
	}
	return tea.WindowSizeMsg{Width: 40 + r.rng.IntN(140), Height: 10 + r.rng.IntN(40)}
}

// snapshot is one of a few jobs, anywhere in its life.
func (r *randomUser) snapshot() job.Snapshot {
	name := hostileNames[r.rng.IntN(len(hostileNames))]
	s := job.Snapshot{
		ID: 1 + r.rng.IntN(6), Name: name, State: job.State(r.rng.IntN(4)), Status: name, Log: []string{name, "", name},
		Done: r.rng.IntN(200) - 50, Total: r.rng.IntN(200) - 50,
		Left: time.Duration(r.rng.IntN(1e9)) * 100, Elapsed: time.Duration(r.rng.IntN(1e9)) * 1e6,
	}
	table := explore.MeasuredTable{Name: name, Path: name, LUT: r.lut}
	switch s.State {
	case job.Failed:
		s.Err = errors.New(name)
	case job.Running:
		s.Result = []any{nil, explore.PartialTable(r.lut.Blocks), explore.PartialTable{}}[r.rng.IntN(3)]
	case job.Done:
		check := &latency.Verification{Networks: []latency.NetworkCheck{{PredictedMS: 3, MeasuredMS: 4}, {PredictedMS: 5, MeasuredMS: 5}}}
		s.Result = []any{
			nil, table, explore.VerifiedTable{MeasuredTable: table, Verification: check}, explore.MeasuredNetwork{}, onnx.Library{Path: name},
		}[r.rng.IntN(5)]
	}
	return s
}

// checkState reports a state that the explorer must never be in.
func (r *randomUser) checkState(what string) {
	r.Helper()
	a := r.App
	fail := func(format string, args ...any) {
		r.Helper()
		r.Fatalf("%s: %s", what, fmt.Sprintf(format, args...))
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if !(a.limitMS >= lo && a.limitMS <= hi) {
		fail("limit %v ms is outside %v to %v", a.limitMS, lo, hi)
	}
	if a.panes.index(a.focus) < 0 || a.panes.index(a.shared) < 0 || a.mode < 0 || a.mode >= modeCount ||
		a.theme < 0 || a.theme >= len(cell.Themes) || a.glyphs < 0 || a.glyphs >= len(cell.GlyphSets) {
		fail("focus %s, shared %s, mode %d, theme %d, glyphs %d", a.focus, a.shared, a.mode, a.theme, a.glyphs)
	}
	if a.working < 0 || len(a.history.past) > historyDepth {
		fail("%d jobs under way, %d choices to undo", a.working, len(a.history.past))
	}
	for _, p := range a.panes.inOrder {
		if c, n := p.info(), p.rows(a, a.inside(p.info().id)).N; (c.row < 0 || c.row >= max(n, 1)) && (c.id != paneArchitecture || a.hasSolution()) {
			fail("the cursor of %s is at %d of %d", c.id, c.row, n)
		}
	}
	if n := slices.IndexFunc(a.jobs, func(j job.Snapshot) bool { return j.ID < 1 }); n >= 0 || len(a.jobs) > 50 {
		fail("%d jobs", len(a.jobs))
	}
	r.checkSolution(fail)
}

// checkSolution checks that the network shown is one of the space, keeps the
// limit and, once the engine has followed, the pins.
func (r *randomUser) checkSolution(fail func(string, ...any)) {
	a, s := r.App, &r.App.solution
	if s.Status == solver.Infeasible {
		return
	}
	if err := a.space().CheckPath(s.Path); err != nil {
		fail("%v", err)
	}
	if s.LatencyMS > a.limitMS+1e-9 {
		fail("%v ms shown for a limit of %v ms", s.LatencyMS, a.limitMS)
	}
	for stage, d := range a.engine.Pins.Depth {
		if d != 0 && s.Path.Depth[stage] != d {
			fail("stage %d has depth %d, is pinned to %d", stage, s.Path.Depth[stage], d)
		}
	}
	for b, mask := range a.engine.Pins.Allowed {
		if mask != 0 && a.space().Active(s.Path, b) && mask>>s.Path.Option[b]&1 == 0 {
			fail("block %d has option %d, is pinned to %b", b, s.Path.Option[b], mask)
		}
	}
}
