package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/term"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
)

// Options are the explorer's settings. The zero value works.
type Options struct {
	LimitMS   float64  // budget to start with; 0 is that of the last start
	State     State    // of the last start
	Keys      []byte   // the user's key table, JSON
	ASCII     bool     // the terminal shows ASCII alone
	Notes     []string // to be told at the start
	Library   string   // ONNX Runtime to measure with; "" looks in the usual places
	IdleFile  string   // for tests: a line is added each time nothing is left to do
	TestPanic string   // for tests: where ctrl+\ panics: update, view or command
	Tour      bool     // begin with the guided tour
	DemoSpeed float64  // play the demo, this much faster than usual; 0 does not
}

// ErrSignal says that a signal other than an interrupt ended the explorer.
var ErrSignal = errors.New("ended by a signal")

// endSignals end the explorer in order. SIGABRT is here where it is sent; where the
// process itself aborts nothing is left to restore the terminal.
var endSignals = []os.Signal{syscall.SIGTERM, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGABRT}

// Run shows the explorer until the user quits. The terminal is restored on
// every way out. It returns an error that wraps ErrSignal after a signal.
func Run(ctx context.Context, setup explore.Setup, opts Options) error {
	engine, err := explore.New(ctx, setup)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	app := newApp(ctx, engine, opts)
	if w, h, err := term.GetSize(os.Stdout.Fd()); err == nil {
		app.resize(w, h) // the first frame need not wait to be told
	}
	var root tea.Model = app
	if opts.IdleFile != "" {
		f, err := os.OpenFile(opts.IdleFile, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		root = &idleReporter{app: app, to: f}
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, slices.Concat(suspendSignals, endSignals)...)
	defer signal.Stop(signals)
	var suspending atomic.Bool

	start := time.Now()
	mouse := filterMouse(func() int64 { return int64(time.Since(start)) })
	safe := &recovering{Model: root}
	p := tea.NewProgram(safe, tea.WithoutSignalHandler(), tea.WithFilter(func(m tea.Model, msg tea.Msg) tea.Msg {
		switch msg.(type) {
		case tea.SuspendMsg:
			suspending.Store(true)
		case tea.ResumeMsg:
			suspending.Store(false)
		}
		return mouse(m, msg)
	}))

	safe.quit = p.Quit
	app.runner.Publish = func(s job.Snapshot) { p.Send(jobMsg(s)) }

	ended := make(chan error, 1)
	done := make(chan struct{})
	defer close(done)
	go beat(app.runner, done)
	go relaySignals(p, signals, &suspending, ended, done)

	_, err = p.Run()
	cancel()
	app.runner.CancelAll()
	if e := app.state().save(); e != nil && err == nil {
		fmt.Fprintf(os.Stderr, "the explorer's state was not saved: %v\n", e)
	}
	if e := safe.err(); e != nil {
		return e
	}
	select {
	case why := <-ended:
		return why
	default:
	}
	if errors.Is(err, tea.ErrInterrupted) {
		return context.Canceled
	}
	return err
}

// beat lets the time of jobs go on, once a second.
func beat(r *job.Runner, done <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
			r.Beat()
		}
	}
}

// relaySignals turns signals into messages: the library restores the screen,
// the caller learns the reason.
func relaySignals(p *tea.Program, signals <-chan os.Signal, suspending *atomic.Bool, ended chan<- error, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		case s := <-signals:
			if slices.Contains(suspendSignals, s) {
				if suspending.Load() {
					stopProcess() // sent by the library, which has restored the screen
				} else {
					p.Send(tea.SuspendMsg{})
				}
				continue
			}
			if s == syscall.SIGINT {
				ended <- context.Canceled
			} else {
				ended <- fmt.Errorf("%w: %v", ErrSignal, s)
			}
			p.Quit()
			return
		}
	}
}

// idleReporter wraps the App for tests of the whole program: it writes a line
// each time every message has been handled, no background work is left and
// the frame has had time to reach the terminal.
type idleReporter struct {
	app     *App
	to      io.Writer
	changes int
}

type idleMsg struct{ changes int }

// idleAfter is longer than two frames of the renderer.
const idleAfter = 40 * time.Millisecond

func (r *idleReporter) Init() tea.Cmd { return tea.Batch(r.app.Init(), r.later()) }

func (r *idleReporter) View() tea.View { return r.app.View() }

func (r *idleReporter) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	if idle, ok := msg.(idleMsg); ok {
		if idle.changes == r.changes && r.app.working == 0 {
			fmt.Fprintf(r.to, "idle %d %dx%d frame=%d\n", r.changes, r.app.width, r.app.height, r.app.frames)
		}
		return r, nil
	}
	_, cmd := r.app.Update(msg)
	r.changes++
	return r, tea.Batch(cmd, r.later())
}

func (r *idleReporter) later() tea.Cmd {
	n := r.changes
	return tea.Tick(idleAfter, func(time.Time) tea.Msg { return idleMsg{n} })
}
