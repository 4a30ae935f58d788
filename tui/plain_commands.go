package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
)

// word is a command of the plain mode that takes arguments. Every action of the
// key table is a command too, under its own name.
type word struct {
	name, args, help string
	do               func(*plain, []string) error
}

func plainWords() []word {
	return []word{
		{"budget", "LIMIT", "set the budget: budget 5ms, 4500us, or a number of milliseconds", (*plain).budget},
		{"+", "[N]", "raise the budget by N steps", func(p *plain, args []string) error { return p.step(args, 1) }},
		{"-", "[N]", "lower the budget by N steps", func(p *plain, args []string) error { return p.step(args, -1) }},
		{"status", "", "what the budget buys", func(p *plain, _ []string) error { return p.show("status") }},
		{"show", "[PANE]", "a pane as text: " + strings.Join(paneNames(), ", "), func(p *plain, args []string) error {
			return p.show(first(args, "architecture"))
		}},
		{"explain", "[WHERE]", "why a decision is what it is, and what others would cost: explain 2.1", (*plain).explain},
		{"frontier", "", "the frontier in twenty networks", func(p *plain, _ []string) error { return p.show("frontier") }},
		{"sweep", "[WHERE]", "where a decision, or each, switches over the budgets", (*plain).sweepWords},
		{"pin", "[WHERE [WHAT]]", "hold a decision: pin 2.1 e=4 k=5 se=on, pin stage 2 depth 3; without WHAT as it is; without WHERE that under the cursor", (*plain).pin},
		{"free", "WHERE", "free a decision: free 2.1, free stage 2", (*plain).free},
		{"go", "WHERE", "put the cursor on a decision, for the actions that work there", (*plain).goTo},
		{"compare", "[NAME]", "compare with the network shown, or with a snapshot, published network or device", (*plain).compareWord},
		{"keep", "NAME", "keep the network shown under a name", (*plain).keepWord},
		{"copy", "[KIND]", "print what the copy menu copies: string, json, command, timm", (*plain).copyWord},
		{"report", "[FILE]", "write the session as a report", (*plain).reportWord},
		{"filter", "[TEXT]", "filter the published networks", func(p *plain, args []string) error {
			p.app.panes.published.filter = strings.Join(args, " ")
			return p.show("published")
		}},
		{"play", "", "walk the budget from here to the end and say what changes where", (*plain).playWord},
		{"help", "[WORD]", "this list, or what matches a word", (*plain).help},
		{"tour", "", "the guided tour, as text", func(p *plain, _ []string) error {
			for i, s := range tourSteps() {
				p.line(fmt.Sprintf("%d. %s. %s", i+1, s.title, s.text(p.app)))
			}
			return nil
		}},
		{"quit", "", "end", func(p *plain, _ []string) error { p.finished = true; return nil }},
	}
}

// status prints what was done, and what the budget buys now.
func (p *plain) status() error {
	p.tellMessage()
	return p.show("status")
}

func first(args []string, otherwise string) string {
	if len(args) > 0 {
		return args[0]
	}
	return otherwise
}

func paneNames() []string {
	var out []string
	for _, p := range newPanes().inOrder {
		out = append(out, string(p.info().id))
	}
	return out
}

// interpret does a line: a word, a limit, or the name of an action.
func (p *plain) interpret(line string) error {
	fields := strings.Fields(line)
	head, args := strings.ToLower(fields[0]), fields[1:]
	if c := head[0]; len(head) > 1 && (c == '+' || c == '-') { // +5
		head, args = head[:1], append([]string{head[1:]}, args...)
	}
	words := plainWords()
	if i := slices.IndexFunc(words, func(w word) bool { return w.name == head }); i >= 0 {
		return words[i].do(p, args)
	}
	if c := head[0]; c >= '0' && c <= '9' {
		return p.budget(fields)
	}
	id, err := p.action(head)
	if err != nil {
		return err
	}
	limit, pane := p.app.limitMS, p.app.focus
	p.do(p.app.act(id))
	if p.app.limitMS != limit {
		return p.status()
	}
	if p.app.focus != pane && p.app.dialog == nil {
		return p.show(string(p.app.focus))
	}
	return nil
}

// action is the action of a name or of the beginning of one name alone.
func (p *plain) action(name string) (string, error) {
	var found []string
	for _, b := range p.app.keys.bindings {
		if b.id == name || slices.Contains(b.keys, name) {
			return b.id, nil
		}
		if strings.HasPrefix(b.id, name) {
			found = append(found, b.id)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return "", fmt.Errorf("%q: help lists the commands", name)
	}
	return "", fmt.Errorf("%q: expected one of %s", name, strings.Join(found, ", "))
}

func (p *plain) budget(args []string) error {
	cmd, err := p.app.typedBudget(strings.Join(args, " "))
	if err != nil {
		return err
	}
	p.do(cmd)
	return p.status()
}

func (p *plain) step(args []string, sign int) error {
	n, err := strconv.Atoi(first(args, "1"))
	if err != nil || n < 1 || n > 10000 {
		return fmt.Errorf("%q: expected a number of steps", first(args, ""))
	}
	p.do(budgetStep(sign * n)(p.app))
	return p.status()
}

// where reads a decision: 2.1, or stage 2; rest is what follows.
func (p *plain) where(args []string) (d decision, rest []string, err error) {
	space := p.app.space()
	bad := fmt.Errorf("expected a block such as 2.1 or a stage such as \"stage 2\", stages 1 to %d, blocks 0 to %d", len(space.Stages), space.MaxDepth-1)
	if len(args) == 0 {
		return d, nil, bad
	}
	if strings.ToLower(args[0]) == "stage" {
		if args = args[1:]; len(args) == 0 {
			return d, nil, bad
		}
	}
	stage, block, isBlock := strings.Cut(args[0], ".")
	s, err := strconv.Atoi(stage)
	if err != nil || s < 1 || s > len(space.Stages) {
		return d, nil, bad
	}
	if !isBlock {
		return decision{s - 1, -1}, args[1:], nil
	}
	k, err := strconv.Atoi(block)
	if err != nil || k < 0 || k >= space.MaxDepth {
		return d, nil, bad
	}
	return decision{s - 1, (s-1)*space.MaxDepth + k}, args[1:], nil
}

// decisionWhere is a decision as where reads it.
func decisionWhere(space *model.Space, d decision) string {
	return strings.TrimPrefix(d.label(space), "stage ")
}

func (p *plain) goTo(args []string) error {
	d, _, err := p.where(args)
	if err != nil {
		return err
	}
	i := slices.Index(p.app.decisions(), d)
	if i < 0 {
		return fmt.Errorf("%s is switched off at this budget", d.label(p.app.space()))
	}
	p.app.panes.architecture.goTo(p.app, i)
	return nil
}

// pin holds a decision; what is left unsaid of a block stays free.
func (p *plain) pin(args []string) error {
	a := p.app
	if row, ok := a.current(); ok && len(args) == 0 {
		args = []string{decisionWhere(a.space(), row)}
	}
	d, rest, err := p.where(args)
	if err != nil {
		return err
	}
	pins, label := a.setup.PinsToChange(), d.label(a.space())
	if d.block < 0 {
		depth := strconv.Itoa(a.solution.Path.Depth[d.stage])
		if rest = slices.DeleteFunc(rest, func(s string) bool { return s == "depth" }); len(rest) > 0 {
			depth = strings.TrimPrefix(rest[0], "depth=")
		}
		n, err := strconv.Atoi(depth)
		if err != nil || n < a.space().MinDepth || n > a.space().MaxDepth {
			return fmt.Errorf("%s: depth %q: expected %d to %d", label, depth, a.space().MinDepth, a.space().MaxDepth)
		}
		pins.Depth[d.stage] = n
		p.do(a.setPins(pins, fmt.Sprintf("%s has depth %d", label, n)))
		return p.status()
	}
	mask, err := p.optionMask(d, rest)
	if err != nil {
		return fmt.Errorf("%s: %w", label, err)
	}
	pins.Allowed[d.block] = mask
	p.do(a.setPins(pins, label+" → "+strings.Join(a.optionNames(mask), " or ")))
	return p.status()
}

// optionMask are the options that the words allow: k=5 e=3 se=on, or k5 e3 se.
func (p *plain) optionMask(d decision, words []string) (uint64, error) {
	space := p.app.space()
	if len(words) == 0 {
		if !space.Active(p.app.solution.Path, d.block) {
			return 0, fmt.Errorf("it is switched off at this budget: say what to pin, such as e=4")
		}
		return 1 << p.app.solution.Path.Option[d.block], nil
	}
	return explore.OptionMask(space, words)
}

func (p *plain) free(args []string) error {
	d, _, err := p.where(args)
	if err != nil {
		return err
	}
	pins := p.app.setup.PinsToChange()
	d.hold(&pins, free)
	p.do(p.app.setPins(pins, d.label(p.app.space())+" freed"))
	return p.status()
}

func (p *plain) help(args []string) error {
	about := strings.ToLower(strings.Join(args, " "))
	list := func(name, help string) {
		if text := name + ": " + help; strings.Contains(strings.ToLower(text), about) {
			p.line(text)
		}
	}
	for _, w := range plainWords() {
		list(strings.TrimSpace(w.name+" "+w.args), w.help)
	}
	for _, pane := range p.app.panes.inOrder {
		list("show "+string(pane.info().id), pane.info().question)
	}
	for _, b := range p.app.keys.bindings {
		if !slices.ContainsFunc(plainWords(), func(w word) bool { return w.name == b.id }) {
			list(b.id, b.help)
		}
	}
	return nil
}

func (p *plain) copyWord(args []string) error {
	kinds := map[string]string{"string": "copy", "json": "json", "command": "command", "timm": "timm"}
	kind := strings.ToLower(first(args, "string"))
	if _, ok := kinds[kind]; !ok {
		return fmt.Errorf("copy %s: expected string, json, command or timm", kind)
	}
	if !p.app.hasSolution() {
		return fmt.Errorf("no network fits this budget")
	}
	switch kind {
	case "json":
		p.do(p.app.copyJSON())
	case "command":
		p.do(p.app.copyCommand())
	case "timm":
		p.do(p.app.copyDefinition())
	default:
		p.do(p.app.copyArchitecture())
	}
	return nil
}

func (p *plain) keepWord(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("keep: expected a name")
	}
	if !p.app.hasSolution() {
		return fmt.Errorf("no network fits this budget")
	}
	p.app.keep(strings.Join(args, " "))
	p.do(p.app.askDeviation())
	p.line("kept as " + strings.Join(args, " "))
	return nil
}

func (p *plain) reportWord(args []string) error {
	cmd, err := p.app.writeReport(first(args, "binas-report.md"))
	if err != nil {
		return err
	}
	p.do(cmd)
	return nil
}

// compareWord compares with what has the name, by the items of the menu.
func (p *plain) compareWord(args []string) error {
	if len(args) == 0 {
		p.do(p.app.toggleCompare())
		return nil
	}
	p.do(p.app.openCompareMenu())
	m := p.app.dialog.(*menu)
	p.app.Close()
	it, err := m.Named(strings.Join(args, " "))
	if err != nil {
		return err
	}
	p.do(it.Choose(p.app))
	p.tellMessage()
	return p.show("compare")
}

func (p *plain) playWord([]string) error {
	a := p.app
	p.do(a.togglePlay())
	a.message = ""
	for a.play.on {
		_, cmd := a.Update(playMsg{a.play.generation})
		p.do(cmd)
		p.tellMessage()
	}
	return p.status()
}
