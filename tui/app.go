package tui

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// optimizerMode is what answers the budget.
type optimizerMode int

const (
	modeCertified optimizerMode = iota // BCFW, certified and where short replaced by the exact search
	modeIQCP
	modeBCFW
	modeEvolution
	modeCount
)

var modeNames = [modeCount]string{"BCFW, certified", "IQCP", "BCFW alone", "evolution"}

// look is how the screen is drawn, and whether it takes the mouse.
type look struct {
	theme, glyphs int // indices
	themeChosen   bool
	mouseOff      bool
}

// App is the one Bubble Tea model of the explorer. It holds what several parts of
// the screen share; panes hold the rest, and drawing changes neither.
// Update never reads files and never waits: solving takes microseconds, and
// what takes longer runs as a command whose result carries a generation.
type App struct {
	ctx  context.Context
	opts Options

	width, height int
	layout        layout
	screen        *cell.Screen
	look
	fewColours bool   // the terminal has 16 or fewer
	frame      string // the last rendered frame
	dirty      bool   // the frame is older than the state
	frames     int

	engine           *explore.Engine
	setup            explore.Setup // the latest asked for; the engine follows
	generation       int           // results for an older one are dropped
	engineGeneration int           // of engine; another than generation while the next is prepared
	cancel           context.CancelFunc
	evoCancel        context.CancelFunc
	working          int // background jobs under way

	limitMS   float64
	limitOf   map[string]float64 // the last budget on tables that were left
	mode      optimizerMode
	answer    explore.LiveAnswer
	evolved   solver.Solution // the last answer of evolution
	solution  solver.Solution // the one shown; shares memory with one of the above
	detail    detail
	deviation deviation // of it
	deviating bool      // one is being computed
	stopwatch stopwatch
	scale     scale // of the architecture's bars

	frontier  *solver.Frontier     // nil until some of it is there
	coming    bool                 // the frontier has points that are not known yet
	effects   []solver.StageEffect // of the engine, per stage
	published []publishedPoint

	panes     panes
	focus     paneID
	shared    paneID // in the slot that several panes share
	zoomed    bool   // the focused pane has the whole body
	play      play
	search    search
	dragging  bool
	compare   *comparison
	snapshots []snapshot
	kept      map[string]explore.Kept // on the device, by keptKey
	whatIf    whatIf
	tour      tour
	tourSeen  bool
	demo      demo
	dialog    dialog
	parents   []dialog // that esc goes back to, the outermost first
	waiting   []dialog // to open when that is closed
	message   string
	warning   bool
	history   history
	keys      *keymap

	runner   *job.Runner
	services services
	jobs     []job.Snapshot  // in the order they were started
	works    map[string]work // of jobs that can be started again, by name
	method   methodChoices
	results  results
	builtIn  builtInFit

	first       tea.Cmd // of Init
	askedToQuit bool    // while a job runs
	plain       bool    // no screen: texts name actions, not keys
	panicInView bool    // asked for by a test
}

func newApp(ctx context.Context, engine *explore.Engine, opts Options) *App {
	a := &App{ctx: ctx, opts: opts, panes: newPanes(), focus: paneArchitecture, shared: paneContributions, dirty: true, runner: &job.Runner{}, services: machineServices(), method: newMethodChoices(), limitOf: map[string]float64{}}
	keys, err := newKeymap(a.panes, opts.Keys)
	if err != nil {
		opts.Notes = append(opts.Notes, err.Error())
	}
	a.keys = keys
	if len(opts.Notes) > 0 {
		a.warn(strings.Join(opts.Notes, "; "))
	}
	a.theme, a.themeChosen = themeIndex(opts.State.Theme), opts.State.Theme != ""
	if dark, known := backgroundByEnvironment(); known {
		a.fitTheme(dark)
	}
	if noColour() {
		a.theme = themeIndex("mono")
	}
	a.glyphs = glyphsIndex(opts.State.Glyphs)
	if opts.ASCII {
		a.glyphs = glyphsIndex("ascii")
	}
	a.mouseOff = opts.State.MouseOff
	if p := opts.State.Pane; a.panes.index(p) >= 0 {
		a.focus = p
	}
	a.panes.contributions.sort = contributionSort(min(max(opts.State.Sort, 0), int(sortCount)-1))
	a.setEngine(engine)
	lo, hi := engine.MinLatencyMS(), engine.MaxLatencyMS()
	limit := opts.LimitMS
	if limit == 0 && opts.State.LUT == engine.LUTName {
		limit = opts.State.LimitMS // of another table it would mean nothing
	}
	if !(limit >= lo && limit <= hi) {
		limit = startLimit(engine)
	}
	a.limitMS = limit
	a.first = tea.Batch(a.solve(), a.startFrontier())
	a.tourSeen = opts.State.TourSeen
	switch {
	case opts.DemoSpeed > 0:
		a.first = tea.Batch(a.first, a.startDemo(opts.DemoSpeed))
	case opts.Tour:
		a.openTour()
	}
	return a
}

// startLimit is the budget to begin with, in milliseconds: round, at most two fifths
// of the range, and where the prediction is inside what the predictor was fitted on.
func startLimit(e *explore.Engine) float64 {
	lo, hi := e.MinLatencyMS(), e.MaxLatencyMS()
	usual := lo + (hi-lo)*0.4
	if !e.Bilinear() || !(hi > lo) {
		return usual
	}
	round := math.Pow(10, math.Floor(math.Log10((hi-lo)/20)))
	var s solver.Solution
	for limit := math.Floor(usual/round) * round; limit >= lo; limit -= round {
		if e.Optimum(&s, limit); s.Status == solver.Optimal && !e.PredictorInfo.Extrapolates(s.Accuracy) {
			return limit
		}
	}
	return usual
}

// Init starts the work that the first frame does not wait for.
func (a *App) Init() tea.Cmd {
	return tea.Batch(a.first, a.find(a.services.runs), tea.RequestBackgroundColor)
}

// Messages of background work.
type (
	frontierMsg struct {
		generation int
		frontier   *solver.Frontier
		err        error
		more       tea.Cmd // the frontier has points that are not known yet
	}
	// doneMsg takes in what background work came to.
	doneMsg   func() tea.Cmd
	copiedMsg struct{ text string }
	failedMsg struct{ text string }
	panicMsg  struct {
		value any
		stack []byte
	}
)

func (a *App) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := a.handle(msg)
	if a.dialog == nil {
		a.parents = nil
	}
	a.openWaiting()
	a.followTour()
	for _, ask := range [...]func(*App) tea.Cmd{(*App).askWhatIf, (*App).askSearch, (*App).askBuiltInFit, (*App).askDeviation} {
		if asked := ask(a); asked != nil {
			cmd = tea.Batch(cmd, asked)
		}
	}
	a.clampCursors()
	a.preparePanes()
	return a, cmd
}

func (a *App) handle(msg tea.Msg) tea.Cmd {
	a.dirty = true
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		a.resize(msg.Width, msg.Height)
	case tea.BackgroundColorMsg:
		a.fitTheme(msg.IsDark())
	case tea.ColorProfileMsg:
		a.fitColours(msg.Profile)
	case tea.FocusMsg: // it may have changed meanwhile
		a.dirty = false
		return tea.RequestBackgroundColor
	case tea.KeyPressMsg:
		return a.key(msg)
	case tea.PasteMsg:
		if a.dialog != nil {
			return a.dialog.Paste(a, msg.Content)
		}
		return a.pasted(msg.Content)
	case tea.MouseMsg:
		return a.mouse(msg)
	case frontierMsg:
		return a.frontierComes(msg)
	case doneMsg:
		a.working--
		return msg()
	case demoMsg:
		return a.demoStepped()
	case playMsg:
		return a.played(msg)
	case askMsg:
		return a.answerWhatIf(msg)
	case searchedMsg:
		return a.searched(msg)
	case whatIfMsg:
		a.whatIfAnswered(msg)
	case jobMsg:
		return a.jobChanged(job.Snapshot(msg))
	case libraryMsg:
		*msg.finder = runtimeFinder{msg.library, msg.err, msg.hosts, true}
		if m, ok := a.dialog.(*measureMenu); ok && &m.runtimeFinder == msg.finder && m.missing() && m.Row == 0 && m.want.Host == "" && len(m.hosts) == 0 {
			m.Row = len(m.rows(a)) - 1 // nothing else can be done
		}
	case copiedMsg:
		a.say(msg.text)
	case failedMsg:
		a.warn(msg.text)
	case panicMsg:
		panic(msg) // in Update, where it ends the program in order
	default:
		a.dirty = false
	}
	return nil
}

// View returns the frame, redrawn only when the state changed.
func (a *App) View() tea.View {
	if a.width > 0 && (a.dirty || a.frame == "") {
		if a.panicInView {
			panic("asked to by a test")
		}
		a.frame = a.render()
		a.dirty = false
		a.frames++
	}
	v := tea.NewView(a.frame)
	v.AltScreen = true
	v.WindowTitle = "binas-tui"
	v.ReportFocus = true
	if !a.mouseOff {
		v.MouseMode = tea.MouseModeAllMotion
	}
	return v
}

func (a *App) resize(w, h int) {
	a.width, a.height = w, h
	a.screen = nil
	a.setFocus(a.focus) // shown on a screen of this size too
}

// glyphSet is what the screen is drawn with.
func (a *App) glyphSet() *cell.Glyphs { return cell.GlyphSets[a.glyphs] }

func (a *App) relayout() { a.layout = newLayout(a.width, a.height, view{a.focus, a.shared, a.zoomed}) }

func (a *App) render() string {
	t, g := cell.Themes[a.theme], a.glyphSet()
	if a.screen == nil || a.screen.W != a.width || a.screen.H != a.height {
		a.screen = cell.NewScreen(a.width, a.height, t, g)
	}
	s := a.screen
	s.Theme, s.Glyphs = t, g
	s.Canvas.Clear()
	if a.layout.tooSmall {
		s.Text(0, 0, a.width, t.Warn, fmt.Sprintf("too small: %dx%d needed", minWidth, minHeight))
		a.drawStatus(s, a.layout.status)
		return s.String()
	}
	a.drawHeader(s, a.layout.header)
	a.drawTrack(s)
	a.drawStatus(s, a.layout.status)
	a.drawStrip(s)
	for _, p := range a.panes.inOrder {
		a.drawPane(s, p)
	}
	a.drawHints(s, a.layout.hints)
	a.drawCaption(s)
	if a.dialog != nil {
		a.dialog.Draw(a, s)
	}
	return s.String()
}

// setEngine replaces what is explored and drops what belonged to the old one.
func (a *App) setEngine(e *explore.Engine) {
	a.generation++
	a.engine, a.setup, a.engineGeneration = e, e.Setup, a.generation
	a.frontier, a.coming = nil, false
	a.panes.frontier.hairlineMS, a.panes.frontier.halfMS = 0, 0
	a.published = publishedPoints(e)
	a.scale = newScale(e)
	a.effects = e.Effects()
	a.evolved, a.builtIn = solver.Solution{}, builtInFit{}
	if a.search.cancel != nil {
		a.search.cancel()
	}
	a.search.running, a.search.cancel = false, nil // the old engine's goes on alone until it ends
	switch {
	case a.quadratic():
		a.mode = modeIQCP
	case !e.Bilinear():
		a.mode = modeEvolution
	}
}

// rebuild prepares a changed setup in the background.
func (a *App) rebuild(s explore.Setup, then, after func(*App)) tea.Cmd {
	a.setup = s
	return a.prepare(func() (explore.Setup, error) { return s, nil }, preparation{then: then, after: after})
}

// prepare makes the engine of a setup in the background; the last one wins.
func (a *App) prepare(load func() (explore.Setup, error), p preparation) tea.Cmd {
	a.generation++
	a.cancelWork()
	ctx, cancel := context.WithCancel(a.ctx)
	a.cancel = cancel
	p.generation = a.generation
	return a.background(func() func() tea.Cmd {
		s, err := load()
		if err == nil {
			p.engine, p.free, err = newEngines(ctx, s)
		}
		return func() tea.Cmd { return a.prepared(p, err) }
	})
}

// preparation is an engine for a changed setup.
type preparation struct {
	generation int
	engine     *explore.Engine
	free       *explore.Engine // without pins, where there are some
	then       func(*App)      // more to change once it is there
	after      func(*App)      // called when it is solved
	opened     bool            // table, predictor or profile was replaced
}

// newEngines prepares a setup, and where something is pinned the same without
// pins.
func newEngines(ctx context.Context, s explore.Setup) (engine, free *explore.Engine, err error) {
	if engine, err = explore.New(ctx, s); err != nil || (s.Pins.Depth == nil && s.Pins.Allowed == nil) {
		return engine, nil, err
	}
	s.Pins = solver.Pins{}
	free, err = explore.New(ctx, s)
	return engine, free, err
}

func (a *App) cancelWork() {
	if a.cancel != nil {
		a.cancel()
		a.cancel = nil
	}
}

func (a *App) prepared(p preparation, err error) tea.Cmd {
	if p.generation != a.generation {
		return nil
	}
	if err != nil {
		a.setup, a.engineGeneration = a.engine.Setup, a.generation // the engine is as it was
		a.warn(err.Error())
		if a.coming {
			return a.startFrontier() // it was cancelled
		}
		return nil
	}
	if p.opened {
		a.record(false)
		a.limitOf[a.engine.LUTName] = a.limitMS
	}
	a.setEngine(p.engine)
	if a.whatIf.cancel != nil {
		a.whatIf.cancel()
	}
	a.whatIf = whatIf{free: p.free}
	if p.then != nil {
		p.then(a)
	}
	a.compare.predict(a.engine)
	a.limitMS = a.clampLimit(a.limitMS)
	cmd := a.solve()
	a.search.after = nil
	switch {
	case p.after == nil:
	case a.searches():
		a.search.after = p.after // what changed is known when the search has answered
	default:
		p.after(a)
	}
	return tea.Batch(cmd, a.startFrontier())
}

// frontierEvery is how often a frontier that is being computed is shown.
const frontierEvery = 60 * time.Millisecond

// startFrontier computes the whole frontier in the background. Under several
// limits that takes some time, in which what is known is shown.
func (a *App) startFrontier() tea.Cmd {
	if !a.engine.Bilinear() {
		return nil
	}
	a.cancelWork()
	ctx, cancel := context.WithCancel(a.ctx)
	a.cancel = cancel
	generation, engine := a.generation, a.engine
	a.working++
	a.coming = true
	return stream(func(publish func(frontierMsg)) frontierMsg {
		shown := time.Now()
		f, err := engine.Frontier(ctx, func(known func() solver.Frontier) {
			if time.Since(shown) >= frontierEvery {
				shown = time.Now()
				part := known()
				publish(frontierMsg{frontier: &part})
			}
		})
		return frontierMsg{frontier: f, err: err}
	}, func(msg frontierMsg, more tea.Cmd) tea.Msg {
		msg.generation, msg.more = generation, more
		return msg
	})
}

// frontierComes takes in a frontier, or the points of it that are known.
func (a *App) frontierComes(msg frontierMsg) tea.Cmd {
	if msg.more == nil {
		a.working--
	}
	if msg.generation != a.generation {
		return msg.more
	}
	if a.coming = msg.more != nil; msg.err != nil {
		if !errors.Is(msg.err, context.Canceled) {
			a.warn("the frontier is not complete: " + msg.err.Error())
		}
		return msg.more
	}
	a.frontier = msg.frontier
	return msg.more
}

// guard turns a panic of a command into a message, so that it ends in Update,
// where the terminal is restored.
func guard(cmd tea.Cmd) tea.Cmd {
	return func() (msg tea.Msg) {
		defer func() {
			if v := recover(); v != nil {
				msg = panicMsg{v, debug.Stack()}
			}
		}()
		return cmd()
	}
}

// background does work beside Update, which then calls what that returns. Work touches
// nothing of the App.
func (a *App) background(work func() func() tea.Cmd) tea.Cmd {
	a.working++
	return guard(func() tea.Msg { return doneMsg(work()) })
}

// solve answers the current budget: at once, or in the background for
// evolution.
func (a *App) solve() tea.Cmd {
	if a.engine.Bilinear() {
		a.engine.Solve(&a.answer, a.limitMS)
		a.stopwatch.took(a.mode, a.solveTime())
	}
	if a.evoCancel != nil { // of another budget, or left
		a.evoCancel()
		a.evoCancel = nil
	}
	var cmd tea.Cmd
	if a.evolving() {
		cmd = a.startEvolution()
	}
	a.show()
	return cmd
}

// show selects the solution that the mode asks for and explains it.
func (a *App) show() {
	switch {
	case a.searches():
		a.solution = a.searchSolution()
	case a.mode == modeBCFW:
		a.solution = a.answer.BCFW
	case a.evolving():
		a.solution = a.evolved
		a.solution.LimitMS = a.limitMS
		if a.engine.Bilinear() && a.hasSolution() {
			a.solution.ShadowPrice = a.answer.Exact.ShadowPrice // evolution has none of its own
		}
	default:
		a.solution = a.answer.Exact
	}
	a.compare.follow(a.limitMS)
	a.detail.explain(a)
	a.whatIf.changed(a)
}

func (a *App) startEvolution() tea.Cmd {
	generation, engine, limit := a.generation, a.engine, a.limitMS
	ctx, cancel := context.WithCancel(a.ctx)
	a.evoCancel = cancel
	return a.background(func() func() tea.Cmd {
		s, err := engine.EvolveLive(ctx, limit, 1)
		return func() tea.Cmd {
			if generation == a.generation && err == nil && limit == a.limitMS {
				a.evolved = s
				a.show()
			}
			return nil
		}
	})
}

// evolving reports that evolution answers.
func (a *App) evolving() bool { return a.mode == modeEvolution && !a.limited() }

func (a *App) hasSolution() bool { return a.solution.Status != solver.Infeasible }

// say shows a message, warn one that is set off. Nothing is left to do then: an action
// can return either.
func (a *App) say(text string) tea.Cmd {
	a.message, a.warning = sanitize.Line(text), false
	return nil
}

func (a *App) warn(text string) tea.Cmd {
	a.message, a.warning = sanitize.Line(text), true
	return nil
}

func (a *App) space() *model.Space { return a.engine.Space }
