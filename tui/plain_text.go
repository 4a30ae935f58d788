package tui

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// show prints a pane, or "status".
func (p *plain) show(name string) error {
	a := p.app
	switch name {
	case "status":
		t, g := cell.MonoTheme(), cell.ASCIIGlyphs()
		var parts []string
		for _, s := range a.status(t, g) {
			parts = append(parts, s.text)
		}
		if pins := a.setup.PinTexts(); len(pins) > 0 {
			parts = append(parts, "pinned: "+strings.Join(pins, "; "))
		}
		p.line(strings.Join(parts, ", "))
		return nil
	case string(paneFrontier):
		return p.frontier()
	case string(paneSweep):
		return p.sweepWords(nil)
	case string(paneArchitecture):
		p.architecture()
		return nil
	}
	id := paneID(name)
	if a.panes.index(id) < 0 {
		return fmt.Errorf("pane %q: expected one of %s", name, strings.Join(paneNames(), ", "))
	}
	if id == paneBest { // they are searched where they are shown
		a.setFocus(id)
		p.do(a.askSearch())
	}
	if id == paneFit {
		a.setFocus(id)
		p.do(a.askBuiltInFit())
	}
	pane := a.panes.of(id)
	p.drawn(pane.title(a), func(s *cell.Screen) { pane.draw(a, s, cell.At(0, 0, s.W, s.H)) })
	return nil
}

// drawn prints what a pane draws, without bars and empty lines.
func (p *plain) drawn(title string, draw func(*cell.Screen)) {
	g := cell.PlainGlyphs()
	for i := range g.Bar {
		g.Bar[i] = " "
	}
	s := cell.NewScreen(100, 80, cell.MonoTheme(), g)
	draw(s)
	if title != "" {
		p.line(title + ":")
	}
	for _, line := range strings.Split(s.Plain(), "\n") {
		if line = strings.TrimRight(line, " "); line != "" {
			p.line(line)
		}
	}
}

func (p *plain) architecture() {
	a := p.app
	if !a.hasSolution() {
		p.line("no network fits this budget")
		return
	}
	space := a.space()
	p.line(a.sizeText())
	for _, row := range a.decisions() {
		pinned, was := "", ""
		if a.pinned(row) {
			pinned = ", pinned"
		}
		if row.block < 0 {
			if d, ok := a.compare.depthDiffers(row.stage, a.solution.Path.Depth[row.stage]); ok {
				was = fmt.Sprintf(", was %d", d)
			}
			p.line(fmt.Sprintf("stage %d: depth %d%s%s", row.stage+1, a.solution.Path.Depth[row.stage], pinned, was))
			continue
		}
		option := a.solution.Path.Option[row.block]
		if text, ok := a.compare.optionDiffers(row.block, option, space); ok {
			was = ", was " + optionWords(text)
		}
		p.line(fmt.Sprintf("  %s: %s, %s ms, %s points%s%s", row.label(space), optionWords(space.Options[option].String()),
			a.ms(a.engine.Table.BlockMS[row.block*space.NumOptions()+option]), cell.Signed(a.detail.blockGain(row.block), 2, cell.ASCIIGlyphs()), pinned, was))
	}
	p.line("fixed parts: " + a.ms(a.engine.Table.FixedMS) + " ms")
}

func (p *plain) explain(args []string) error {
	a := p.app
	if len(args) > 0 {
		if err := p.goTo(args); err != nil {
			return err
		}
	}
	if q, ok := a.question(); ok && q != a.whatIf.answered {
		a.whatIf.asked = q
		p.do(a.answerWhatIf(askMsg{q}))
	}
	return p.show(string(paneWhy))
}

// frontierRows is how many networks of the frontier the plain mode prints.
const frontierRows = 20

func (p *plain) frontier() error {
	a := p.app
	if err := p.noFrontier(); err != nil {
		return err
	}
	n := len(a.frontier.Points)
	rows := min(n, frontierRows)
	p.line(fmt.Sprintf("%d networks, none beaten by another%s; here %d of them:", n, a.frontierLimits(), rows))
	for i := range rows {
		q := a.frontier.Points[i*(n-1)/max(1, rows-1)]
		p.line(fmt.Sprintf("%s ms: %s %%", a.ms(q.LatencyMS), cell.Number(q.Accuracy, 2)))
	}
	return nil
}

func (p *plain) noFrontier() error {
	switch a := p.app; {
	case a.frontier == nil:
		return fmt.Errorf("a %s predictor has no exact frontier: predictor chooses another", a.engine.Predictor.Kind())
	case len(a.frontier.Points) == 0:
		return fmt.Errorf("no network keeps the limits at any budget: show limits")
	}
	return nil
}

func (p *plain) sweepWords(args []string) error {
	a := p.app
	if err := p.noFrontier(); err != nil {
		return err
	}
	if a.limited() {
		p.line("of the networks that keep " + a.engine.LimitsText() + ":")
	}
	var only decision
	if len(args) > 0 {
		d, _, err := p.where(args)
		if err != nil {
			return err
		}
		only = d
	}
	for row := range a.numDecisions() {
		if len(args) == 0 || a.decision(row) == only {
			p.line(a.switches(40, a.decision(row), cell.ASCIIGlyphs()))
		}
	}
	return nil
}

// tellDialog prints what a dialog asks; those that only show something are
// printed and closed.
func (p *plain) tellDialog() {
	a := p.app
	switch d := a.dialog.(type) {
	case nil:
	case *menu:
		p.line(d.Title + ": the number or the name of one, or an empty line for none")
		n := 0
		for _, it := range d.Items {
			if it.Head {
				p.line(it.Label + ":")
				continue
			}
			n++
			p.line(strings.TrimSpace(fmt.Sprintf("%d. %s %s", n, it.Label, it.Detail)))
		}
	case *entry:
		p.line(fmt.Sprintf("%s, %san empty line for %q, \"cancel\" for nothing", d.Title, d.Prompt, strings.TrimSpace(d.Input.Value())))
	case formed:
		p.line(d.Base().Title + ": the number of a line; for a setting with + or - to change it (\"1 +\"); or an empty line for none")
		for i, row := range d.Base().Fields(a) {
			p.line(strings.TrimSpace(fmt.Sprintf("%d. %s %s", i+1, row.Label, row.Value)))
		}
		text, _ := d.Base().Status()
		p.line(text)
	default:
		p.drawn("", func(s *cell.Screen) { d.Draw(a, s) })
		a.Close()
	}
}

// answer takes the answer to the dialog that is open.
func (p *plain) answer(line string) {
	a := p.app
	switch d := a.dialog.(type) {
	case *menu:
		a.Close()
		if line == "" {
			return
		}
		if it, err := d.Named(line); err == nil {
			p.do(it.Choose(a))
		} else if p.interpret(line) != nil {
			p.line(err.Error())
			a.dialog = d
		}
	case *entry:
		a.dialog = d.Back
		switch line {
		case "cancel":
			return
		case "":
			line = d.Input.Value()
		}
		cmd, err := d.Accept(a, strings.TrimSpace(line))
		if err != nil {
			p.line(err.Error())
			a.dialog = d
			return
		}
		p.do(cmd)
	case formed:
		p.answerForm(d, line)
	}
}

func (p *plain) answerForm(d formed, line string) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		p.app.Close()
		return
	}
	rows := d.Base().Fields(p.app)
	n, err := strconv.Atoi(fields[0])
	if err != nil || n < 1 || n > len(rows) {
		p.app.Close()
		if p.interpret(line) != nil {
			p.line(fmt.Sprintf("%q: expected 1 to %d", fields[0], len(rows)))
			p.app.dialog = d
		}
		return
	}
	switch row := rows[n-1]; {
	case row.Start != nil:
		p.app.Close()
		p.do(row.Start(p.app))
	case row.Edit != nil:
		p.do(row.Edit(p.app))
	case row.Step == nil:
	case len(fields) > 1 && fields[1] == "-":
		p.do(row.Step(-1))
	default:
		p.do(row.Step(1))
	}
}

// PlainDemo prints the demo: what each step says and what it shows.
func PlainDemo(ctx context.Context, setup explore.Setup, out io.Writer) error {
	p, err := newPlain(ctx, setup, Options{}, out)
	if err != nil {
		return err
	}
	for _, step := range demoSteps() {
		for _, id := range step.actions {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if id == "play" || id == "" || id == "play-faster" {
				continue // time passes only on a screen
			}
			p.do(p.app.act(id))
			p.tellMessage()
		}
		p.line(step.caption(p.app)) // its figures are those of now
		if err := p.show("status"); err != nil {
			return err
		}
	}
	return nil
}
