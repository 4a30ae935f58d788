package cli

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// A network quantised after training answers nearly as in floats, says what it
// cost and gained, and the file's accuracy is the one that is said.
func TestExportInt8(t *testing.T) {
	onnxtest.Require(t)
	arch, dir := supernetChildren(t)[0], t.TempDir()
	data, _ := datatest.Twins(t, 32, 10, 60, 40)
	type report struct {
		exportJSON
		Precision string
		Quantised struct {
			Calibration       string
			CalibrationImages int `json:"calibration_images"`
			Images            int
			Top1              float64
			FP32Top1          float64 `json:"fp32_top1"`
			LatencyMS         float64 `json:"latency_ms"`
			FP32LatencyMS     float64 `json:"fp32_latency_ms"`
			Speedup           float64
		}
	}
	floats := filepath.Join(dir, "fp32.onnx")
	runCLI(t, "export", arch, "--onnx", floats, "--checkpoint", supernetFile, "--image-size", "32", "--batch", "4")
	images := npyFile(t, "x32.npy")
	want := answerTo(t, floats, func(x []float32) { copy(x, images) })
	for calibration, how := range map[string]string{"percentile": "percentile 99.9", "entropy": "entropy"} {
		file := filepath.Join(dir, calibration+".onnx")
		args := []string{"export", arch, "--onnx", file, "--checkpoint", supernetFile, "--image-size", "32", "--batch", "4", "--precision", "int8", "--data", data,
			"--calibration", calibration, "--calibration-images", "50", "--json"}
		if calibration == "percentile" {
			args = append(args, "--percentile", "99.9")
		}
		r := decode[report](t, runCLI(t, args...).out)
		q := r.Quantised
		if r.Precision != "int8" || q.Calibration != how || q.CalibrationImages != 50 || q.Images != 40 || !(q.LatencyMS > 0) || math.Abs(q.Speedup-q.FP32LatencyMS/q.LatencyMS) > 1e-9 {
			t.Errorf("%s: %+v", calibration, r)
		}
		var dot, a, b float64
		for i, v := range answerTo(t, file, func(x []float32) { copy(x, images) }) {
			dot, a, b = dot+float64(v*want[i]), a+float64(v*v), b+float64(want[i]*want[i])
		}
		if cosine := dot / math.Sqrt(a*b); !(cosine > 0.9) {
			t.Errorf("%s: cosine of answers %.3f", calibration, cosine)
		}
		bytes, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		meta, err := onnx.ModelMetadata(bytes)
		if err != nil || meta["precision"] != "int8" || meta["top1_images"] != "40" || !strings.HasPrefix(meta["calibration"], how+" of 50 images") {
			t.Errorf("%s: metadata %v, %v", calibration, meta, err)
		}
		v := decode[struct{ Top1 float64 }](t, runCLI(t, "validate", "--checkpoint", file, "--data", data, "--json").out)
		if math.Abs(v.Top1-q.Top1) > 1e-9 {
			t.Errorf("%s: validate says top-1 %v, the export %v", calibration, v.Top1, q.Top1)
		}
		for args, want := range map[string]string{"export " + file + " --precision int8": "quantised already", "export --checkpoint " + file + " --precision int8 --data digits": "quantised already", "export " + floats: "is an ONNX file: export starts from"} {
			if r := runCLI(t, append(strings.Fields(args), "--onnx", filepath.Join(dir, "none.onnx"))...); r.code != 2 || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
				t.Errorf("%s: exit code %d, error %q", args, r.code, r.err)
			}
		}
	}

	// Trained as integers, it is exported with the ranges and the accuracy of training.
	tuned := filepath.Join(dir, "tuned")
	finetune := []string{"finetune", "--quantize", "int8", "--arch", arch, "--checkpoint", supernetFile, "--data", data, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--train-percent", "100", "--json"}
	if r := runCLI(t, append(finetune, "--teacher", supernetFile, "--out", tuned)...); r.code != exitUsage || !strings.Contains(r.err, "no teacher beside them") {
		t.Errorf("with a teacher: exit code %d, error %q", r.code, r.err)
	}
	if r := runCLI(t, append(finetune, "--out", tuned)...); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	weights := filepath.Join(tuned, "finetuned.safetensors")
	c, err := supernet.Load(weights)
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := training.KnownOf(c.Meta)
	if err != nil || len(k.Scores) != 1 {
		t.Fatalf("%v, %+v", err, k.Scores)
	}
	export := []string{"export", "--onnx", filepath.Join(dir, "tuned.onnx"), "--checkpoint", weights, "--batch", "4", "--data", data, "--json"}
	r := decode[report](t, mustRun(t, append(export, "--precision", "int8")...))
	if q := r.Quantised; q.Calibration != "fine-tuning that was quantised" || q.CalibrationImages != 0 || math.Abs(q.Top1-k.Scores[0].Top1) > 2.6 { // an image
		t.Errorf("%+v, in training top-1 was %v", q, k.Scores[0].Top1)
	}
	for _, of := range [][]string{{"--checkpoint", weights, "--data", data}, {"--run", tuned}} { // not what it is trained to be
		v := decode[struct{ Notes []string }](t, runCLI(t, append([]string{"validate", "--json"}, of...)...).out)
		if !slices.ContainsFunc(v.Notes, func(n string) bool {
			return strings.HasPrefix(n, "evaluated in floats: the weights were fine-tuned for int8")
		}) {
			t.Errorf("validate %v: notes %q", of, v.Notes)
		}
	}

	one, _ := datatest.Twins(t, 32, 4, 8, 4)
	for args, want := range map[string]string{
		"--precision int8 --data " + data:                                                              "needs trained weights",
		"--precision int8 --checkpoint " + supernetFile:                                                "needs --data",
		"--precision nonsense --checkpoint " + supernetFile:                                            "nonsense",
		"--precision int4":                                                                             "int4",
		"--precision int8 --check x.png --data x --checkpoint " + supernetFile:                         "--check is for precision fp32",
		"--calibration entropy":                                                                        "--calibration is for precision int8",
		"--precision int8 --data nowhere --checkpoint " + supernetFile:                                 "no such file",
		"--precision int8 --data " + one + " --checkpoint " + supernetFile + " --image-size 32":        "classes",
		"--precision int8 --data " + data + " --checkpoint " + supernetFile + " --percentile 10":       "90 to 100",
		"--precision int8 --calibration entropy --percentile 99 --data x --checkpoint " + supernetFile: "--percentile is for --calibration percentile",
	} {
		r := runCLI(t, append([]string{"export", arch, "--onnx", filepath.Join(dir, "none.onnx")}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, want) {
			t.Errorf("%s: exit code %d, error %q; want %q", args, r.code, r.err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none.onnx")); err == nil {
		t.Error("a refused export left a file")
	}
}
