//go:build unix

package e2e

import (
	encoding "encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/onnx"
)

// largeNetwork is one of the space of width 1.2.
const largeNetwork = "[['ds_r1_k3_s1_e1_c24_nre'], ['ir_r1_k3_s2_e4_c32_nre', 'ir_r1_k5_s1_e3_c32_nre_se0.25'], " +
	"['ir_r1_k5_s2_e6_c48_nre_se0.25', 'ir_r1_k3_s1_e3_c48_nre'], ['ir_r1_k5_s2_e3_c96', 'ir_r1_k5_s1_e4_c96_se0.25'], " +
	"['ir_r1_k3_s1_e4_c136_se0.25', 'ir_r1_k5_s1_e6_c136'], ['ir_r1_k5_s2_e4_c232_se0.25', 'ir_r1_k3_s1_e3_c232_se0.25'], ['cn_r1_k1_s1_c1152']]"

// nodeModules makes sure that onnxruntime-node and sharp are there, which make test
// installs; a test without them is skipped or fails.
func nodeModules(t *testing.T) {
	t.Helper()
	needed.Program(t, "node")
	for _, name := range []string{"onnxruntime-node", "sharp"} {
		if _, err := os.Stat("node/node_modules/" + name); err != nil {
			needed.Missing(t, fmt.Errorf("%s is not installed, make node installs it: %w", name, err))
		}
	}
}

// Exported files load in onnxruntime-node and answer as they do here.
func TestNodeRuntime(t *testing.T) {
	nodeModules(t)
	names, archs := []string{"large"}, []string{largeNetwork}
	for _, n := range published.Networks() {
		if n.Family == published.BINAS {
			names, archs = append(names, n.Name), append(archs, n.Architecture.String())
		}
	}
	dir := t.TempDir()
	var files []string
	for i, arch := range archs {
		file := filepath.Join(dir, names[i]+".onnx")
		if _, errs, code := command(t, "export", arch, "--onnx", file); code != 0 {
			t.Fatalf("%s: exit code %d, %s", names[i], code, errs)
		}
		files = append(files, file)
	}
	image := make([]float32, 3*224*224)
	raw := make([]byte, 0, 4*len(image))
	for i := range image {
		image[i] = float32(i*7919%1000)/500 - 1
		raw = encoding.LittleEndian.AppendUint32(raw, math.Float32bits(image[i]))
	}
	input := filepath.Join(dir, "image.f32")
	if err := os.WriteFile(input, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("node", append([]string{"node/run.js", input}, files...)...).Output()
	if err != nil {
		if exit, ok := err.(*exec.ExitError); ok {
			t.Fatalf("node: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var answers []struct {
		Shape           []int
		Values          []float64
		Inputs, Outputs []string
	}
	if err := json.Unmarshal(out, &answers); err != nil || len(answers) != len(files) {
		t.Fatalf("%d answers, %v", len(answers), err)
	}
	for i, a := range answers {
		if !slices.Equal(a.Shape, []int{1, 1000}) || !slices.Equal(a.Inputs, []string{"image"}) || !slices.Equal(a.Outputs, []string{"logits"}) {
			t.Errorf("%s: answers of shape %v, inputs %v, outputs %v", names[i], a.Shape, a.Inputs, a.Outputs)
		}
		here := runHere(t, files[i], image)[0]
		scale, worst := 0.0, 0.0
		for j, v := range a.Values {
			scale, worst = max(scale, math.Abs(v)), max(worst, math.Abs(v-float64(here[j])))
		}
		if !(scale > 0.01) || !(worst <= 1e-5*max(1, scale)) {
			t.Errorf("%s: answers up to %v differ by %v", names[i], scale, worst)
		}
	}
}

// runHere runs a file with the library this program uses.
func runHere(t *testing.T, file string, images ...[]float32) (answers [][]float32) {
	t.Helper()
	if _, err := onnx.Open(library(t)); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := onnx.NewSession(data, onnx.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	for _, image := range images {
		copy(x, image)
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		y, err := s.Output(0)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, slices.Clone(y))
	}
	return answers
}
