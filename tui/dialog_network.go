package tui

import (
	"fmt"
	"math"
	"strings"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/tui/cell"
	"github.com/binas-tui/binas-tui/tui/form"
)

// network is a network block by block: shapes, what each block costs and takes, and of
// the block under the cursor its layers.
type network struct {
	keysOnly
	name  string
	path  model.Path
	lines []networkLine
	cost  model.Cost
	row   int
}

// networkLine is a part of a network. Milliseconds are NaN where the table does not
// tell the part from other fixed ones.
type networkLine struct {
	decision          // of a searched block; stage -1 is a fixed part
	name, kind        string
	in, out           int // channels
	sideIn, sideOut   int // of the maps, in pixels
	cost              model.Cost
	layers            []model.ConvLayer
	ms, sumMS, points float64
}

func (a *App) newNetwork(name string, path model.Path) *network {
	space, e := a.space(), a.engine
	arch := space.Architecture(path)
	n := &network{name: name, path: path.Clone()}
	n.cost, _ = arch.Cost(space.ImageSize, e.NumClasses()) // a network of the space has one
	side, sum := space.ImageSize, e.Table.FixedMS
	fixed := decision{-1, -1}
	add := func(l networkLine) {
		if l.stage >= 0 {
			b, o := l.block, path.Option[l.block]
			l.ms, l.points = e.Table.BlockMS[b*space.NumOptions()+o], e.Contribution(path, b)
			sum += l.ms
			l.sumMS = sum
		} else {
			l.ms, l.sumMS, l.points = math.NaN(), math.NaN(), math.NaN()
		}
		n.lines = append(n.lines, l)
	}
	stem := model.Stem(space.StemChannels)
	half := model.Downsample(side, stem.Stride)
	add(networkLine{decision: fixed, name: "stem", kind: "conv k3", in: stem.In, out: stem.Out, sideIn: side, sideOut: half, cost: stem.Cost(side), layers: []model.ConvLayer{stem}})
	in, side := stem.Out, half
	for i, stage := range arch {
		for k, b := range model.Expanded(stage) {
			l := networkLine{decision: fixed, name: "first", kind: fmt.Sprintf("depthwise k%d", b.Kernel), in: in, out: b.Channels, sideIn: side, sideOut: model.Downsample(side, b.Stride), cost: b.Cost(in, side), layers: b.Layers(in)}
			switch {
			case i == len(arch)-1:
				l.name, l.kind = "last", fmt.Sprintf("conv k%d", b.Kernel)
			case i > 0:
				l.decision = decision{i - 1, (i-1)*space.MaxDepth + k}
				l.name, l.kind = l.label(space), space.Options[path.Option[l.block]].String()
			}
			add(l)
			in, side = l.out, l.sideOut
		}
	}
	conv, classifier := model.Head(in, e.NumClasses())
	head, end := conv.Cost(1), classifier.Cost(1)
	head = model.Cost{Params: head.Params + end.Params, MACs: head.MACs + end.MACs, PeakBytes: max(head.PeakBytes, end.PeakBytes)}
	add(networkLine{decision: fixed, name: "head", kind: "pool, linear", in: in, out: classifier.Out, sideIn: 1, sideOut: 1, cost: head, layers: []model.ConvLayer{conv, classifier}})
	return n
}

// openBlock shows the network shown, at the block under the cursor of the architecture.
func (a *App) openBlock() tea.Cmd {
	d, ok := a.current()
	if !ok {
		return nil
	}
	n := a.newNetwork("the network shown", a.solution.Path)
	if d.block < 0 {
		d.block = d.stage * a.space().MaxDepth
	}
	for i, l := range n.lines {
		if l.decision == d {
			n.row = i
		}
	}
	return a.Open(n)
}

// openInspect asks for an architecture, or the name of a published network.
func (a *App) openInspect() tea.Cmd {
	e := form.NewEntry("Inspect a network", "architecture: ", "", (*App).inspect)
	e.Hint = "paste one, or a name such as BINAS C   "
	return a.Open(e)
}

func (a *App) inspect(text string) (tea.Cmd, error) {
	name, arch := "a pasted network", model.Architecture(nil)
	if n, known := published.Find(text); known {
		name, arch = n.Name, n.Architecture
	} else {
		var err error
		if arch, err = explore.ParseArchitecture(text); err != nil {
			return nil, fmt.Errorf("%w; or a published network: %s to %s", err, published.Names()[0], published.Names()[len(published.Names())-1])
		}
	}
	path, err := a.space().Path(arch)
	if err != nil {
		return nil, err
	}
	a.dialog = a.newNetwork(name, path)
	return nil, nil
}

// pasted inspects what is pasted where nothing asks for a text.
func (a *App) pasted(text string) tea.Cmd {
	cmd, err := a.inspect(strings.TrimSpace(text))
	if err != nil {
		a.warn("pasted: " + err.Error())
	}
	return cmd
}

func (n *network) Key(a *App, msg tea.KeyPressMsg) tea.Cmd {
	_, rows := n.place(a.width, a.height)
	if by := form.RowKey(msg.String(), len(n.lines), rows.At.H, true); by != 0 {
		n.row = min(max(n.row+by, 0), len(n.lines)-1)
		return nil
	}
	switch msg.String() {
	case "esc", "q":
		a.Leave()
	case "enter":
		a.Leave()
		if l := n.lines[n.row]; l.stage >= 0 && a.hasSolution() && samePath(n.path, a.solution.Path) {
			return a.goToDecision(l.decision)
		}
	case "c":
		a.Close()
		return a.startComparison(n.name, n.path)
	case "b":
		a.Close()
		a.record(true)
		return a.setLimit(a.engine.LatencyMS(n.path))
	case "y":
		return a.services.copy(a.space().Architecture(n.path).String(), "architecture string")
	}
	return nil
}

func (n *network) Mouse(a *App, msg tea.MouseMsg) tea.Cmd {
	_, rows := n.place(a.width, a.height)
	switch e := msg.(type) {
	case tea.MouseWheelMsg:
		n.row = min(max(n.row+form.WheelStep(e), 0), len(n.lines)-1)
	case tea.MouseClickMsg:
		if rows.At.Contains(e.X, e.Y) {
			n.row = min(rows.Top(n.row)+e.Y-rows.At.Y, len(n.lines)-1)
		}
	}
	return nil
}

func (n *network) Hints(*App) []hint {
	return []hint{{Key: "c", Label: "compare with it"}, {Key: "b", Label: "budget to its latency"}, {Key: "y", Label: "copy"}, {Key: "esc", Label: "close"}}
}

// layerLines is the room for the layers of the block under the cursor.
const layerLines = 6

// place is the frame and the rows in it.
func (n *network) place(w, h int) (box cell.Rect, rows cell.Rows) {
	below := layerLines
	if h < 30 {
		below = 2
	}
	box = cell.Centred(w, h, 92, len(n.lines)+below+6)
	at := box.Inside().Below(2)
	at.H = max(1, at.H-below-1)
	return box, cell.Rows{N: len(n.lines), At: at}
}

func (n *network) Draw(a *App, s *cell.Screen) {
	t := s.Theme
	box, rows := n.place(s.W, s.H)
	r := s.Panel(box, n.name)
	e := a.engine
	s.Text(r.X+1, r.Y, r.W-2, t.Strong, fmt.Sprintf("%s ms  %s %% predicted  %.2f M parameters  %.0f M MACs  %.1f MB memory", a.ms(e.LatencyMS(n.path)),
		cell.Number(e.Accuracy(n.path), 2), float64(n.cost.Params)/1e6, float64(n.cost.MACs)/1e6, float64(n.cost.PeakBytes)/1e6))
	columns := func(c [7]string) (text string) {
		for i, width := range [...]int{14, 14, 9, 8, 8, 7, 7} {
			if i == 0 && r.W < 86 || (i == 2 || i == 4) && r.W < 74 {
				continue // no room
			}
			text += padLeft(c[i], width)
		}
		return text
	}
	s.Text(r.X+1, r.Y+1, r.W-2, t.Dim, fmt.Sprintf("%-6s%-13s", "block", "option")+columns([7]string{"input", "output", "params", "MACs", "memory", "ms", "sum"}))
	s.Position(box, rows, n.row)
	rows.Draw(s, n.row, n.row, func(i int, l cell.Row) {
		b := n.lines[i]
		cost := [3]string{}
		if b.cost.Params > 0 {
			cost = [3]string{amount(float64(b.cost.Params), 1e3, "k"), amount(float64(b.cost.MACs), 1e6, "M"), amount(float64(b.cost.PeakBytes), 1e6, "MB")}
		}
		l.Text(1, r.W, t.Text, fmt.Sprintf("%-6s", b.name)+cell.Pad(optionWords(b.kind), 13)+
			columns([7]string{shape(b.in, b.sideIn), shape(b.out, b.sideOut), cost[0], cost[1], cost[2], a.msOr(b.ms), a.msOr(b.sumMS)}))
	})
	y, end := rows.At.Y+rows.At.H, r.Y+r.H-1
	b := n.lines[n.row]
	if b.stage >= 0 {
		s.Text(r.X+1, y, r.W-2, t.Chosen, fmt.Sprintf("%s: %s points over the mean of its options; fixed parts take %s ms", b.name, cell.Signed(b.points, 2, s.Glyphs), a.ms(e.Table.FixedMS)))
	} else {
		s.Text(r.X+1, y, r.W-2, t.Chosen, fmt.Sprintf("%s is fixed: with the other fixed parts it takes %s ms, counted first", b.name, a.ms(e.Table.FixedMS)))
	}
	for i, l := range b.layers {
		if y+1+i < end {
			s.Text(r.X+1, y+1+i, r.W-2, t.Dim, layerText(l))
		}
	}
	s.Text(r.X+1, end, r.W-2, t.Dim, form.HintLine(n.Hints(a)))
}

func (a *App) msOr(ms float64) string {
	if math.IsNaN(ms) {
		return ""
	}
	return a.ms(ms)
}

func shape(channels, side int) string { return fmt.Sprintf("%d×%d×%d", channels, side, side) }

// amount writes a number in a unit, with a decimal where that tells something.
func amount(v, unit float64, name string) string {
	decimals := 0
	if v < 100*unit {
		decimals = 1
	}
	return cell.Number(v/unit, decimals) + name
}

func layerText(l model.ConvLayer) string {
	if l.Squeeze > 0 {
		return fmt.Sprintf("%-12s squeeze-excite %d → %d → %d", l.Name, l.In, l.Squeeze, l.Out)
	}
	text := fmt.Sprintf("%-12s %d×%d %d → %d", l.Name, l.Kernel, l.Kernel, l.In, l.Out)
	if l.Stride > 1 {
		text += fmt.Sprintf(", stride %d", l.Stride)
	}
	if l.Groups > 1 {
		text += ", depthwise"
	}
	if l.Norm != "" {
		text += ", " + l.Norm
	}
	if l.Act != "" {
		text += ", " + map[model.Activation]string{model.ReLU: "ReLU", model.ReLU6: "ReLU6", model.HSwish: "h-swish", model.Swish: "swish"}[l.Activation]
	}
	return sanitize.Line(text)
}
