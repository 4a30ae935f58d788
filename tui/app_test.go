package tui

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/form"
)

// driver runs an App without a terminal: messages go in, and commands are run
// to their end at once.
type driver struct {
	testing.TB
	*App
	clipboard string
	quit      bool
	still     bool // nothing happens later by itself
	blind     bool // frames are drawn only when they are looked at
}

func newDriver(t testing.TB, w, h int) *driver {
	t.Helper()
	d := newDriverWithoutFrontier(t)
	d.run(d.App.Init())
	d.send(tea.WindowSizeMsg{Width: w, Height: h})
	return d
}

func newDriverWithoutFrontier(t testing.TB) *driver {
	t.Helper()
	return newDriverWith(t, Options{LimitMS: 5})
}

func newDriverWith(t testing.TB, o Options) *driver {
	t.Helper()
	t.Setenv("SSH_TTY", "a test") // keep off the clipboard of whoever runs the tests
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := explore.New(context.Background(), setup)
	if err != nil {
		t.Fatal(err)
	}
	d := &driver{TB: t, App: newApp(context.Background(), engine, o)}
	d.App.services.tick = d.tick
	d.App.services.runs = func() []string { return nil } // keep out of the user's
	d.App.services.missingExample = func(steps.Task) string { return "" }
	d.App.services.found = func(...string) steps.Found { return steps.Found{} }
	d.App.resize(120, 40)
	return d
}

// tick does not wait; what plays moves only when a test sends a step.
func (d *driver) tick(_ time.Duration, msg tea.Msg) tea.Cmd {
	if _, ok := msg.(playMsg); ok || d.still {
		return nil
	}
	return func() tea.Msg { return msg }
}

func (d *driver) send(msg tea.Msg) {
	_, cmd := d.App.Update(msg)
	if !d.blind {
		d.App.View()
	}
	d.run(cmd)
}

func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			d.run(c)
		}
	case tea.QuitMsg:
		d.quit = true
	default:
		if text, ok := setClipboardText(msg); ok {
			d.clipboard = text
			return
		}
		d.send(msg)
	}
}

// setClipboardText is the text of Bubble Tea's unexported clipboard message.
func setClipboardText(msg tea.Msg) (string, bool) {
	if want := tea.SetClipboard("")(); want != nil && sameType(msg, want) {
		return stringOf(msg), true
	}
	return "", false
}

// press sends keys by name: "right", "shift+left", "ctrl+c", "a".
func (d *driver) press(names ...string) {
	for _, name := range names {
		d.send(keyPress(name))
	}
}

func keyPress(name string) tea.KeyPressMsg {
	k := tea.Key{}
	for _, m := range []struct {
		prefix string
		mod    tea.KeyMod
	}{{"ctrl+", tea.ModCtrl}, {"shift+", tea.ModShift}} {
		if rest, ok := strings.CutPrefix(name, m.prefix); ok {
			k.Mod |= m.mod
			name = rest
		}
	}
	codes := map[string]rune{
		"left": tea.KeyLeft, "right": tea.KeyRight, "up": tea.KeyUp, "down": tea.KeyDown, "home": tea.KeyHome, "end": tea.KeyEnd,
		"tab": tea.KeyTab, "enter": tea.KeyEnter, "esc": tea.KeyEscape, "space": tea.KeySpace, "backspace": tea.KeyBackspace,
		"pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown,
	}
	if code, ok := codes[name]; ok {
		k.Code = code
		return tea.KeyPressMsg(k)
	}
	k.Code = []rune(name)[0]
	if k.Mod == 0 {
		k.Text = name
	}
	return tea.KeyPressMsg(k)
}

// paneIDs are the names of all panes.
func (d *driver) paneIDs() (ids []paneID) {
	for _, p := range d.panes.inOrder {
		ids = append(ids, p.info().id)
	}
	return ids
}

func (d *driver) lines() []string {
	d.App.dirty = true
	d.App.View()
	return strings.Split(d.App.screen.Plain(), "\n")
}

func (d *driver) sees(text string) bool { return strings.Contains(strings.Join(d.lines(), "\n"), text) }

func (d *driver) mustSee(text string) {
	d.Helper()
	if !d.sees(text) {
		d.Errorf("no %q on the screen:\n%s", text, strings.Join(d.lines(), "\n"))
	}
}

func TestEveryMoveOfTheSliderKeepsTheLimit(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("home")
	lo, hi := d.engine.MinLatencyMS(), d.engine.MaxLatencyMS()
	last := 0.0
	for moves := 0; ; moves++ {
		s := d.solution
		if s.Status != solver.Optimal || s.LatencyMS > d.limitMS || s.Accuracy < last-1e-9 {
			t.Fatalf("limit %v ms: status %v, latency %v ms, accuracy %v after %v", d.limitMS, s.Status, s.LatencyMS, s.Accuracy, last)
		}
		last = s.Accuracy
		if d.limitMS == hi {
			if moves != d.steps() {
				t.Errorf("%d steps from %v to %v ms, the slider has %d", moves, lo, hi, d.steps())
			}
			break
		}
		d.press("right")
	}
	d.press("shift+left", "shift+right", "right", "right")
	if d.limitMS != hi {
		t.Errorf("beyond the end the limit is %v ms: want %v", d.limitMS, hi)
	}
}

// One step of the slider moves the budget line by one dot of the plot.
func TestSliderAndPlotShareTheirSteps(t *testing.T) {
	for _, size := range [][2]int{{120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		area := plotArea(d.layout.panes[paneFrontier].Inside())
		if d.steps() != 2*area.W {
			t.Errorf("%v: %d steps over %d cells", size, d.steps(), area.W)
		}
	}
}

func TestTypedBudget(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("7", ".", "5", "enter")
	if math.Abs(d.limitMS-7.5) > 1e-12 {
		t.Fatalf("typed 7.5, limit is %v ms", d.limitMS)
	}
	typeIn := func(text string) {
		for _, c := range text {
			d.press(string(c))
		}
		d.press("enter")
	}
	for text, want := range map[string]float64{"4.7": 4.7, "4.7ms": 4.7, "4500us": 4.5, "0.0047s": 4.7, " 4.6 ms ": 4.6, "4600 µs": 4.6} {
		d.press("=")
		typeIn(text)
		if d.dialog != nil || math.Abs(d.limitMS-want) > 1e-12 {
			t.Errorf("typed %q: limit %v ms, want %v", text, d.limitMS, want)
		}
	}
	before := d.limitMS
	for _, bad := range []struct{ text, want string }{
		{"1", "at least"}, {"x", "expected a number and a unit"}, {"5 m", `unit "m": expected us, ms or s`}, {"", "expected a number and a unit"}, {"1e999", "expected a finite number"},
	} {
		d.press("=", "backspace")
		typeIn(bad.text)
		d.mustSee(bad.want)
		if e := d.dialog.(*entry).Err; strings.Contains(e, "ms ms") || !strings.Contains(e, bad.text) && bad.text != "1" {
			t.Errorf("typed %q: %s", bad.text, e)
		}
		d.press("esc")
	}
	if d.limitMS != before {
		t.Errorf("a refused budget changed the limit to %v ms", d.limitMS)
	}
}

// What a field is opened with is selected: writing replaces it, moving keeps it.
func TestEntryIsSelected(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want string
	}{
		{nil, "12ms"}, {[]string{"4"}, "4"}, {[]string{"4", "5"}, "45"}, {[]string{"backspace"}, ""}, {[]string{"left", "0"}, "12m0s"}, {[]string{"end", "!"}, "12ms!"},
	} {
		d := newDriver(t, 80, 24)
		e := form.NewEntry("Limit", "at most: ", "12ms", func(*App, string) (tea.Cmd, error) { return nil, nil })
		d.dialog = e
		d.press(c.keys...)
		if got := e.Input.Value(); got != c.want {
			t.Errorf("%q: %q, want %q", c.keys, got, c.want)
		}
	}
	d := newDriver(t, 80, 24)
	e := form.NewEntry[*App]("Limit", "at most: ", "12ms", nil)
	d.dialog = e
	d.send(tea.PasteMsg{Content: "9ms"})
	if got := e.Input.Value(); got != "9ms" {
		t.Errorf("pasted over: %q", got)
	}
}

// A field shows signs that take two cells, or two runes, whole; why a text is refused is
// read whole on a narrow screen.
func TestEntryShowsWhatIsTyped(t *testing.T) {
	d := newDriver(t, 60, 16)
	long := strings.Repeat("expected something else, ", 6) + "at-last"
	e := form.NewEntry("Name", "name: ", "", func(*App, string) (tea.Cmd, error) { return nil, errors.New(long) })
	d.dialog = e
	d.send(tea.PasteMsg{Content: "日本語 e\u0301t\u00e9"})
	d.mustSee("name: 日本語 e\u0301t\u00e9")
	d.press("home", "right")
	d.mustSee("日本語")
	d.send(tea.PasteMsg{Content: strings.Repeat("語", 60) + "!"})
	d.mustSee("語!") // the cursor is behind it
	d.press("enter")
	d.mustSee("at-last")
	d.checkFits("entry")
}

func TestMouseMovesTheBudget(t *testing.T) {
	d := newDriver(t, 120, 40)
	start, n := d.trackSpan()
	y := d.layout.track.Y
	click := func(x, y int) { d.send(tea.MouseClickMsg{X: x, Y: y, Button: tea.MouseLeft}) }
	click(start, y)
	if d.limitMS != d.engine.MinLatencyMS() {
		t.Errorf("a click on the left end gave %v ms", d.limitMS)
	}
	d.send(tea.MouseMotionMsg{X: start + n/2, Y: y + 5, Button: tea.MouseLeft})
	middle := d.limitMS
	d.send(tea.MouseReleaseMsg{X: start + n - 1, Y: y, Button: tea.MouseLeft})
	if !(middle > d.engine.MinLatencyMS() && middle < d.limitMS) || d.limitMS != d.engine.MaxLatencyMS() {
		t.Errorf("dragging gave %v, then %v ms", middle, d.limitMS)
	}
	d.send(tea.MouseMotionMsg{X: start, Y: y})
	if d.limitMS != d.engine.MaxLatencyMS() {
		t.Error("moving after the release changed the budget")
	}
	d.send(tea.MouseWheelMsg{X: start, Y: y, Button: tea.MouseWheelDown})
	if !(d.limitMS < d.engine.MaxLatencyMS()) {
		t.Error("the wheel did not lower the budget")
	}
	area := plotArea(d.layout.panes[paneFrontier].Inside())
	click(area.X+area.W/2, area.Y+2)
	mid := (d.engine.MinLatencyMS() + d.engine.MaxLatencyMS()) / 2
	if math.Abs(d.limitMS-mid) > 1 || d.focus != paneFrontier {
		t.Errorf("a click in the middle of the plot gave %v ms (middle %v), focus %v", d.limitMS, mid, d.focus)
	}
	if d.press("u"); d.limitMS == mid {
		t.Error("undo left the budget where the click put it")
	}
}

func TestPinsHoldUnderEveryBudget(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("end") // the most accurate network: depth 4 nearly everywhere
	d.press("down", "space", "home")
	want := d.setup.Pins.Allowed[0]
	if want == 0 || want != 1<<d.solution.Path.Option[0] {
		t.Fatalf("block 0 is pinned to %b, has option %d", want, d.solution.Path.Option[0])
	}
	d.mustSee("1 pin")
	for range 20 {
		d.press("shift+right")
		if d.solution.Path.Option[0] != int(math.Log2(float64(want))) {
			t.Fatalf("at %v ms the pinned block has option %d", d.limitMS, d.solution.Path.Option[0])
		}
	}
	// A stage's depth, and one dimension of a block.
	d.press("up", "space")
	if d.setup.Pins.Depth[0] != d.solution.Path.Depth[0] {
		t.Fatalf("stage 1 is pinned to %d, has depth %d", d.setup.Pins.Depth[0], d.solution.Path.Depth[0])
	}
	d.press("down", "down", "K")
	kernel := d.space().Options[d.solution.Path.Option[1]].Kernel
	d.press("home")
	if got := d.space().Options[d.solution.Path.Option[1]].Kernel; got != kernel {
		t.Errorf("kernel %d was pinned, %d is used", kernel, got)
	}
	d.press("K")
	if d.setup.Pins.Allowed[1] != 0 {
		t.Errorf("K again left %b", d.setup.Pins.Allowed[1])
	}
	d.press("ctrl+u")
	if d.pinCount() != 0 {
		t.Errorf("%d pins left", d.pinCount())
	}
	d.press("u")
	if d.pinCount() != 2 {
		t.Errorf("undo brought back %d pins of 2", d.pinCount())
	}
	d.mustSee(", pinned: ")
}

// Two pins in quick succession, before the first is prepared, both hold.
func TestPinsBeforeTheEngineFollows(t *testing.T) {
	d := newDriver(t, 120, 40)
	_, first := d.App.Update(keyPress("space"))
	d.App.Update(keyPress("down"))
	_, second := d.App.Update(keyPress("space"))
	d.run(first)
	d.run(second)
	if len(d.engine.Pins.Depth) == 0 || d.engine.Pins.Depth[0] == 0 || d.engine.Pins.Allowed[0] == 0 {
		t.Errorf("pins of the engine: %+v", d.engine.Pins)
	}
}

func TestUndoAndRedo(t *testing.T) {
	d := newDriver(t, 120, 40)
	before := d.limitMS
	d.press("right", "right", "right")
	moved := d.limitMS
	d.press("u")
	if d.limitMS != before {
		t.Errorf("undo went to %v ms, moves began at %v", d.limitMS, before)
	}
	d.press("ctrl+r")
	if d.limitMS != moved {
		t.Errorf("redo went to %v ms, want %v", d.limitMS, moved)
	}
	d.press("i", "u")
	if d.engine.Inactive.String() != "mean" {
		t.Error("undo left switched-off blocks free")
	}
}

func TestOptimisersAlone(t *testing.T) {
	d := newDriver(t, 120, 40)
	best := d.solution.Accuracy
	for _, want := range []solver.Optimizer{solver.IQCP, solver.BCFW, solver.Evolution, solver.IQCP} {
		d.press("o")
		s := d.solution
		if s.Optimizer != want || s.LatencyMS > d.limitMS || s.Accuracy > best+1e-9 || s.Accuracy < best-1 {
			t.Errorf("%s: optimizer %s, %v ms of %v, accuracy %v, optimum %v", modeNames[d.mode], s.Optimizer, s.LatencyMS, d.limitMS, s.Accuracy, best)
		}
	}
}

func TestCopyIsTheArchitectureShown(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("y")
	if want := d.space().Architecture(d.solution.Path).String(); d.clipboard != want {
		t.Errorf("copied %q, shown is %q", d.clipboard, want)
	}
	d.press("Y", "down", "enter")
	if !strings.Contains(d.clipboard, `"predicted_accuracy"`) {
		t.Errorf("copied %q", d.clipboard)
	}
	d.press("Y", "down", "down", "enter")
	if !strings.HasPrefix(d.clipboard, "binas-tui search --limit 5ms ") {
		t.Errorf("copied %q", d.clipboard)
	}
}

func TestHelpShowsEveryBinding(t *testing.T) {
	d := newDriver(t, 120, 120)
	d.press("?")
	for _, b := range d.keys.bindings {
		d.mustSee(b.help)
	}
	d.press("/", "u", "n", "d", "o")
	if d.mustSee("undo the last change"); d.sees("raise the budget by one step") {
		t.Error("the search kept what does not match")
	}
	if d.press("esc"); d.dialog == nil || !d.sees("raise the budget by one step") {
		t.Error("esc did not leave the search alone")
	}
	d.press("esc")
	if d.dialog != nil {
		t.Error("esc left the help open")
	}
	d.press(":", "r", "e", "d", "o", "enter")
	d.mustSee("nothing to undo or redo")
}

func TestFrontierKeys(t *testing.T) {
	d := newDriver(t, 120, 40)
	at := d.frontier.At(d.limitMS)
	d.press(".")
	if got := d.frontier.At(d.limitMS); got != at+1 || d.solution.LatencyMS != d.frontier.Points[at+1].LatencyMS {
		t.Errorf("next network: point %d after %d", got, at)
	}
	d.press(",", ",")
	if got := d.frontier.At(d.limitMS); got != at-1 {
		t.Errorf("two back: point %d after %d", got, at+1)
	}
	d.press("tab", "up", "up", "space")
	if d.focus != paneFrontier || d.solution.LatencyMS != d.limitMS {
		t.Errorf("focus %v, latency %v at limit %v ms", d.focus, d.solution.LatencyMS, d.limitMS)
	}
}

func TestCompareMarksWhatDiffers(t *testing.T) {
	d := newDriver(t, 200, 60)
	d.press("home", "c", "end")
	d.mustSee("was 2")
	d.mustSee("was off")
	d.press("c")
	if d.sees("was 2") {
		t.Error("still comparing")
	}
	for _, size := range [][2]int{{80, 24}, {100, 30}, {120, 40}} { // the result is whole
		d := newDriver(t, size[0], size[1])
		d.press("c", "8", "enter")
		d.mustSee("+2.26 pt +2.99 ms vs 5.00 ms")
	}
}

func TestSortingTheContributions(t *testing.T) {
	d := newDriver(t, 120, 40)
	for d.focus != paneContributions {
		d.press("tab")
	}
	for range sortCount {
		e := d.panes.contributions.effects(d.App, d.glyphSet()).effects
		for i := 1; i < len(e); i++ {
			ok := map[contributionSort]bool{
				sortPerMS: worth(e[i-1].Effect) >= worth(e[i].Effect), sortAccuracy: e[i-1].Accuracy >= e[i].Accuracy,
				sortLatency: e[i-1].LatencyMS >= e[i].LatencyMS, sortStage: e[i-1].stage <= e[i].stage,
			}[d.panes.contributions.sort]
			if !ok {
				t.Errorf("sorted by %s: %+v before %+v", contributionSortNames[d.panes.contributions.sort], e[i-1], e[i])
			}
		}
		d.press("s")
	}
}

func TestStaleResultsAreDropped(t *testing.T) {
	d := newDriver(t, 120, 40)
	frontier := d.frontier
	d.working++
	d.send(frontierMsg{generation: d.generation - 1, frontier: &solver.Frontier{}})
	if d.frontier != frontier {
		t.Error("a frontier of an older setup replaced the current one")
	}
}

func TestAFailedSetupChangesNothing(t *testing.T) {
	d := newDriver(t, 120, 40)
	name, limit := d.engine.LUTName, d.limitMS
	d.run(d.openSetup("", "/no/such/table.pkl", ""))
	if d.engine.LUTName != name || d.limitMS != limit || !d.warning {
		t.Errorf("after a missing table: %s, %v ms, message %q", d.engine.LUTName, d.limitMS, d.message)
	}
	d.press("right")
	if d.solution.Status != solver.Optimal {
		t.Error("the explorer stopped solving")
	}
}

// A quadratic predictor is searched with a proof from the first frame on; where
// evolution answers instead, nothing claims one.
func TestQuadraticPredictorIsProvedOrEvolved(t *testing.T) {
	d := newDriver(t, 120, 40)
	s := d.engine.Setup
	n := s.Space.EncodingSize()
	q := &model.Quadratic{Inputs: n, Bias: 70, Linear: make([]float64, n), W: make([]float64, n*n)}
	for i := range q.Linear {
		q.Linear[i] = float64(i%7) / 10
	}
	s.Predictor, s.PredictorName, s.PredictorInfo = q, "quadratic", model.CheckpointInfo{Kind: "quadratic"}
	engine, err := explore.New(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	d.App = newApp(context.Background(), engine, Options{LimitMS: 5})
	d.App.services.tick = d.tick
	d.App.services.runs = func() []string { return nil } // keep out of the user's
	d.App.services.found = func(...string) steps.Found { return steps.Found{} }
	d.send(tea.WindowSizeMsg{Width: 120, Height: 40})
	d.run(d.App.Init())
	if d.solution.Status != solver.Optimal || d.solution.LatencyMS > 5 || d.working != 0 {
		t.Errorf("status %v, %v ms, %d jobs left", d.solution.Status, d.solution.LatencyMS, d.working)
	}
	d.mustSee("optimal")
	d.press("o")
	if d.solution.Status != solver.Feasible || d.solution.LatencyMS > 5 || d.working != 0 {
		t.Errorf("evolution: status %v, %v ms, %d jobs left", d.solution.Status, d.solution.LatencyMS, d.working)
	}
	d.mustSee("feasible, no certificate")
	if price := d.limitRows()[0].ShadowPrice; !math.IsNaN(price) {
		t.Errorf("evolution knows a price of %v", price)
	}
}
