package tui

import (
	"context"
	"fmt"
	"slices"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// comparison is a network kept to compare the shown one with. All methods
// work on nil, which compares with nothing.
type comparison struct {
	name      string
	path      model.Path
	latencyMS float64 // by the table in use
	accuracy  float64 // by the predictor in use

	// candidates are set where the comparison follows the budget: the most
	// accurate that keeps it is compared with.
	candidates []candidate

	deviation deviation // of path, once it is known
}

// candidate is a network that is best on another device, as it is on this one.
type candidate struct {
	path      model.Path
	latencyMS float64
	accuracy  float64
}

// snapshot is a network that the user kept, with what found it.
type snapshot struct {
	name           string
	limitMS        float64
	solution       solver.Solution // shares no memory with another
	limits         []explore.Limit // the budget first
	sensitivity    solver.Sensitivity
	points         float64          // how far the prediction may be off; 0 is not known
	unknown        *fit.Uncertainty // that is still to be asked for points; nil is none
	architecture   string
	lut, predictor string
	command        string
}

// toggleCompare keeps the network shown, or stops comparing.
func (a *App) toggleCompare() tea.Cmd {
	if a.compare != nil {
		a.record(false)
		a.compare = nil
		return a.say("stopped comparing")
	}
	return a.compareWithShown()
}

// compareWithShown keeps the network shown to compare with.
func (a *App) compareWithShown() tea.Cmd {
	if !a.hasSolution() {
		return nil
	}
	a.record(false)
	name := a.ms(a.limitMS) + " ms"
	a.compareWith(name, a.solution.Path)
	return a.say("comparing with the network at " + name + "; " + a.keyOf("compare") + " again to stop")
}

func (a *App) compareWith(name string, path model.Path) {
	a.compare = &comparison{name: name, path: path.Clone(), latencyMS: a.engine.LatencyMS(path), accuracy: a.engine.Accuracy(path)}
}

// takeSnapshot asks for a name and keeps the network shown.
func (a *App) takeSnapshot() tea.Cmd {
	if !a.hasSolution() {
		return a.warn("no network to keep")
	}
	return a.Open(form.NewEntry("Keep this network", "name: ", a.ms(a.limitMS)+" ms", func(a *App, name string) (tea.Cmd, error) {
		name = sanitize.Line(name)
		if name == "" {
			return nil, fmt.Errorf("no name given")
		}
		a.keep(name)
		a.say(fmt.Sprintf("kept as %s: %s compares with it, %s writes the report", name, a.keyOf("compare-menu"), a.keyOf("report")))
		return nil, nil
	}))
}

// keep adds the network shown to the snapshots; a name that is there already is
// replaced.
func (a *App) keep(name string) {
	a.record(false)
	kept := a.snapshotNow(name)
	a.snapshots = slices.Clone(a.snapshots) // undo has the others
	if i := slices.IndexFunc(a.snapshots, func(k snapshot) bool { return k.name == name }); i >= 0 {
		a.snapshots[i] = kept
		return
	}
	a.snapshots = append(a.snapshots, kept)
}

// snapshotNow is the network shown. How far its prediction may be off is asked
// for where it is not known yet: see askDeviation.
func (a *App) snapshotNow(name string) snapshot {
	k := snapshot{
		name: name, limitMS: a.limitMS, solution: a.solution, limits: a.limitRows(), sensitivity: a.detail.sensitivity, architecture: a.space().Architecture(a.solution.Path).String(),
		lut: a.engine.LUTName, predictor: a.engine.PredictorName, command: a.commandLine(),
	}
	k.solution.Path = a.solution.Path.Clone()
	if a.deviationKnown() {
		k.points = a.deviation.points
	} else {
		k.unknown = a.engine.Uncertainty
	}
	return k
}

func (a *App) openCompareMenu() tea.Cmd { return a.sources(explore.LUTs, (*App).compareMenu) }

func (a *App) compareMenu(devices []explore.Source) {
	m := &menu{Title: "Compare the network shown with"}
	head := func(text string) { m.Items = append(m.Items, item{Label: text, Head: true}) }
	add := func(label, detail string, choose func(*App) tea.Cmd) {
		m.Items = append(m.Items, item{Label: label, Detail: detail, Choose: choose})
	}
	head("Snapshots")
	add("the network shown now", "as it is at this budget", (*App).compareWithShown)
	for _, k := range a.snapshots {
		if a.space().CheckPath(k.solution.Path) == nil {
			add(k.name, fmt.Sprintf("%s ms, %s %%", a.ms(k.solution.LatencyMS), cell.Number(k.solution.Accuracy, 2)), func(a *App) tea.Cmd {
				return a.startComparison(k.name, k.solution.Path)
			})
		}
	}
	if len(a.published) > 0 {
		head("Published")
	}
	for _, p := range a.published {
		add(p.network.Name, a.ms(p.latencyMS)+" ms here", func(a *App) tea.Cmd {
			path, err := a.space().Path(p.network.Architecture)
			if err != nil {
				return a.warn(err.Error())
			}
			return a.startComparison(p.network.Name, path)
		})
	}
	head("The best for another device, within this budget here")
	for _, source := range devices {
		if source.Name != a.engine.LUTName {
			add(source.Name, "", func(a *App) tea.Cmd { return a.compareWithDevice(source.Name) })
		}
	}
	if a.compare != nil {
		head("Nothing")
		add("stop comparing", "with "+a.compare.name, (*App).toggleCompare)
	}
	m.Settle()
	a.dialog = m
}

func (a *App) startComparison(name string, path model.Path) tea.Cmd {
	a.record(false)
	a.compareWith(name, path)
	a.say("comparing with " + name + "; " + a.keyOf("compare") + " to stop")
	a.setFocus(paneCompare)
	return nil
}

// compareWithDevice computes, in the background, the networks that are best on
// another device, and what they cost here.
func (a *App) compareWithDevice(name string) tea.Cmd {
	ctx, engine, generation := a.ctx, a.engine, a.generation
	return a.background(func() func() tea.Cmd {
		found, err := bestElsewhere(ctx, engine, name)
		return func() tea.Cmd {
			switch {
			case generation != a.generation:
			case err != nil:
				a.warn(err.Error())
			default:
				a.record(false)
				a.compare = &comparison{name: "best for " + name, candidates: found}
				a.compare.follow(a.limitMS)
				a.say("comparing with the " + a.compare.name + " that keeps the budget here")
				a.setFocus(paneCompare)
			}
			return nil
		}
	})
}

func bestElsewhere(ctx context.Context, here *explore.Engine, name string) ([]candidate, error) {
	setup, err := explore.Load(here.Profile, name, here.PredictorName)
	if err != nil {
		return nil, err
	}
	if setup.Space.Name != here.Space.Name {
		return nil, fmt.Errorf("%s is of %s, this space is %s", name, setup.Space.Name, here.Space.Name)
	}
	setup.Inactive, setup.Limits = here.Inactive, here.Limits
	there, err := explore.New(ctx, setup)
	if err != nil {
		return nil, err
	}
	points, _, err := there.Pareto(ctx, 1)
	if err != nil {
		return nil, err
	}
	out := make([]candidate, len(points))
	for i, p := range points {
		out[i] = candidate{p.Path, here.LatencyMS(p.Path), here.Accuracy(p.Path)}
	}
	return out, nil
}

// follow moves a comparison that depends on the budget.
func (c *comparison) follow(limitMS float64) {
	if c == nil || c.candidates == nil {
		return
	}
	best := -1
	for i, k := range c.candidates {
		if k.latencyMS <= limitMS && (best < 0 || k.accuracy > c.candidates[best].accuracy) {
			best = i
		}
	}
	if c.path = (model.Path{}); best >= 0 {
		k := c.candidates[best]
		c.path, c.latencyMS, c.accuracy = k.path, k.latencyMS, k.accuracy
	}
}

// predict brings the comparison to an engine of the same space: what blocks that
// are off add may have changed.
func (c *comparison) predict(e *explore.Engine) {
	if c == nil {
		return
	}
	for i, k := range c.candidates {
		c.candidates[i] = candidate{k.path, e.LatencyMS(k.path), e.Accuracy(k.path)}
	}
	if !c.empty() {
		c.latencyMS, c.accuracy = e.LatencyMS(c.path), e.Accuracy(c.path)
	}
}

// named is the name of what is compared with, if anything.
func (c *comparison) named() []string {
	if c == nil {
		return nil
	}
	return []string{c.name}
}

// empty reports a comparison without a network: none keeps the budget.
func (c *comparison) empty() bool { return c == nil || len(c.path.Depth) == 0 }

func (c *comparison) depthDiffers(stage, depth int) (was int, differs bool) {
	if c.empty() || stage >= len(c.path.Depth) || c.path.Depth[stage] == depth {
		return 0, false
	}
	return c.path.Depth[stage], true
}

// optionDiffers reports a block whose option is another in the comparison, and
// what it is there.
func (c *comparison) optionDiffers(block, option int, space *model.Space) (was string, differs bool) {
	if c.empty() || block >= len(c.path.Option) {
		return "", false
	}
	if !space.Active(c.path, block) {
		return "off", true
	}
	if o := c.path.Option[block]; o != option {
		return space.Options[o].String(), true
	}
	return "", false
}
