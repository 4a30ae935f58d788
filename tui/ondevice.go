package tui

import (
	"context"
	"errors"
	"fmt"
	"time"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// onDeviceRounds is what a search on the device has measured so far.
type onDeviceRounds []explore.Round

// keepOnMachine searches on the device of the table until a limit is kept.
func keepOnMachine(ctx context.Context, library string, setup explore.Setup, r explore.OnDevice) (explore.Kept, error) {
	engine, err := explore.New(ctx, setup) // the explorer goes on with its own
	if err != nil {
		return explore.Kept{}, err
	}
	o, err := engine.DeviceOptions("")
	if err != nil {
		return explore.Kept{}, err
	}
	o.Library = library
	device, err := latency.OpenDevice(ctx, o)
	if err != nil {
		return explore.Kept{}, err
	}
	defer device.Close()
	return engine.KeepOn(ctx, device, r)
}

// startOnDevice measures networks on this machine until one keeps the budget, as
// a job that can go on after it was cancelled.
func (a *App) startOnDevice() tea.Cmd {
	if a.measuringNow() {
		return nil
	}
	services, library, setup, limit := a.services, a.opts.Library, a.setup, a.limitMS
	a.results.offered = offer{lut: a.engine.LUTName} // it learns, whatever the search comes to
	a.setFocus(paneJobs)
	return a.startAgain("limit "+a.ms(limit)+" ms on the device", work{measure: true, do: func(ctx context.Context, j *job.Job) (any, error) {
		var rounds onDeviceRounds
		start := time.Now()
		j.Progress(0, explore.MostMeasurements, 0, "opening the reference network")
		kept, err := services.keep(ctx, library, setup, explore.OnDevice{Request: explore.Request{LimitMS: limit, Seed: 1}, Round: func(r explore.Round) {
			rounds = append(rounds[:len(rounds):len(rounds)], r)
			j.Progress(r.Number, explore.MostMeasurements, job.Left(time.Since(start), len(rounds), explore.MostMeasurements-r.Number), onDeviceStatus(r))
			j.Log(fmt.Sprintf("%d. %s", r.Number, onDeviceLine(r)))
			j.Partial(rounds)
		}})
		if errors.Is(err, explore.ErrNoNetwork) {
			j.Log("the table has learnt from what was measured all the same")
		}
		return kept, err
	}})
}

func onDeviceStatus(r explore.Round) string {
	if r.Accepted != "" {
		return "the limit is kept; is there something better?"
	}
	return "looking for a network that keeps the limit"
}

// onDeviceLine says what one measurement changed.
func onDeviceLine(r explore.Round) string {
	kept := ""
	if r.Accepted == r.Architecture {
		kept = ", keeps the limit"
	}
	return fmt.Sprintf("%.3f ± %.3f ms (%.3f by the table), %.2f %%, level %.3f%s", r.EstimateMS, r.DeviationMS, r.PredictedMS, r.Accuracy, r.Level, kept)
}

// onDeviceDone tells what a search on the device has found, and shows it.
func (a *App) onDeviceDone(k explore.Kept) {
	a.results.offered = offer{lut: k.Engine.LUTName}
	if a.kept == nil {
		a.kept = map[string]explore.Kept{}
	}
	a.kept[a.keptKey(k.Engine.Setup, k.Path)] = k
	a.say(a.keptText(k) + fmt.Sprintf(", after %d measurements: %s shows the network, %s explores with what the table has learnt",
		k.Measurements, a.keyOf("job-open"), a.keyOf("use-measured")))
	a.openLater(&onDevice{kept: k})
}

// keptText is the latency that was measured and the limit that it keeps.
func (a *App) keptText(k explore.Kept) string {
	return fmt.Sprintf("kept on the device: %s ms ± %s, limit %s ms", a.ms(k.MeasuredMS), cell.Number(k.MarginMS, 1+decimalsOf(k.MarginMS)/2), a.ms(k.LimitMS))
}

// keptKey tells networks of tables apart.
func (a *App) keptKey(s explore.Setup, p model.Path) string {
	return s.LUTName + " " + s.Space.Architecture(p).String()
}

// keptHere is what was measured of the network shown, where something was.
func (a *App) keptHere() (explore.Kept, bool) {
	if len(a.kept) == 0 || !a.hasSolution() {
		return explore.Kept{}, false
	}
	k, ok := a.kept[a.keptKey(a.engine.Setup, a.solution.Path)]
	return k, ok
}

// latencyError is how far a latency by the table may be off, such as ±0.06; ""
// where the table does not know.
func (a *App) latencyError(p model.Path) string {
	if ms, ok := a.engine.LatencyDeviation(p); ok {
		return " ±" + a.ms(ms)
	}
	return ""
}

// levelText is the factor that searches on the device have found, for the header.
func levelText(s explore.Setup) string {
	switch l := s.LUT.Learnt; {
	case l.Unused != "":
		return " (what was learnt is not used)"
	case l.Set():
		return fmt.Sprintf(" ×%.3f learnt", l.Level)
	}
	return ""
}

// onDevice shows the answer of a search on the device and what was measured for
// it.
type onDevice struct {
	keysOnly
	kept explore.Kept
}

func (d *onDevice) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	switch msg.String() {
	case "esc", "q":
		a.Leave()
	case "enter":
		a.Close()
		return a.adopt(d.kept)
	case "U":
		a.Close()
		return a.useMeasured()
	case "y":
		return a.services.copy(d.kept.Engine.Space.Architecture(d.kept.Path).String(), "architecture")
	}
	return nil
}

func (d *onDevice) Hints(*App) []hint {
	return []hint{{Key: "enter", Label: "show this network (pins it)"}, {Key: "U", Label: "use what was learnt"}, {Key: "y", Label: "copy"}, {Key: "esc", Label: "close"}}
}

func (d *onDevice) Draw(a *App, s *cell.Screen) {
	t, k := s.Theme, d.kept
	r := s.Centred(min(s.W, 92), min(s.H, 12+len(k.Rounds)), "Kept on the device")
	y := r.Y
	line := func(st string, style int) {
		if y < r.Y+r.H-1 {
			s.Text(r.X+1, y, r.W-2, [...]uv.Style{t.Text, t.Dim, t.Good}[style], st)
		}
		y++
	}
	line(a.keptText(k), 2)
	line(fmt.Sprintf("with %g%% confidence, if the noise is as estimated: one measurement varies by %.1f %%", 100*k.Confidence, 100*k.Noise), 1)
	l := k.Engine.LUT.Learnt
	line(fmt.Sprintf("accuracy %s %%, %s pt below the table's best; networks take %.3f ± %.3f times what the table holds",
		cell.Number(k.Accuracy, 2), cell.Number(k.Gap(), 3), l.Level, l.SD), 0)
	if k.Stopped != "" {
		line("stopped "+k.Stopped+": something better may be left", 1)
	} else {
		line(fmt.Sprintf("nothing that %d measurements more could show to keep it is better by more than %.2f pt", explore.MoreMeasurements, explore.OnDeviceMargin), 1)
	}
	y++
	line(fmt.Sprintf("%d measurements of %d networks", k.Measurements, k.Networks), 0)
	for _, round := range k.Rounds {
		style := 1
		if round.Accepted == round.Architecture {
			style = 2
		}
		line(fmt.Sprintf("%3d. %s", round.Number, onDeviceLine(round)), style)
	}
	s.Text(r.X+1, r.Y+r.H-1, r.W-2, t.Dim, form.HintLine(d.Hints(a)))
}

// adopt shows a network that keeps the limit on the device: with the level that
// the table has learnt, and with every decision pinned.
func (a *App) adopt(k explore.Kept) tea.Cmd {
	s := a.setup
	if s.LUTName != k.Engine.LUTName || s.Space.Name != k.Engine.Space.Name {
		return a.warn("it was found with table " + k.Engine.LUTName + ", which is not the one explored")
	}
	a.record(false)
	s.LUT = k.Engine.LUT
	s.Pins = s.PinsToChange()
	for i := range a.numDecisions() {
		if d := a.decision(i); d.block >= 0 && !s.Space.Active(k.Path, d.block) {
			d.hold(&s.Pins, free)
		} else {
			d.hold(&s.Pins, d.choice(k.Path))
		}
	}
	return a.rebuild(s, nil, func(a *App) {
		a.say(a.keptText(k) + ": " + a.keyOf("unpin-all") + " frees the decisions, " + a.keyOf("undo") + " goes back")
	})
}
