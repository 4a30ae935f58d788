package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/latency"
)

// ownData gives the test a data folder of its own.
func ownData(t *testing.T) string {
	t.Helper()
	return hometest.Own(t, "XDG_DATA_HOME")
}

// A table measured by name is known by that name, calibrated in place, and
// leaves nothing behind but itself.
func TestLUTMeasureVerifyCalibrate(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for several seconds")
	}
	onnxtest.Require(t)
	ownData(t)
	r := decode[measuredReport](t, runBusy(t, "lut", "measure", "--out", "mine", "--image-size", "32", "--networks", "24", "--json"))
	dir := filepath.Join(explore.DataDir(), "luts")
	if r.File != filepath.Join(dir, "mine.json") || r.Blocks != 120 || r.Threads != 1 || r.Rounds != 24 || r.Method != latency.InContext || r.Quality == nil || !r.Quality.Traced || !(r.FixedMS > 0) || r.ImageSize != 32 {
		t.Errorf("%+v", r)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder of tables holds %v, %v", entries, err)
	}
	lut := loadLUT(t, r.File)
	if p := lut.Provenance; p.Name != "mine" || p.Space != "mobilenasnet" || p.Device != "cpu" || !strings.HasPrefix(p.Runtime, "ONNX Runtime 1.") || p.Processor == "" || p.Date.IsZero() {
		t.Errorf("provenance %+v", p)
	}
	if out := mustRun(t, "lut", "show", "mine"); !strings.Contains(out, "at 32 pixels") {
		t.Errorf("lut show:\n%s", out)
	}

	figure := filepath.Join(t.TempDir(), "v.svg")
	type verification struct {
		Networks             int
		Level, MAPE, Kendall *float64
		ShapeMAPE            *float64 `json:"shape_mape"`
		CeilingMAPE          *float64 `json:"ceiling_mape"`
		CeilingKendall       *float64 `json:"ceiling_kendall"`
		Worst                *float64
		Slope                *float64
		InterceptMS          *float64 `json:"intercept_ms"`
		FittedOn             int      `json:"fitted_on"`
		File                 string
		Checks               []struct {
			Name             string
			Architecture     string
			PredictedMS      float64 `json:"predicted_ms"`
			MeasuredMS       float64 `json:"measured_ms"`
			Error            float64
			PredictedErrorMS float64 `json:"predicted_error_ms"`
			MeasuredErrorMS  float64 `json:"measured_error_ms"`
		}
	}
	v := decode[verification](t, runBusy(t, "lut", "verify", "--lut", "mine", "--networks", "6", "--rounds", "2", "--json", "--figure", figure))
	if v.Networks != 6 || len(v.Checks) != 6 || v.MAPE == nil || v.Kendall == nil || v.Worst == nil || v.Slope == nil || v.InterceptMS == nil || *v.Worst < *v.MAPE ||
		v.Level == nil || v.ShapeMAPE == nil || *v.ShapeMAPE > *v.MAPE+1e-9 && *v.Level > 1.2 || v.CeilingMAPE == nil || v.CeilingKendall == nil {
		t.Fatalf("%+v", v)
	}
	published, sum := 0, 0.0
	for i, c := range v.Checks {
		if c.Name != "" {
			published++
		}
		if d := c.PredictedMS/c.MeasuredMS - 1 - c.Error; d > 1e-9 || d < -1e-9 {
			t.Errorf("%+v", c)
		}
		if !(c.PredictedErrorMS > 0) || !(c.MeasuredErrorMS > 0) {
			t.Errorf("standard errors of %+v", c)
		}
		if i > 0 && c.MeasuredMS < v.Checks[i-1].MeasuredMS {
			t.Errorf("networks are not by rising latency: %+v", v.Checks)
		}
		sum += max(c.Error, -c.Error) / 6
	}
	if d := sum - *v.MAPE; published != 3 || d > 1e-9 || d < -1e-9 {
		t.Errorf("%d published, MAPE %v and %v", published, sum, *v.MAPE)
	}
	if svg, err := os.ReadFile(figure); err != nil || !bytes.Contains(svg, []byte("<svg")) || !bytes.Contains(svg, []byte("published networks")) {
		t.Errorf("figure: %v", err)
	}
	if again := loadLUT(t, r.File); again.Calibration.Set() {
		t.Error("verify without --calibrate changed the table")
	}

	if refused := runCLI(t, "lut", "verify", "--lut", "mine", "--calibrate"); refused.code != 2 || !strings.Contains(refused.err, "needs no calibration") {
		t.Errorf("calibrating a table in context: %+v", refused)
	}

	r = decode[measuredReport](t, runBusy(t, "lut", "measure", "--out", "alone", "--method", "isolated", "--image-size", "32", "--rounds", "1", "--json"))
	if lut = loadLUT(t, r.File); r.Method != latency.Isolated || r.Quality != nil || r.Rounds != 1 || lut.Provenance.Method != latency.Isolated {
		t.Errorf("%+v, %+v", r, lut.Provenance)
	}
	other := writeTemp(t, "other.json", []byte(`{"a":1}`))
	if refused := runCLI(t, "lut", "verify", "--lut", "alone", "--calibrate", "--out", other); refused.code != exitUsage || !strings.Contains(refused.err, "other.json is there and is not a latency table") {
		t.Errorf("a file of another kind: %+v", refused)
	}
	c := decode[verification](t, runBusy(t, "lut", "verify", "--lut", "alone", "--calibrate", "--networks", "6", "--rounds", "1", "--json"))
	if c.CeilingMAPE != nil || c.CeilingKendall != nil {
		t.Errorf("a ceiling of one round: %v, %v", *c.CeilingMAPE, *c.CeilingKendall)
	}
	calibrated := loadLUT(t, r.File)
	if got := calibrated.Calibration; got.Slope != *c.Slope || got.InterceptMS != *c.InterceptMS || got.Networks != 3 || c.FittedOn != 3 || c.File != r.File || got.MAPE != *c.MAPE {
		t.Errorf("%+v is stored, %+v reported", got, c)
	}
	if calibrated.Fixed != lut.Fixed || len(calibrated.Blocks) != 120 {
		t.Error("calibrating changed what was measured")
	}
	// The same network is predicted by the line now.
	type network struct {
		MedianMS    float64  `json:"median_ms"`
		PredictedMS *float64 `json:"predicted_ms"`
	}
	arch := c.Checks[0].Architecture
	n := decode[network](t, runBusy(t, "measure", arch, "--lut", "alone", "--rounds", "1", "--json"))
	if d := *n.PredictedMS - c.Checks[0].PredictedMS; d > 1e-9 || d < -1e-9 {
		t.Errorf("measure predicts %v ms, verify %v ms", *n.PredictedMS, c.Checks[0].PredictedMS)
	}
}

// What cannot be written is told before anything is measured.
func TestLUTMeasureUnwritable(t *testing.T) {
	onnxtest.Require(t)
	dir := t.TempDir()
	for _, c := range []struct {
		out, want string
		code      int
	}{
		{filepath.Join(dir, "none", "a.json"), "--out: not a file to write: " + filepath.Join(dir, "none", "a.json"), exitUsage},
		{dir, "--out: not a file to write: " + dir, exitUsage},
		{"/dev/full", "--out: not a file to write: /dev/full: no space left on device", exitUsage},
	} {
		out := c.out
		if _, err := os.Stat("/dev/full"); out == "/dev/full" && err != nil {
			continue
		}
		start := time.Now()
		r := runCLI(t, "lut", "measure", "--out", out, "--folder", filepath.Join(dir, "run"), "--image-size", "32")
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%s: %+v", out, r)
		}
		if _, err := os.Stat(filepath.Join(dir, "run")); err == nil {
			t.Errorf("%s: measuring began (%v)", out, time.Since(start))
		}
	}
}

// A run that was begun with other settings is not gone on with.
func TestLUTMeasureOtherSettings(t *testing.T) {
	onnxtest.Require(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "run")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "measure.jsonl"), []byte(`{"version":4,"kind":"context","space":"mobilenasnet","image_size":64}`+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	r := runCLI(t, "lut", "measure", "--out", filepath.Join(dir, "a.json"), "--folder", folder, "--image-size", "32")
	if r.code != 2 || !strings.Contains(r.err, "image_size is 64 there and 32 now") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("%+v", r)
	}
	if _, err := os.Stat(filepath.Join(folder, "measure.jsonl")); err != nil {
		t.Error("the other run is gone")
	}
}

func TestNewLUTFile(t *testing.T) {
	ownData(t)
	f, err := newLUTFile("laptop")
	if err != nil || !f.named || f.path != filepath.Join(explore.DataDir(), "luts", "laptop.json") || f.name != "laptop" || f.pickle {
		t.Errorf("%+v, %v", f, err)
	}
	for out, want := range map[string]lutFile{
		"./laptop":    {path: "./laptop", name: "laptop", folder: "./laptop.run"},
		"a/b.json":    {path: "a/b.json", name: "b", folder: "a/b.json.run"},
		"phone.PKL":   {path: "phone.PKL", name: "phone", folder: "phone.PKL.run", pickle: true},
		"/dev/null":   {path: "/dev/null", name: "null"},
		"phone.1.txt": {path: "phone.1.txt", name: "phone.1", folder: "phone.1.txt.run"},
	} {
		if f, err := newLUTFile(out); err != nil || f != want {
			t.Errorf("%s: %+v, %v; want %+v", out, f, err, want)
		}
	}
}
