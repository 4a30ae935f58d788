package page

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/figure"
	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/solver"
)

func made(t *testing.T, change func(*explore.Setup)) (*explore.Engine, []explore.ParetoPoint, string) {
	t.Helper()
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(&setup)
	}
	e, err := explore.New(context.Background(), setup)
	if err != nil {
		t.Fatal(err)
	}
	points, exact, err := e.Pareto(context.Background(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var w bytes.Buffer
	err = Frontier(context.Background(), &w, e, points, Options{Made: time.Unix(1e9, 0), Exact: exact, LimitMS: 5, Marks: []figure.Mark{{Label: "</script><b>kept", LatencyMS: 5, Accuracy: 75}}})
	if err != nil {
		t.Fatal(err)
	}
	return e, points, w.String()
}

// between is what stands between two texts, the first of which is there once.
func between(t *testing.T, text, before, after string) string {
	t.Helper()
	if strings.Count(text, before) != 1 {
		t.Fatalf("%d times %s", strings.Count(text, before), before)
	}
	_, rest, _ := strings.Cut(text, before)
	inside, _, ok := strings.Cut(rest, after)
	if !ok {
		t.Fatalf("no %s after %s", after, before)
	}
	return inside
}

// The page holds every network of the frontier and asks nothing of a network; names
// from outside are text.
func TestPageIsWholeAndClosed(t *testing.T) {
	const hostile = `x</script><img src=http://evil onerror=alert(1)>{{data}}`
	e, points, text := made(t, func(s *explore.Setup) { s.LUTName = hostile })
	var d data
	if err := json.Unmarshal([]byte(between(t, text, `id="data">`, "</script>")), &d); err != nil {
		t.Fatal(err)
	}
	if len(d.LatencyMS) != len(points) || len(points) < 500 || !d.Exact {
		t.Fatalf("%d of %d networks, exact %v", len(d.LatencyMS), len(points), d.Exact)
	}
	for i, p := range points {
		if d.LatencyMS[i] != p.LatencyMS || d.Accuracy[i] != p.Accuracy || d.Paths[i] != pathText(e.Space, p.Path) {
			t.Fatalf("network %d is %v ms, %v %%, %s", i, d.LatencyMS[i], d.Accuracy[i], d.Paths[i])
		}
	}
	if strings.Contains(text, "<img") || strings.Contains(text, "<b>kept") || !strings.Contains(text, "default-src 'none'") {
		t.Error("a name from outside is markup, or the page may load what it likes")
	}
	for _, load := range regexp.MustCompile(`(?i)<(link|iframe|object|embed|base)\b|\bsrc=|@import|url\(|fetch\(|XMLHttpRequest`).FindAllString(strings.ReplaceAll(text, "&lt;img src=http", ""), -1) {
		if load != "src=" { // of the hostile name, as JSON
			t.Errorf("the page has %s", load)
		}
	}
	if !strings.Contains(text, "Permission is hereby granted") || !strings.Contains(text, "Leon Sorokin") {
		t.Error("the licence of uPlot is not in it")
	}
}

// What the script of the page answers is what the explorer answers: at every network of
// the frontier and between them.
func TestScriptAnswersAsTheEngine(t *testing.T) {
	node := needed.Program(t, "node")
	e, points, text := made(t, nil)
	folder := t.TempDir()
	write := func(name, data string) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	at := strings.LastIndex(text, "<script>")
	program := text[at+len("<script>") : strings.LastIndex(text, "</script>")]
	file := write("ask.js", program+`
const d = JSON.parse(require("fs").readFileSync(process.argv[2]));
const all = d.ms.map((ms, i) => ({ ms, at: binas.at(d, ms), below: binas.at(d, ms - 1e-9), architecture: binas.architecture(d, i), rows: binas.rows(d, i), sentence: binas.sentence(d, ms) }));
console.log(JSON.stringify({ all, none: binas.sentence(d, d.min_ms / 2), budgets: [4, 5, 7.77, 14].map(ms => binas.at(d, ms)), colours: d.options.map((_, o) => binas.colour(d, o)) }));
`)
	out, err := exec.Command(node, file, write("data.json", between(t, text, `id="data">`, "</script>"))).Output()
	if err != nil {
		t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
	}
	var got struct {
		All []struct {
			MS           float64
			At, Below    int
			Architecture string
			Rows         []struct {
				Block   string
				MS, Sum float64
			}
			Sentence string
		}
		None    string
		Budgets []int
		Colours []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.All) != len(points) {
		t.Fatalf("%d networks", len(got.All))
	}
	for i, g := range got.All {
		if g.At != i || g.Below != i-1 || g.Architecture != e.Space.Architecture(points[i].Path).String() {
			t.Fatalf("network %d: at %d, below %d, %s", i, g.At, g.Below, g.Architecture)
		}
		if sum := g.Rows[len(g.Rows)-1].Sum; math.Abs(sum-points[i].LatencyMS) > 1e-9 {
			t.Fatalf("network %d: its blocks take %v ms, it takes %v", i, sum, points[i].LatencyMS)
		}
		if want := fmt.Sprintf("%.2f %% ±", points[i].Accuracy); !strings.HasPrefix(g.Sentence, want) || !strings.Contains(g.Sentence, "the best of 5.9e21, proved") {
			t.Fatalf("network %d: %s", i, g.Sentence)
		}
	}
	for i, limit := range []float64{4, 5, 7.77, 14} {
		var s solver.Solution
		e.Optimum(&s, limit)
		if g := got.Budgets[i]; math.Abs(points[g].LatencyMS-s.LatencyMS) > 1e-9 {
			t.Errorf("within %v ms the page shows %v ms, the engine %v", limit, points[g].LatencyMS, s.LatencyMS)
		}
	}
	at8 := got.All[got.Budgets[2]].Sentence // as the explorer says it
	if best := points[got.Budgets[2]]; best.LatencyMS < 7.38 || !strings.Contains(at8, "+1.08 over HardCoRe-NAS C as published, at its latency of 7.38 ms.") {
		t.Errorf("%v ms: %s", best.LatencyMS, at8)
	}
	if !strings.Contains(got.None, "are needed") {
		t.Errorf("below all networks: %s", got.None)
	}
	if got.Colours[0] == got.Colours[len(got.Colours)-1] {
		t.Errorf("all options are %s", got.Colours[0])
	}
}

// It can be ended.
func TestPageIsCancelled(t *testing.T) {
	e, points, _ := made(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Frontier(ctx, new(bytes.Buffer), e, points, Options{}); err != context.Canceled {
		t.Errorf("%v", err)
	}
}
