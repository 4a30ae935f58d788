package cli

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// A network in halves is half as large and answers nearly as in floats; what that
// costs is what validate says of the file.
func TestExportHalf(t *testing.T) {
	onnxtest.Require(t)
	arch, dir := supernetChildren(t)[0], t.TempDir()
	data, _ := datatest.Twins(t, 32, 10, 60, 40)
	floats, half := filepath.Join(dir, "fp32.onnx"), filepath.Join(dir, "fp16.onnx")
	args := []string{"export", arch, "--checkpoint", supernetFile, "--image-size", "32", "--batch", "4", "--json", "--onnx"}
	type report struct {
		Bytes     int
		Precision string
		Halved    *struct {
			Images   int
			Top1     float64
			FP32Top1 float64 `json:"fp32_top1"`
		}
	}
	whole := decode[report](t, runCLI(t, append(args, floats)...).out)
	r := decode[report](t, runCLI(t, append(args, half, "--precision", "fp16", "--data", data)...).out)
	if r.Precision != "fp16" || r.Halved == nil || r.Halved.Images != 40 || r.Bytes > whole.Bytes*6/10 {
		t.Errorf("%+v, in floats %+v", r, whole)
	}
	images := npyFile(t, "x32.npy")
	fill := func(x []float32) { copy(x, images) }
	want, worst, size := answerTo(t, floats, fill), 0.0, 0.0
	for i, v := range answerTo(t, half, fill) {
		worst, size = max(worst, math.Abs(float64(v-want[i]))), max(size, math.Abs(float64(want[i])))
	}
	if worst == 0 || worst > size/50 {
		t.Errorf("answers of up to %v differ by %v", size, worst)
	}
	for file, top1 := range map[string]float64{floats: r.Halved.FP32Top1, half: r.Halved.Top1} {
		v := decode[struct{ Top1 float64 }](t, runCLI(t, "validate", "--checkpoint", file, "--data", data, "--json").out)
		if math.Abs(v.Top1-top1) > 1e-9 {
			t.Errorf("%s: validate says top-1 %v, the export %v", file, v.Top1, top1)
		}
	}
	written, err := os.ReadFile(half)
	if err != nil {
		t.Fatal(err)
	}
	if meta, err := onnx.ModelMetadata(written); err != nil || meta["precision"] != "fp16" || meta["top1_images"] != "40" {
		t.Errorf("metadata %v, %v", meta, err)
	}
	for args, want := range map[string]string{
		"--data " + data: "--data needs trained weights",
		"--calibration entropy --checkpoint " + supernetFile:          "--calibration is for precision int8",
		"--check x.png --checkpoint " + supernetFile:                  "--check is for precision fp32",
		"--data nowhere --image-size 32 --checkpoint " + supernetFile: "no such file",
	} {
		r := runCLI(t, append([]string{"export", arch, "--precision", "fp16", "--onnx", filepath.Join(dir, "none.onnx")}, strings.Fields(args)...)...)
		if r.code != 2 || !strings.Contains(r.err, want) || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%s: exit code %d, error %q; want %q", args, r.code, r.err, want)
		}
	}
}
