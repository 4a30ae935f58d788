package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"fmt"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type paretoJSON struct {
	Points []struct {
		LatencyMS         float64 `json:"latency_ms"`
		PredictedAccuracy float64 `json:"predicted_accuracy"`
		Architecture      string  `json:"architecture"`
	}
	Exact  bool
	Limits []struct {
		Name, Unit string
		Cap        float64
	}
}

func TestParetoJSON(t *testing.T) {
	e := defaultEngine(t)
	r := decode[paretoJSON](t, mustRun(t, "pareto", "--json"))
	if !r.Exact || len(r.Points) < 50 {
		t.Fatalf("exact %v, %d points", r.Exact, len(r.Points))
	}
	for i, p := range r.Points[1:] {
		if q := r.Points[i]; p.LatencyMS <= q.LatencyMS || p.PredictedAccuracy <= q.PredictedAccuracy {
			t.Errorf("point %d does not rise: %v after %v", i+1, p, q)
		}
	}
	if first, last := r.Points[0], r.Points[len(r.Points)-1]; first.LatencyMS != e.MinLatencyMS() || last.LatencyMS != e.MaxLatencyMS() {
		t.Errorf("from %v to %v ms, want %v to %v", first.LatencyMS, last.LatencyMS, e.MinLatencyMS(), e.MaxLatencyMS())
	}
	for _, i := range spread(len(r.Points), 7) {
		p := r.Points[i]
		s := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", fmt.Sprintf("%vms", p.LatencyMS)))
		if *s.Architecture != p.Architecture || *s.PredictedAccuracy != p.PredictedAccuracy {
			t.Errorf("search within %v ms disagrees with the frontier", p.LatencyMS)
		}
	}
}

func TestParetoCSV(t *testing.T) {
	r := decode[paretoJSON](t, mustRun(t, "pareto", "--json"))
	rows, err := csv.NewReader(strings.NewReader(mustRun(t, "pareto", "--csv"))).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != len(r.Points)+1 || strings.Join(rows[0], ",") != "latency_ms,predicted_accuracy,architecture" {
		t.Fatalf("%d rows, heading %q", len(rows), rows[0])
	}
	for i, p := range r.Points {
		want := []string{fmt.Sprint(p.LatencyMS), fmt.Sprint(p.PredictedAccuracy), p.Architecture}
		if strings.Join(rows[i+1], "|") != strings.Join(want, "|") {
			t.Fatalf("row %d is %q, want %q", i+1, rows[i+1], want)
		}
	}
}

func TestParetoText(t *testing.T) {
	e := defaultEngine(t)
	r := decode[paretoJSON](t, mustRun(t, "pareto", "--json"))
	text := mustRun(t, "pareto")
	for _, want := range []string{"┤", fmt.Sprintf("%d networks, proved", len(r.Points)), e.AccuracySource(), fmt.Sprintf("%.3f", r.Points[0].LatencyMS)} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

func TestParetoFigures(t *testing.T) {
	dir := t.TempDir()
	svg, picture := filepath.Join(dir, "a.svg"), filepath.Join(dir, "a.PNG")
	if out := mustRun(t, "pareto", "--figure", svg); out != "written to "+svg+"\n" {
		t.Errorf("printed %q", out)
	}
	data, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	texts := 0
	for d := xml.NewDecoder(bytes.NewReader(data)); ; {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if s, ok := token.(xml.StartElement); ok && s.Name.Local == "text" {
			texts++
		}
	}
	if texts < 12 || !bytes.Contains(data, []byte("best predicted")) {
		t.Errorf("%d texts in the figure", texts)
	}
	mustRun(t, "pareto", "--figure", picture, "--json")
	f, err := os.Open(picture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	image, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	drawn := 0
	for y := range image.Bounds().Dy() {
		for x := range image.Bounds().Dx() {
			if image.At(x, y) == (color.RGBA{R: 0x1f, G: 0x5f, B: 0xa8, A: 0xff}) {
				drawn++
			}
		}
	}
	if drawn < image.Bounds().Dx()/2 {
		t.Errorf("%d pixels of the frontier", drawn)
	}
	if left, _ := os.ReadDir(dir); len(left) != 2 {
		t.Errorf("files left behind: %v", left)
	}
}

func TestReport(t *testing.T) {
	text := mustRun(t)
	if !strings.Contains(text, "┤") || !strings.Contains(text, "proved") {
		t.Errorf("report:\n%s", text)
	}
	if plain := mustRun(t, "--plain"); !strings.HasPrefix(plain, text) || !strings.Contains(plain, "help lists them") {
		t.Errorf("plain mode does not begin with the report and go on to its commands:\n%s", plain)
	}
	e := defaultEngine(t)
	if limited := mustRun(t, "--plain", "--limit", fmt.Sprintf("%vms", e.MinLatencyMS())); !strings.Contains(limited, "[['ds_") {
		t.Errorf("report for a limit:\n%s", limited)
	}
}

// The frontier as a page to send.
func TestParetoPage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "frontier.html")
	for range 2 { // it is replaced
		if out := mustRun(t, "pareto", "--html", file); out != "written to "+file+"\n" {
			t.Errorf("printed %q", out)
		}
	}
	if out := mustRun(t, "pareto", "--html", os.DevNull); out != "" { // it may be /dev/stdout
		t.Errorf("printed %q beside the page", out)
	}
	settings := filepath.Join(t.TempDir(), "settings.json")
	if err := os.WriteFile(settings, []byte(`{"format": "binas-tui-run"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	if r := runCLI(t, "pareto", "--html", settings); r.code != exitUsage || !strings.Contains(r.err, "settings.json is there and is not an HTML page: name another file") {
		t.Errorf("%+v", r)
	}
	text, err := os.ReadFile(file)
	if err != nil || !strings.HasSuffix(string(text), "</html>\n") {
		t.Errorf("%d bytes: %v", len(text), err)
	}
}
