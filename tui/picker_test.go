package tui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/tui/form"
)

func TestSourceLabelsTellFilesApart(t *testing.T) {
	for name, want := range map[string]string{
		"ort-cpu-224-1t":                "ort-cpu-224-1t",
		"laptop.json":                   "laptop.json",
		"./laptop.json":                 "./laptop.json",
		"luts/laptop.json":              "luts/laptop.json",
		"/home/me/runs/digits/lut.json": "digits/lut.json",
		"/lut.json":                     "/lut.json",
		"/data/runs/a-very-long-name-of-a-run/lut.json": "a-very-long-nam…f-a-run/lut.json",
	} {
		got := sourceLabel(name)
		if got != want || ansi.StringWidth(got) > form.LabelWidth {
			t.Errorf("%s: %q, expected %q", name, got, want)
		}
	}
}

// The table of a run is told from others in the header of a narrow screen, and
// leaves room for what the accuracies come from; the picker and the report have
// the whole path.
func TestTheTableOfARunHasAShortName(t *testing.T) {
	d := newDriver(t, 80, 24)
	folder := filepath.Join(t.TempDir(), "a", "deep", "folder", "of", "runs", "faces")
	file := filepath.Join(folder, "lut.json")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	data, err := latency.EncodeLUT(d.engine.LUT)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	d.run(d.openSetup(d.engine.Profile, file, d.engine.PredictorName))
	header := d.lines()[0]
	if want := " ort-cpu-224-1t measured on AMD EPYC, 1 thread · fitted on 12 published networks"; header != want {
		t.Errorf("header %q: expected %q", header, want)
	}
	d.mustSee("exploring faces/lut.json with ")
	d.send(tea.WindowSizeMsg{Width: 200, Height: 60})
	d.mustSee("ort-cpu-224-1t (faces/lut.json) 224 px measured on AMD EPYC with ONNX Runtime ")
	d.run(d.openLUTPicker())
	d.mustSee("(in use) " + file[:30])
	if r := d.newReport(""); !strings.Contains(r.markdown(), mdText(file)) {
		t.Error("the report lacks the path of the table")
	}
}

// The header says on what latencies were measured and how, and what accuracies come from.
func TestTheHeaderSaysWhereFiguresComeFrom(t *testing.T) {
	d := newDriver(t, 120, 40)
	for _, c := range []struct{ profile, want string }{
		{"imagenet", "ort-cpu-224-1t 224 px measured on AMD EPYC, 1 thread · fitted on 12 published networks"},
		{"digits", " ort-cpu-32-1t calibrated measured on AMD EPYC · fitted on 700 networks of a supernet trained on digits at 32 px"},
	} {
		if d.run(d.openSetup(c.profile, "", "")); !strings.Contains(d.lines()[0], c.want) {
			t.Errorf("%s: header %q: expected %q", c.profile, d.lines()[0], c.want)
		}
	}
}

// What run folders hold is offered beside what is known by name, and opened by
// its path.
func TestTablesOfRunsAreOffered(t *testing.T) {
	d := newDriver(t, 120, 40)
	file := filepath.Join(t.TempDir(), "faces", "lut.json")
	if err := explore.SaveLUT(file, d.engine.LUT); err != nil {
		t.Fatal(err)
	}
	d.take(steps.Found{Tables: []explore.Source{steps.TableOf(file)}})
	d.take(steps.Found{Tables: []explore.Source{steps.TableOf(file)}}) // once more is not twice
	d.run(d.openLUTPicker())
	d.mustSee("table of faces")
	if n := strings.Count(strings.Join(d.lines(), "\n"), "table of faces"); n != 1 {
		t.Errorf("it is offered %d times", n)
	}
	for range len(explore.LUTs()) {
		d.press("down")
	}
	d.press("enter")
	d.mustSee("faces/lut.json")
	if d.engine.LUTName != file {
		t.Errorf("exploring %s", d.engine.LUTName)
	}
}
