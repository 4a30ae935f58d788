package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
)

// runBusy runs a command that measures, on a machine that may be busy: an
// inconclusive measurement is said to be one, prints no numbers, and is
// repeated a few times.
func runBusy(t *testing.T, args ...string) (out string) {
	t.Helper()
	onnxtest.Require(t)
	timetest.Measured(t, func() bool {
		r := runCLI(t, args...)
		out = r.out
		if r.code == 0 {
			return true
		}
		if r.code != 1 || !strings.Contains(r.err, "inconclusive") || r.out != "" {
			t.Fatalf("%q: exit code %d, output %q, error %q", args, r.code, r.out, r.err)
		}
		return false
	})
	return out
}

// tinyNetwork is quick to measure and of no space.
const tinyNetwork = "[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k3_s2_e3_c24_nre_se0.25'], ['cn_r1_k1_s1_c64']]"

func TestMeasureNetwork(t *testing.T) {
	type report struct {
		MedianMS     float64  `json:"median_ms"`
		MinMS        float64  `json:"min_ms"`
		Spread       *float64 `json:"spread"`
		PredictedMS  *float64 `json:"predicted_ms"`
		NoPrediction string   `json:"no_prediction"`
		Threads      int      `json:"threads"`
		Batch        int      `json:"batch"`
		ImageSize    int      `json:"image_size"`
		Rounds       int      `json:"rounds"`
	}
	file := writeTemp(t, "tiny.txt", []byte(tinyNetwork+"\n"))
	for _, arch := range []string{tinyNetwork, file} {
		r := decode[report](t, runBusy(t, "measure", arch, "--json", "--rounds", "2", "--image-size", "48", "--batch", "2"))
		if !(r.MinMS > 0) || !(r.MedianMS > 0) || r.Spread == nil || r.Threads != 1 || r.Batch != 2 || r.ImageSize != 48 || r.Rounds != 2 {
			t.Errorf("%+v", r)
		}
		if r.PredictedMS != nil || r.NoPrediction == "" {
			t.Errorf("a network of no space is predicted: %+v", r)
		}
	}
	if text := runBusy(t, "measure", tinyNetwork, "--rounds", "2", "--image-size", "48", "--precision", "int8"); !strings.Contains(text, "cpu, int8, 1 thread") {
		t.Errorf("text:\n%s", text)
	}
	if text := runBusy(t, "measure", tinyNetwork, "--rounds", "2", "--image-size", "48"); !strings.Contains(text, "over 2 rounds") || !strings.Contains(text, "not by") {
		t.Errorf("text:\n%s", text)
	}
}

// A prediction is given where the table is about this network measured in this
// way; else it says what differs.
func TestPrediction(t *testing.T) {
	lut, s := syntheticLUT(t, 32, nil)
	lut.Provenance.Threads, lut.Provenance.Batch, lut.Provenance.Device = 2, 1, "cpu"
	arch := s.Architecture(latency.RandomNetworks(s, 1, 3)[0])
	path, err := s.Path(arch)
	if err != nil {
		t.Fatal(err)
	}
	table, err := lut.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	good := networkReport{Threads: 2, Batch: 1, Target: "cpu", ImageSize: 32, Precision: onnx.FP32}
	r := good
	if r.predict(lut, arch); r.PredictedMS == nil || float64(*r.PredictedMS) != table.LatencyMS(s, path) || r.NoPrediction != "" {
		t.Errorf("%+v", r)
	}
	tiny, err := model.ParseArchitecture(tinyNetwork)
	if err != nil {
		t.Fatal(err)
	}
	r = good
	if r.predict(lut, tiny); r.PredictedMS != nil || !strings.Contains(r.NoPrediction, "not of mobilenasnet") {
		t.Errorf("%+v", r)
	}
	for want, change := range map[string]func(*networkReport){
		"2 threads": func(r *networkReport) { r.Threads = 1 }, "batch 1": func(r *networkReport) { r.Batch = 8 },
		"32 pixels": func(r *networkReport) { r.ImageSize = 224 }, "target cpu": func(r *networkReport) { r.Target = "cuda" },
		"for fp32": func(r *networkReport) { r.Precision = onnx.INT8 },
	} {
		r := good
		change(&r)
		r.predict(lut, arch)
		if r.PredictedMS != nil || !strings.Contains(r.NoPrediction, want) {
			t.Errorf("want %q: %+v", want, r)
		}
		if data, err := json.Marshal(r); err != nil || !strings.Contains(string(data), `"predicted_ms":null`) {
			t.Errorf("JSON %s, %v", data, err)
		}
	}
}

func TestMeasuringBadInput(t *testing.T) {
	file := writeTemp(t, "bad.txt", []byte("[['ir_r1_k3_c8'], nonsense]"))
	pickle := filepath.Join(t.TempDir(), "table.pkl")
	if r := runCLI(t, "lut", "convert", "ort-cpu-224-1t", pickle); r.code != 0 {
		t.Fatal(r.err)
	}
	table := filepath.Join("..", "latency", "testdata", "isolated.json")
	folder := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"measure", 2, "needs the architecture"},
		{"measure nowhere", 2, "nor a file that is there"},
		{"measure " + folder, 2, "not a regular file"},
		{"measure " + file, 2, "position"},
		{"measure [", 2, "ARCH: architecture string"},
		{"measure " + file + " --target quantum", 2, "expected one of"},
		{"measure " + file + " --device cuda:x", 2, "expected cuda:0 to cuda:255"},
		{"measure " + file + " --device cpu:1", 2, "cpu has no numbers"},
		{"measure " + file + " --device cpu --target cpu", 2, "expected one of them"},
		{"lut measure --out a.json --precision fp16", 2, "fp16 is for cards such as cuda"},
		{"search --limit 45ms --device cuda", 2, "--device is for --on-device"},
		{"search --limit 45ms --on-device --device cuda", 2, "the table was measured on cpu"},
		{"doctor --install-onnxruntime rocm", 2, "expected cpu or cuda"},
		{"doctor cuda", 2, "takes no arguments"},
		{"measure " + file + " --threads 0", 2, "--threads 0: expected 1 to"},
		{"measure " + file + " --threads -2", 2, "expected 1 to"},
		{"measure " + file + " --batch 0", 2, "--batch 0"},
		{"measure " + file + " --rounds 0", 2, "--rounds 0"},
		{"measure " + file + " --image-size 8", 2, "--image-size 8: expected 16 to"},
		{"measure " + file + " --lut nowhere", 2, "position"},
		{"measure - --lut nowhere", 2, "standard input: architecture string"},
		{"lut measure", 2, "--out"},
		{"lut measure --out ort-cpu-224-1t", 2, "a built-in table has that name"},

		{"lut measure --out a.json --space nonsense", 2, "expected mobilenasnet"},
		{"lut measure --out a.json --image-size 1", 2, "expected 16 to"},
		{"lut measure --out a.json --seed x", 2, "whole number"},
		{"lut measure --out a.json --precision int4", 2, "--precision: precision \"int4\": expected one of [fp32 fp16 int8]"},
		{"lut measure --out a.json --precision int8 --target cuda", 2, "int8 is for cpu"},
		{"lut measure --out a.json --precision int8 --method isolated", 2, "blocks alone are measured in fp32"},
		{"lut measure a.json", 2, "takes no arguments"},
		{"lut verify --networks 1", 2, "expected 2 to"},
		{"lut verify --networks 100000", 2, "expected 2 to"},
		{"lut verify --figure a.pdf", 2, ".svg or .png"},
		{"lut verify --out a.json", 2, "--calibrate"},
		{"lut verify --lut nowhere", 2, "no such file"},
		{"lut verify --lut " + table + " --calibrate --out a.pkl", 2, "no room for a calibration"},
		{"lut verify --lut " + pickle + " --calibrate", 2, "give --out"},
		{"lut verify --lut ort-cpu-224-1t --calibrate", 2, "needs no calibration"},
		{"lut compare a", 2, "the second table"},
		{"lut compare nowhere nowhere", 2, "no such file"},
		{"lut compare ort-cpu-224-1t " + file, 2, "bad.txt"},
	} {
		r := runCLI(t, strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("binas-tui %s: exit code %d, output %q, error %q; want code %d and one line with %q",
				c.args, r.code, r.out, r.err, c.code, c.want)
		}
	}
}

// An inconclusive measurement fails, other settings are wrong usage, and an
// ended one is no failure of its own.
func TestMeasureErrors(t *testing.T) {
	for _, c := range []struct {
		err  error
		code int
		want string
	}{
		{fmt.Errorf("verify: %w: busy", latency.ErrInconclusive), exitFailed, "inconclusive: busy; what helps"},
		{fmt.Errorf("run folder: %w: threads", latency.ErrRunMismatch), exitUsage, "another --folder"},
		{fmt.Errorf("new session: %w", onnx.ErrTargetUnavailable), exitUsage, "target is not available"},
		{fmt.Errorf("run: %w", onnx.ErrTensorSize), exitUsage, "larger than the device takes"},
		{fmt.Errorf("verify: %w", latency.ErrLUTMismatch), exitUsage, "does not fit"},
		{fmt.Errorf("%w: data", steps.ErrMismatch), exitUsage, "other settings"},
		{fmt.Errorf("%w: until", steps.ErrSettings), exitUsage, "until"},
	} {
		err := measureError(c.err)
		if exitCode(err) != c.code || !strings.Contains(err.Error(), c.want) || !errors.Is(err, errors.Unwrap(c.err)) {
			t.Errorf("%v: %v with exit code %d, want %q and %d", c.err, err, exitCode(err), c.want, c.code)
		}
	}
}
