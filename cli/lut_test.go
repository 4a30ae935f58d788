package cli

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/onnx"
)

func loadLUT(t *testing.T, name string) *latency.LUT {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := latency.DecodeLUT(data)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLUTConvert(t *testing.T) {
	name := defaultEngine(t).LUTName
	dir := t.TempDir()
	first, pickle, second := filepath.Join(dir, "a.json"), filepath.Join(dir, "b.pkl"), filepath.Join(dir, "c.json")
	mustRun(t, "lut", "convert", name, first)
	r := runCLI(t, "lut", "convert", first, pickle)
	if r.code != 0 || r.out != "" || !strings.Contains(r.err, "no room for") || strings.Count(r.err, "\n") != 1 {
		t.Fatalf("%+v", r)
	}
	mustRun(t, "lut", "convert", pickle, second)
	a, c := loadLUT(t, first), loadLUT(t, second)
	if len(a.Blocks) != 120 || len(c.Blocks) != len(a.Blocks) {
		t.Fatalf("%d blocks, then %d", len(a.Blocks), len(c.Blocks))
	}
	for key, m := range a.Blocks {
		if d := c.Blocks[key].MedianMS/m.MedianMS - 1; d > 1e-12 || d < -1e-12 {
			t.Errorf("%s: %v ms became %v ms", key, m.MedianMS, c.Blocks[key].MedianMS)
		}
	}
	viaOut := runCLI(t, "lut", "convert", first, "-", "--to", "pkl").out
	if data, err := os.ReadFile(pickle); err != nil || viaOut != string(data) {
		t.Errorf("standard output and file differ (%v)", err)
	}
	mustRun(t, "lut", "convert", pickle, pickle, "--to", "json") // in place
	if b := loadLUT(t, pickle); len(b.Blocks) != 120 {
		t.Errorf("%d blocks after converting in place", len(b.Blocks))
	}
}

// A table that is less certain than it should be says so wherever it is used.
func TestDisturbedTable(t *testing.T) {
	const name = "ort-cpu-224-2t"
	lut, err := explore.LoadLUT(name)
	if err != nil || lut.Quality.Disturbed == "" {
		t.Fatalf("the table is certain, or there is none: %v", err)
	}
	why := lut.Quality.Disturbed
	if text := mustRun(t, "lut", "show", name); !strings.Contains(text, why) {
		t.Errorf("lut show:\n%s", text)
	}
	if text := mustRun(t, "search", "--limit", "5ms", "--lut", name); !strings.Contains(text, "less certain than it should be") {
		t.Errorf("search:\n%s", text)
	}
	if r := decode[explore.SearchReport](t, mustRun(t, "search", "--limit", "5ms", "--lut", name, "--json")); r.Disturbed != why {
		t.Errorf("search --json: %q", r.Disturbed)
	}
}

func TestLUTShow(t *testing.T) {
	e := defaultEngine(t)
	text := mustRun(t, "lut", "show")
	if text != mustRun(t, "lut", "show", e.LUTName) {
		t.Error("the default is not the profile's table")
	}
	if !strings.Contains(text, e.LUT.Provenance.Source) || strings.Count(text, "\nstage ") != 2*len(e.Space.Stages) {
		t.Errorf("lut show:\n%s", text)
	}
	if !strings.Contains(text, "in-context") || !strings.Contains(text, "a block is certain to ±") || strings.Contains(text, "disturbed") {
		t.Errorf("how well it was measured:\n%s", text)
	}
	file := writeTemp(t, "a.json", []byte(mustRun(t, "lut", "show", "--json")))
	if again := loadLUT(t, file); len(again.Blocks) != len(e.LUT.Blocks) {
		t.Errorf("JSON has %d blocks, want %d", len(again.Blocks), len(e.LUT.Blocks))
	}
}

func TestFitPublished(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.safetensors")
	if text := mustRun(t, "fit", "--published", "--predictor-ckpt", file); !strings.Contains(text, "12 published networks") {
		t.Errorf("fit printed:\n%s", text)
	}
	builtIn := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", "30ms"))
	fitted := decode[searchJSON](t, mustRun(t, "search", "--json", "--limit", "30ms", "--predictor", file))
	if *builtIn.Architecture != *fitted.Architecture {
		t.Error("the built-in predictor is not what fit --published writes")
	}
}

func TestDoctor(t *testing.T) {
	e := defaultEngine(t)
	text := mustRun(t, "doctor")
	where := onnx.EnvLibrary
	if !onnx.CanRun() {
		where = onnx.ErrNoCgo.Error()
	}
	for _, want := range []string{"Profiles", e.LUTName, e.PredictorName, "Terminal", "not a terminal", "ONNX Runtime", where} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}

// A BINAS table in milliseconds is refused, unless somebody says what it is.
func TestLUTConvertUnit(t *testing.T) {
	lut, err := explore.LoadLUT("ort-cpu-224-1t")
	if err != nil {
		t.Fatal(err)
	}
	first := lut.Fixed.MedianMS
	lut.Fixed.MedianMS *= 1000
	for key, m := range lut.Blocks {
		lut.Blocks[key] = latency.Measurement{MedianMS: m.MedianMS * 1000}
	}
	inMS, _, err := latency.EncodePickle(lut)
	if err != nil {
		t.Fatal(err)
	}
	file, out := writeTemp(t, "ms.pkl", inMS), filepath.Join(t.TempDir(), "out.json")
	for _, c := range []struct{ args, want string }{
		{"lut show " + file, "were milliseconds written? Say which it is: binas-tui lut convert --unit ms"},
		{"search --limit 5ms --lut " + file, "were milliseconds written"},
		{"lut convert --unit us " + file + " " + out, "expected s or ms"},
		{"lut convert --unit ms ort-cpu-224-1t " + out, "this program's own tables are in milliseconds"},
	} {
		if r := runCLI(t, strings.Fields(c.args)...); r.code != 2 || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, %q; want 2 and one line with %q", c.args, r.code, r.err, c.want)
		}
	}
	for unit, factor := range map[string]float64{"ms": 1, "s": 1000} {
		mustRun(t, "lut", "convert", "--unit", unit, file, out)
		if got := loadLUT(t, out).Fixed.MedianMS; math.Abs(got/(first*factor)-1) > 1e-9 {
			t.Errorf("unit %s: the fixed part is %v ms, expected %v", unit, got, first*factor)
		}
	}
}

// A byte order mark, as some editors put in front of text, does no harm.
func TestByteOrderMarks(t *testing.T) {
	const mark = "\ufeff"
	lut, err := explore.LoadLUT("ort-cpu-32-1t")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := latency.EncodeLUT(lut)
	if err != nil {
		t.Fatal(err)
	}
	show := func(data []byte) string {
		_, text, _ := strings.Cut(mustRun(t, "lut", "show", writeTemp(t, "lut.json", data)), "\n") // behind its name
		return text
	}
	if have, want := show(append([]byte(mark), ours...)), show(ours); have != want {
		t.Errorf("with a mark %q, without %q", have, want)
	}
	arch := mustRun(t, "search", "--limit", "5ms", "--json")
	folder := t.TempDir()
	mustRun(t, "export", writeTemp(t, "arch.json", []byte(mark+arch)), "--onnx", filepath.Join(folder, "a.onnx"))
	if r := runCLIWith(t, mark+arch, "export", "-", "--onnx", filepath.Join(folder, "b.onnx")); r.code != 0 {
		t.Error(r.err)
	}
}
