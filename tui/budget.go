package tui

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	tea "charm.land/bubbletea/v2"
	uv "github.com/charmbracelet/ultraviolet"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/solver"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// steps is the number of steps of the slider: one for every dot column of the
// frontier plot, so that a step moves the budget line by one dot; in a part of the
// plot that is shown larger they are smaller.
func (a *App) steps() int {
	if w := plotArea(a.inside(paneFrontier)).W; w > 0 && !a.plain {
		x0, x1 := a.panes.frontier.span(a)
		return int(math.Round(float64(w*2) * max(1, (a.engine.MaxLatencyMS()-a.engine.MinLatencyMS())/(x1-x0))))
	}
	return 200
}

func (a *App) clampLimit(limitMS float64) float64 {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	return max(lo, min(hi, limitMS))
}

// rounded is a limit of the slider or of the plot without decimals that nobody sees: to
// a hundredth of a step or less.
func (a *App) rounded(limitMS float64) float64 {
	step := (a.engine.MaxLatencyMS() - a.engine.MinLatencyMS()) / float64(a.steps())
	if !(step > 0) {
		return limitMS
	}
	unit := math.Pow(10, math.Ceil(-math.Log10(step/50)))
	return math.Round(limitMS*unit) / unit
}

func (a *App) setLimit(limitMS float64) tea.Cmd {
	limitMS = a.clampLimit(limitMS)
	if limitMS == a.limitMS {
		return nil
	}
	a.limitMS = limitMS
	a.panes.frontier.hairlineMS = 0
	return a.solve()
}

// record notes the choices for undo before they change.
// A move by hand stops the sweep.
func (a *App) record(budgetMove bool) {
	if a.play.on {
		a.stopPlay()
	}
	a.history.before(a.choices(), budgetMove)
}

func budgetStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		a.record(true)
		lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
		steps := float64(a.steps())
		if hi <= lo {
			return nil
		}
		// Move on the grid of steps: a limit between two goes to the next one.
		at := (a.limitMS - lo) / (hi - lo) * steps
		if n > 0 {
			at = math.Floor(at+0.02) + float64(n)
		} else {
			at = math.Ceil(at-0.02) + float64(n)
		}
		return a.setLimit(a.rounded(lo + (hi-lo)*at/steps))
	}
}

func (a *App) budgetLeast() tea.Cmd {
	a.record(true)
	return a.setLimit(a.engine.MinLatencyMS())
}

func (a *App) budgetMost() tea.Cmd {
	a.record(true)
	return a.setLimit(a.flatMS())
}

func frontierStep(n int) func(*App) tea.Cmd {
	return func(a *App) tea.Cmd {
		if a.frontier == nil || a.coming {
			return a.say("the frontier is still being computed")
		}
		if len(a.frontier.Points) == 0 {
			return a.say("no network keeps the limits at any budget")
		}
		i := a.frontier.At(a.limitMS)
		i = min(max(i+n, 0), len(a.frontier.Points)-1)
		a.record(true)
		return a.setLimit(a.frontier.Points[i].LatencyMS)
	}
}

// openEntry asks for a budget.
func (a *App) openEntry() tea.Cmd {
	e := form.NewEntry("Budget", "limit: ", a.ms(a.limitMS)+" ms", (*App).typedBudget)
	e.Hint = "in ms, or with a unit: us, ms, s   "
	return a.Open(e)
}

// openEntryWith asks for it where its first digit is typed already.
func (a *App) openEntryWith(digit string) tea.Cmd {
	a.openEntry()
	return a.dialog.Paste(a, digit)
}

// typedBudget moves the budget to a limit as it is typed.
func (a *App) typedBudget(text string) (tea.Cmd, error) {
	if text == a.ms(a.limitMS)+" ms" {
		return nil, nil // as it was opened: the limit may have more decimals
	}
	limit, err := typedAmount(explore.LimitLatency, text)
	if err != nil {
		return nil, err
	}
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	if limit < lo {
		return nil, fmt.Errorf("no network within %s ms: at least %s ms are needed", a.ms(limit), a.ms(lo))
	}
	if limit > hi {
		a.say("no improvement above " + a.ms(hi) + " ms: budget set there")
	}
	a.record(true)
	a.history.moving = false
	return a.setLimit(limit), nil
}

// typedAmount reads an amount of a resource. The explorer shows every latency in
// milliseconds, so that a number alone is one.
func typedAmount(kind explore.LimitKind, text string) (float64, error) {
	if text != "" && strings.Trim(text, "0123456789.eE+-") == "" && kind == explore.LimitLatency {
		text += "ms"
	}
	return explore.ParseAmount(kind, text)
}

func (a *App) trackLimit(x int) float64 {
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	start, n := a.trackSpan()
	if n < 2 {
		return a.limitMS
	}
	switch at := min(max(x-start, 0), n-1); at {
	case 0:
		return lo
	case n - 1:
		return hi
	default:
		return a.rounded(lo + (hi-lo)*float64(at)/float64(n-1))
	}
}

// trackSpan is the first column of the slider and its number of cells.
func (a *App) trackSpan() (start, n int) {
	left, right := a.trackLabels()
	r := a.layout.track
	start = r.X + len(left) + 1
	return start, r.X + r.W - len(right) - 1 - start
}

func (a *App) trackLabels() (left, right string) {
	return a.ms(a.engine.MinLatencyMS()) + " ms", a.ms(a.engine.MaxLatencyMS()) + " ms"
}

// drawHeader names what is explored, on what and how its latencies were measured, and
// what its accuracies come from. What there is no room for goes by rank, the highest
// first.
func (a *App) drawHeader(s *cell.Screen, r cell.Rect) {
	e, t := a.engine, s.Theme
	p, dot := e.LUT.Provenance, " "+s.Glyphs.Dot+" "
	type part struct {
		style uv.Style
		text  string
		rank  int
	}
	source, sure, _ := strings.Cut(e.AccuracySource(), ", leave-one-out error ")
	name, file := tableLabel(e.Setup)
	parts := []part{{t.Accent, "binas-tui  ", 7}, {t.Dim, e.Profile + dot, 6}, {t.Text, name, 0}}
	if file != "" {
		parts = append(parts, part{t.Dim, " (" + file + ")", 3})
	}
	parts = append(parts, part{t.Dim, fmt.Sprintf(" %d px", e.Space.ImageSize), 5})
	if c := p.ComputesIn(); c != onnx.FP32 {
		parts = append(parts, part{t.Text, " " + string(c), 0})
	}
	if e.LUT.Calibration.Set() {
		parts = append(parts, part{t.Dim, " calibrated", 0})
	}
	parts = append(parts, part{t.Dim, levelText(e.Setup), 0})
	if m := p.Machine(); m != "" {
		parts = append(parts, part{t.Text, " measured on " + m, 1})
	} else if p.Source != "" {
		parts = append(parts, part{t.Dim, " from a " + p.Source, 1})
	}
	if p.Runtime != "" {
		parts = append(parts, part{t.Dim, " with " + p.Runtime, 9})
	}
	if p.Threads > 0 {
		parts = append(parts, part{t.Dim, ", " + phrase.Count(p.Threads, "thread"), 2})
	}
	parts = append(parts, part{t.Dim, dot, 0}, part{t.Dim, "accuracy ", 10}, part{t.Text, source, 0})
	if sure != "" {
		parts = append(parts, part{t.Text, ", ", 4}, part{t.Text, "leave-one-out ", 8}, part{t.Text, "error " + sure, 4})
	}
	for {
		width, spare := 0, 0
		for _, p := range parts {
			width, spare = width+ansi.StringWidth(s.Glyphs.Written(p.text)), max(spare, p.rank)
		}
		if width <= r.W-1 || spare == 0 {
			break
		}
		parts = slices.DeleteFunc(parts, func(p part) bool { return p.rank == spare })
	}
	x := r.X + 1
	for _, p := range parts {
		x += s.Text(x, r.Y, r.X+r.W-x, p.style, p.text)
	}
}

// drawTrack draws the slider, between the least latency and the greatest.
func (a *App) drawTrack(s *cell.Screen) {
	r := a.layout.track
	left, right := a.trackLabels()
	start, n := a.trackSpan()
	s.Text(r.X, r.Y, r.W, s.Theme.Dim, left)
	s.Right(r.X, r.Y, r.W, s.Theme.Dim, right)
	lo, hi := a.engine.MinLatencyMS(), a.engine.MaxLatencyMS()
	at := 0
	if hi > lo {
		at = int(math.Round((a.limitMS - lo) / (hi - lo) * float64(n-1)))
	}
	flat := n // the first cell from which nothing improves
	if most := a.flatMS(); most < hi {
		flat = int(math.Round((most-lo)/(hi-lo)*float64(n-1))) + 1
	}
	for i := range n {
		glyph := s.Glyphs.Track
		switch {
		case i >= flat:
			glyph = s.Glyphs.Dot
		case i < at:
			glyph = s.Glyphs.TrackOver
		}
		if i < at {
			s.Set(start+i, r.Y, s.Theme.Accent, glyph)
		} else {
			s.Set(start+i, r.Y, s.Theme.Border, glyph)
		}
	}
	s.Set(start+at, r.Y, s.Theme.Accent, s.Glyphs.Handle)
}

// segment is one fact of the status.
type segment struct {
	style    uv.Style
	text     string
	optional bool // left out first where it does not fit
}

// sentence says what the budget buys, in three parts: how accurate the network is
// and whether it is the best, what more budget would buy, and how it compares with
// what is published.
func (a *App) sentence(t *cell.Theme, g *cell.Glyphs) []segment {
	if !a.hasSolution() {
		if a.searches() {
			return a.searchProof(t, g)
		}
		text := "no network fits " + a.ms(a.limitMS) + " ms: at least " + a.ms(a.engine.MinLatencyMS()) + " ms are needed"
		if a.evolving() {
			text = "evolution is searching" + g.Ellipsis
		}
		return []segment{{t.Warn, text, false}}
	}
	text := cell.Number(a.solution.Accuracy, 2) + " %"
	if e := a.errorText(&a.deviation, a.solution.Path); e != "" {
		text += " " + cell.Pad(strings.Replace(e, "±", "± ", 1), len("+ 0.00"))
	}
	if note := a.accuracyNote(); note != "" {
		text += ", " + note + ","
	}
	out := []segment{{t.Chosen, text + " at " + a.ms(a.limitMS) + " ms: " + a.verdict(t, g) + ".", false}}
	if text := a.buysText(); text != "" {
		out = append(out, segment{t.Text, text, true})
	}
	if text := a.marginText(g); text != "" {
		out = append(out, segment{t.Text, text, true})
	}
	return out
}

// verdict says how good the network shown is among those that could be.
func (a *App) verdict(t *cell.Theme, g *cell.Glyphs) string {
	proved := a.mode == modeCertified || a.mode == modeIQCP
	if a.searches() {
		proved = a.searchCurrent()
	}
	if !proved || a.solution.Status != solver.Optimal {
		return a.proof(t, g)[0].text
	}
	text := "the best of " + strings.Replace(fmt.Sprintf("%.2g", a.space().NetworkCount()), "e+", "e", 1)
	if a.pinCount() > 0 {
		text = "the best that the pins allow"
	}
	if n := len(a.engine.Limits); n > 0 {
		text += fmt.Sprintf(" under %d limits", n+1)
	}
	return text + ", proved"
}

// buysText is what a little more budget buys, by the frontier; "" where that is not
// known.
func (a *App) buysText() string {
	if a.frontier == nil || a.coming || len(a.frontier.Points) == 0 || a.evolving() {
		return ""
	}
	step, decimals := a.moreMS()
	more := a.limitMS + step
	gain := a.frontier.Points[a.frontier.At(math.Max(more, a.frontier.Points[0].LatencyMS))].Accuracy - a.solution.Accuracy
	if gain < 5e-5 && more >= a.flatMS() {
		return "More time buys nothing."
	}
	return fmt.Sprintf("%s ms more buys %s points.", cell.Number(step, decimals), cell.Number(gain, 2))
}

// marginText compares the frontier with the most accurate published network that
// keeps the budget, at the latency of that; "" where none is of this space.
func (a *App) marginText(g *cell.Glyphs) string {
	best := -1
	for i, p := range a.published {
		if p.latencyMS <= a.limitMS && (best < 0 || p.network.Top1 > a.published[best].network.Top1) {
			best = i
		}
	}
	if best < 0 {
		if len(a.published) > 0 {
			return "No published network is as fast."
		}
		return ""
	}
	margin, ok := a.margin(a.published[best])
	if !ok {
		return ""
	}
	return marginWords(margin, g) + " " + a.published[best].network.Name + " at its latency."
}

// margin is how far the frontier is above a published network, in points.
func (a *App) margin(p publishedPoint) (points float64, ok bool) {
	if a.frontier == nil {
		return 0, false
	}
	i := a.frontier.At(p.latencyMS)
	if i < 0 {
		return 0, false
	}
	return a.frontier.Points[i].Accuracy - p.network.Top1, true
}

// marginWords says how far above or below another network the frontier is.
func marginWords(points float64, g *cell.Glyphs) string {
	if points < -0.005 {
		return cell.Number(-points, 2) + " under"
	}
	return cell.Signed(points, 2, g) + " over"
}

// status lists what is known of the network shown, the most important first.
func (a *App) status(t *cell.Theme, g *cell.Glyphs) []segment {
	out := []segment{{t.Accent, "limit " + a.ms(a.limitMS) + " ms", false}}
	if !a.hasSolution() {
		return append(out, a.sentence(t, g)...)
	}
	out = append(out, a.latencySegment(t), segment{t.Chosen, "accuracy " + cell.Number(a.solution.Accuracy, 2) + " %" + a.accuracyError(), false})
	return append(out, a.technical(t, g)...)
}

func (a *App) latencySegment(t *cell.Theme) segment {
	sol := &a.solution
	return segment{t.Text, fmt.Sprintf("latency %s%s ms", a.ms(sol.LatencyMS), a.latencyError(sol.Path)), true}
}

// technical is what the sentence does not say: prices, costs, proofs, times.
func (a *App) technical(t *cell.Theme, g *cell.Glyphs) (out []segment) {
	sol := &a.solution
	out = append(out, segment{t.Dim, "(slack " + a.ms(a.limitMS-sol.LatencyMS) + ")", true})
	if a.engine.Bilinear() && !(a.limited() && sol.ShadowPrice == 0) { // then another limit binds
		out = append(out, segment{t.Text, a.priceText(sol.ShadowPrice, g), true})
	}
	if loss, ok := a.whatIf.pinsCost(a); ok {
		out = append(out, segment{t.Pin, "pins cost " + cell.Number(loss, 2) + " pt", false})
	}
	if k, ok := a.keptHere(); ok {
		out = append(out, segment{t.Good, a.keptText(k), false})
	}
	proof := a.proof(t, g)
	out = append(out, proof[0])
	if c := a.compare; !c.empty() && !a.layout.panes[paneCompare].Shown() { // which says more
		out = append(out, segment{t.Warn, fmt.Sprintf("%s pt %s ms vs %s", cell.Signed(sol.Accuracy-c.accuracy, 2, g), cell.Signed(sol.LatencyMS-c.latencyMS, 2, g), c.name), false})
	}
	out = append(out, proof[1:]...)
	if all := a.measuredAccuracies(); len(all) > 0 {
		last := all[len(all)-1]
		out = append(out, segment{t.Chosen, last.Weights + " " + cell.Number(last.Top1, 2) + " %", true})
	}
	return out
}

// proof says how the solution was found and what is known about better ones.
func (a *App) proof(t *cell.Theme, g *cell.Glyphs) []segment {
	if a.searches() {
		return a.searchProof(t, g)
	}
	ans := &a.answer
	micro := strconv.Itoa(int(a.stopwatch.shown.Microseconds())) + " " + g.Micro
	agrees := "BCFW agrees"
	if d := ans.BCFWShort(); d > 1e-9 {
		agrees = "BCFW " + g.Minus + cell.Number(d, 4) + " pt"
	}
	switch {
	case a.mode == modeEvolution && !a.engine.Bilinear():
		if n := a.engine.LiveGenerations(); n > 0 {
			return []segment{{t.Warn, fmt.Sprintf("evolution, %d generations: feasible, no certificate", n), false}}
		}
		return []segment{{t.Warn, "evolution: feasible, no certificate", false}}
	case a.mode == modeEvolution:
		return []segment{{t.Warn, "evolution: " + short(ans.Exact.Accuracy-a.solution.Accuracy, g), false}}
	case a.mode == modeBCFW:
		return []segment{
			{t.Warn, "BCFW: " + short(ans.BCFWShort(), g), false},
			{t.Dim, micro, true},
		}
	case a.mode == modeIQCP:
		return []segment{{t.Good, "IQCP: optimal", true}, {t.Dim, micro, true}, a.gap(t)}
	}
	return []segment{
		{t.Good, "optimal", true}, {t.Text, agrees, true},
		{t.Dim, micro, true}, a.gap(t),
	}
}

// priceText is the shadow price, in plain mode with what a little more budget buys,
// which is less: on the screen the sentence says that.
func (a *App) priceText(price float64, g *cell.Glyphs) string {
	text := "shadow price " + cell.Signed(price, 3, g) + " pt/ms"
	if more := a.buysText(); more != "" && a.plain {
		text += ", " + strings.ToLower(more[:1]) + strings.TrimSuffix(more[1:], ".")
	}
	return text
}

// moreMS is a little more budget, and with how many decimals it is written: a
// millisecond, or where that is much of the range a tenth, a hundredth.
func (a *App) moreMS() (step float64, decimals int) {
	step = 1
	for span := a.engine.MaxLatencyMS() - a.engine.MinLatencyMS(); step > span/2 && decimals < 5; decimals++ {
		step /= 10
	}
	return step, decimals
}

// short says how far from the optimum a network is, in points.
func short(points float64, g *cell.Glyphs) string {
	if points < 5e-5 {
		return "at the optimum"
	}
	return g.Minus + cell.Number(points, 4) + " pt to the optimum"
}

// gap is what the proof leaves open: 0 where the network is optimal.
func (a *App) gap(t *cell.Theme) segment {
	return segment{t.Good, "gap " + cell.Number(a.solution.Gap(), 0) + " pt", true}
}

// accuracyError is how far the prediction may be off: the predictor's own
// uncertainty of this network, or where it has none its leave-one-out error;
// and says where the prediction is outside what it was fitted on.
func (a *App) accuracyError() string {
	text := ""
	for _, part := range []string{a.errorText(&a.deviation, a.solution.Path), a.accuracyNote()} {
		if part != "" {
			text += " " + part
		}
	}
	return text
}

// accuracyNote says what else is to be known of the prediction shown.
func (a *App) accuracyNote() string {
	switch {
	case a.engine.Flat() != "":
		return "as every network"
	case a.engine.PredictorInfo.Extrapolates(a.solution.Accuracy):
		return "extrapolated"
	}
	return ""
}

// errorText is how far the prediction of a network may be off, such as ±0.11; ""
// where the predictor does not say.
func (a *App) errorText(d *deviation, p model.Path) string {
	if a.engine.Uncertainty != nil {
		return "±" + a.deviationOf(d, p)
	} else if e, ok := a.engine.AccuracyError(); ok {
		return "±" + cell.Number(e, 2)
	}
	return ""
}

// drawStatus writes the sentence, and what is technical in the line below it, or
// after it where the sentence needs both lines.
func (a *App) drawStatus(s *cell.Screen, r cell.Rect) {
	sentence := a.sentence(s.Theme, s.Glyphs)
	var rest []segment
	if a.hasSolution() {
		rest = append(append(rest, a.latencySegment(s.Theme)), a.technical(s.Theme, s.Glyphs)...)
	}
	if last := &sentence[len(sentence)-1]; linesOf(sentence, r.W) > 1 {
		last.text = strings.Replace(last.text, " at its latency.", ".", 1)
	}
	if r.H == 1 || linesOf(sentence, r.W) > 1 {
		drawSegments(s, r, append(sentence, rest...))
		return
	}
	drawSegments(s, cell.At(r.X, r.Y, r.W, 1), sentence)
	drawSegments(s, r.Below(1), rest)
}

// linesOf is how many lines of a width segments take, with a space between them.
func linesOf(segments []segment, w int) int {
	x, lines := 0, 1
	for _, seg := range segments {
		width := ansi.StringWidth(seg.text)
		if x > 0 && x+1+width > w {
			x, lines = 0, lines+1
		}
		x += min(x, 1) + width
	}
	return lines
}

// drawSegments writes facts in the room there is: those that are not optional, and
// of the others the first that fit.
func drawSegments(s *cell.Screen, r cell.Rect, segments []segment) {
	var shown []segment
	drop := map[int]bool{}
	for i := len(segments); i >= 0; i-- { // which optional ones there is no room for
		shown = shown[:0]
		for k, seg := range segments {
			if !drop[k] {
				shown = append(shown, seg)
			}
		}
		if i == 0 || linesOf(shown, r.W) <= r.H {
			break
		}
		drop[i-1] = segments[i-1].optional
	}
	x, y := r.X, r.Y
	for _, seg := range shown {
		if x > r.X && x+1+ansi.StringWidth(seg.text) > r.X+r.W && y+1 < r.Y+r.H {
			x, y = r.X, y+1
		}
		x += min(x-r.X, 1)
		x += s.Text(x, y, r.X+r.W-x, seg.style, seg.text)
	}
}

// ms formats a latency with as many decimals as tell the networks of the table
// apart: two from a millisecond on.
func (a *App) ms(v float64) string { return cell.Number(v, decimalsOf(a.engine.MinLatencyMS())) }

// decimalsOf is with how many decimals latencies of a size, in milliseconds, are
// written.
func decimalsOf(ms float64) int {
	decimals := 2
	for ; ms < 1 && decimals < 5; ms *= 10 {
		decimals++
	}
	return decimals
}
