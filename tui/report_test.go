package tui

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// R writes Markdown, SVG and a page: every network kept and the one shown, with their
// blocks, reasons and commands. What is there is not replaced.
func TestReport(t *testing.T) {
	t.Chdir(t.TempDir())
	d := newDriver(t, 120, 40)
	d.press("a", "enter")
	kept := d.snapshots[0]
	d.press("shift+right", "R", "enter")
	d.mustSee("report written: binas-report.md")
	text := readFile(t, "binas-report.md")
	now := d.snapshotNow("")
	for _, want := range []string{
		"# Networks for ", "![Best accuracy within a latency](binas-report.svg)", "binas-tui pareto --csv",
		kept.name, kept.command, kept.architecture, now.command, now.architecture, "One more millisecond is worth",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q:\n%s", want, text)
		}
	}
	if kept.architecture == now.architecture || strings.Count(text, "\n### ") != 2 {
		t.Errorf("%d networks are described, of %s and %s", strings.Count(text, "\n### "), kept.architecture, now.architecture)
	}
	checkSVG(t, readFile(t, "binas-report.svg"))
	if whole := readFile(t, "binas-report.html"); !strings.Contains(text, "(binas-report.html)") || !strings.Contains(whole, kept.name) || !strings.HasSuffix(whole, "</html>\n") {
		t.Errorf("the page has %d bytes", len(whole))
	}

	d.press("R", "enter")
	d.mustSee("is there already")
	if readFile(t, "binas-report.md") != text {
		t.Error("the report was replaced")
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkSVG checks that a picture is well-formed and draws something.
func checkSVG(t *testing.T, text string) {
	t.Helper()
	elements := map[string]int{}
	for dec := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the picture is not XML: %v", err)
		}
		if s, ok := token.(xml.StartElement); ok {
			elements[s.Name.Local]++
		}
	}
	if elements["svg"] != 1 || elements["path"] < 5 || elements["text"] < 5 {
		t.Errorf("the picture has %v", elements)
	}
}

// The timm definition is that of the network: the list in it is the architecture
// string, a stage a line, and every stage is there.
func TestDefinition(t *testing.T) {
	d := newDriver(t, 120, 40)
	for range 6 {
		text := d.definition()
		var list strings.Builder
		_, rest, _ := strings.Cut(text, "arch_def = [\n")
		body, _, ok := strings.Cut(rest, "\n]\n")
		if !ok {
			t.Fatalf("no list in\n%s", text)
		}
		for line := range strings.Lines(body + "\n") {
			list.WriteString(strings.TrimSpace(line))
		}
		arch, err := model.ParseArchitecture("[" + strings.TrimSuffix(list.String(), ",") + "]")
		if err != nil {
			t.Fatal(err)
		}
		path, err := d.space().Path(arch)
		if err != nil || math.Abs(d.engine.LatencyMS(path)-d.solution.LatencyMS) > 1e-6 {
			t.Errorf("%v: %v ms, the network shown takes %v ms", err, d.engine.LatencyMS(path), d.solution.LatencyMS)
		}
		d.press("shift+right", "right")
	}
}

func TestDefinitionGolden(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.press("Y", "down", "down", "down", "enter")
	const name = "testdata/definition.py"
	if *update {
		if err := os.WriteFile(name, []byte(d.clipboard), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := readFile(t, name); d.clipboard != want {
		t.Errorf("the definition differs from %s (go test ./tui -run Golden -update writes it):\n%s", name, d.clipboard)
	}
}
