package tui

import (
	"fmt"
	"math"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/fit/published"
)

// A network is told block by block: what blocks cost adds up to the network's cost, what
// they take to its latency, and maps fit on each other.
func TestNetworkBlockByBlock(t *testing.T) {
	d := newDriver(t, 120, 50)
	for _, p := range published.Networks()[:6] {
		path, err := d.space().Path(p.Architecture)
		if err != nil {
			t.Fatal(err)
		}
		n := d.newNetwork(p.Name, path)
		params, macs, last := int64(0), int64(0), 0.0
		for i, l := range n.lines {
			if i > 0 && i < len(n.lines)-1 && (l.in != n.lines[i-1].out || l.sideIn != n.lines[i-1].sideOut) {
				t.Errorf("%s: %s takes %s, what is before it gives %s", p.Name, l.name, shape(l.in, l.sideIn), shape(n.lines[i-1].out, n.lines[i-1].sideOut))
			}
			params, macs = params+l.cost.Params, macs+l.cost.MACs
			if !math.IsNaN(l.sumMS) {
				last = l.sumMS
			}
		}
		if ms := d.engine.LatencyMS(path); math.Abs(last-ms) > 1e-9 {
			t.Errorf("%s: the blocks take %v ms, the network %v", p.Name, last, ms)
		}
		if params != n.cost.Params || macs != n.cost.MACs {
			t.Errorf("%s: the parts have %d parameters and %d MACs, the network %d and %d", p.Name, params, macs, n.cost.Params, n.cost.MACs)
		}
	}
	for _, size := range [][2]int{{60, 16}, {80, 24}, {120, 40}, {200, 60}} {
		d := newDriver(t, size[0], size[1])
		d.press("A", "down", "down", "enter")
		n := d.dialog.(*network)
		if l := n.lines[n.row]; l.stage != 0 || l.block != 1 {
			t.Errorf("%v: opened at %+v", size, l.decision)
		}
		d.mustSee("MACs")
		d.mustSee("points over the mean of its options")
		d.checkFits("network")
		if d.press("G"); !d.sees("head") {
			t.Errorf("%v: G did not go to the head", size)
		}
		d.press("esc")
	}
}

// What is pasted, or named, is shown and can be compared with.
func TestInspect(t *testing.T) {
	d := newDriver(t, 120, 40)
	c, _ := published.Find("BINAS C")
	d.send(tea.PasteMsg{Content: "  " + c.Architecture.String() + "\n"})
	path, _ := d.space().Path(c.Architecture)
	if n, ok := d.dialog.(*network); !ok || !samePath(n.path, path) {
		t.Fatalf("pasted: %T", d.dialog)
	}
	d.press("c")
	if d.compare == nil || !samePath(d.compare.path, path) || d.focus != paneCompare {
		t.Errorf("compared with %+v", d.compare)
	}
	d.press("u", "I")
	d.typeIn("hardcore-nas e")
	d.mustSee("HardCoRe-NAS E")
	d.press("b")
	e, _ := published.Find("HardCoRe-NAS E")
	if path, _ := d.space().Path(e.Architecture); math.Abs(d.limitMS-d.engine.LatencyMS(path)) > 1e-9 {
		t.Errorf("the budget went to %v ms", d.limitMS)
	}
	d.press("I")
	d.typeIn("[['nonsense']]")
	d.mustSee("or a published network")
	d.press("esc")
	d.send(tea.PasteMsg{Content: "nothing of the kind"})
	d.mustSee("pasted: ")
	if d.dialog != nil {
		t.Errorf("%T is open", d.dialog)
	}
	text, err := d.resultJSON()
	if err != nil {
		t.Fatal(err)
	}
	d.send(tea.PasteMsg{Content: string(text)})
	if n, ok := d.dialog.(*network); !ok || !samePath(n.path, d.solution.Path) {
		t.Errorf("JSON that was pasted opened %T", d.dialog)
	}
}

// The network is exported from the explorer: as ONNX by the step, and as Python.
func TestExportsFromTheExplorer(t *testing.T) {
	t.Chdir(t.TempDir())
	d := newDriver(t, 120, 40)
	d.press("N")
	if f, ok := d.dialog.(*stepForm); !ok || f.task.Step() != "export" {
		t.Fatalf("N opened %T", d.dialog)
	}
	d.mustSee("file to write")
	for row, want := range []string{"ONNX file        network.onnx", "checkpoint       random weights", "precision        fp32", "data set         none"} {
		if rows := d.dialog.(*stepForm).rows(d.App); !strings.HasPrefix(want, rows[row].Label) || !d.sees(want) {
			t.Errorf("row %d is %s %s, expected %s", row, rows[row].Label, rows[row].Value, want)
		}
	}
	d.press("esc", "Y", "G")
	d.mustSee("ONNX file")
	d.press("up", "enter", "enter")
	d.mustSee("saved binas_network.py")
	if text := readFile(t, "binas_network.py"); text != d.definition() {
		t.Errorf("the file has %q", text)
	}
}

// The fit of the built-in predictor is shown: of every network, left out once.
func TestFitOfTheBuiltInPredictor(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("F")
	if !d.builtInShown() || d.working != 0 {
		t.Fatalf("it is not known, %d at work", d.working)
	}
	d.mustSee(fmt.Sprintf("%d networks, each left out of the fit once", len(published.Networks())))
	d.press("z")
	lines := strings.Join(d.lines()[8:], "\n")
	for _, letter := range []string{"A", "F", "a", "f"} {
		if !strings.Contains(lines, letter) {
			t.Errorf("%s is not in the plot", letter)
		}
	}
	d.run(d.openSetup("digits", "", ""))
	if d.builtInShown() {
		t.Error("it is shown for another predictor")
	}
}
