package tui

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// plain is the explorer line by line, for screen readers and terminals that
// cannot move the cursor: the same App, the same table of actions, no screen.
// A command is read, done to its end, and its outcome printed.
type plain struct {
	app    *App
	out    io.Writer
	prompt bool // a person types: print a prompt

	mu       sync.Mutex
	arrived  []tea.Msg // of jobs, which run on
	finished bool
}

// maxPlainLine bounds a command.
const maxPlainLine = 1 << 16

// RunPlain reads commands from in until its end or "quit", and prints what they
// do. prompt prints a prompt before each. It ends early with the context.
func RunPlain(ctx context.Context, setup explore.Setup, opts Options, in io.Reader, out io.Writer, prompt bool) error {
	p, err := newPlain(ctx, setup, opts, out)
	if err != nil {
		return err
	}
	p.prompt = prompt
	defer p.app.runner.CancelAll()
	p.tellMessage()
	p.line("Commands: help lists them, quit ends.")
	p.show("status")
	lines, failed := readLines(in)
	for !p.finished {
		if p.prompt {
			fmt.Fprint(p.out, "> ")
		}
		flush(p.out)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case line, more := <-lines:
			if !more {
				return <-failed
			}
			p.command(line)
		}
	}
	if err := p.app.state().save(); err != nil {
		p.line("the state was not saved: " + err.Error())
	}
	return nil
}

func newPlain(ctx context.Context, setup explore.Setup, opts Options, out io.Writer) (*plain, error) {
	engine, err := explore.New(ctx, setup)
	if err != nil {
		return nil, err
	}
	opts.Tour, opts.DemoSpeed = false, 0
	app := newApp(ctx, engine, opts)
	app.glyphs, app.theme = glyphsIndex("ascii"), themeIndex("mono")
	app.plain = true
	app.resize(100, 60)
	p := &plain{app: app, out: out}
	app.services.tick = func(time.Duration, tea.Msg) tea.Cmd { return nil } // nothing moves by itself
	app.services.copy = func(text, what string) tea.Cmd {
		for l := range strings.Lines(text) {
			fmt.Fprintln(out, sanitize.Line(strings.TrimSuffix(l, "\n")))
		}
		return nil
	}
	app.runner.Publish = func(s job.Snapshot) {
		p.mu.Lock()
		p.arrived = append(p.arrived, jobMsg(s))
		p.mu.Unlock()
	}
	p.do(app.Init())
	return p, nil
}

// readLines reads lines in a goroutine, so that the end of the context need not
// wait for one.
func readLines(in io.Reader) (<-chan string, <-chan error) {
	lines, failed := make(chan string), make(chan error, 1)
	go func() {
		s := bufio.NewScanner(in)
		s.Buffer(make([]byte, 4096), maxPlainLine)
		for s.Scan() {
			lines <- s.Text()
		}
		err := s.Err()
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("standard input: a line of more than %d bytes", maxPlainLine)
		}
		failed <- err
		close(lines)
	}()
	return lines, failed
}

// flush hands what was printed to the reader, where the writer keeps it back.
func flush(w io.Writer) {
	if f, ok := w.(interface{ Flush() error }); ok {
		_ = f.Flush()
	}
}

func (p *plain) line(text string) { fmt.Fprintln(p.out, plainText(text)) }

// plainText is a text without signs that a screen reader stumbles over.
func plainText(s string) string {
	return cell.PlainGlyphs().Written(s)
}

// do runs a command of the App to its end, and what follows from it.
func (p *plain) do(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case nil:
	case tea.BatchMsg:
		for _, c := range msg {
			p.do(c)
		}
	case tea.QuitMsg:
		p.finished = true
	case panicMsg:
		panic(msg.value)
	default:
		_, next := p.app.Update(msg)
		p.do(next)
	}
}

// takeIn tells the App what jobs have become since the last command.
func (p *plain) takeIn() {
	p.mu.Lock()
	arrived := p.arrived
	p.arrived = nil
	p.mu.Unlock()
	for _, msg := range arrived {
		_, cmd := p.app.Update(msg)
		p.do(cmd)
	}
}

func (p *plain) command(line string) {
	asked := p.app.dialog
	p.takeIn()
	p.tellMessage() // of a job that has ended meanwhile
	if p.app.dialog != asked {
		p.tellDialog() // the line is no answer to it
	}
	line = strings.TrimSpace(sanitize.Line(line))
	if asked != nil && p.app.dialog == asked {
		p.answer(line)
	} else if line != "" {
		if err := p.interpret(line); err != nil {
			p.line("not understood: " + err.Error())
			return
		}
	}
	p.takeIn()
	p.tellMessage()
	p.tellDialog()
}

func (p *plain) tellMessage() {
	if p.app.message != "" {
		p.line(p.app.message)
		p.app.message = ""
	}
}
