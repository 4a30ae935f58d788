package cli

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/supernet"
)

// Weights of a network, and of a supernet, that were trained on other classes start a
// fine-tuning and, as far as they cover it, the heaviest network; what is taken over and
// what begins anew is said.
func TestStartsFromOtherWeights(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("trains")
	}
	_, super, space := newSupernet(t, idxFolder(t, 24)) // of three classes
	data := t.TempDir()                                 // of four
	datatest.Patches(t, data, "train", 32)
	datatest.Patches(t, data, "t10k", 8)
	path := fastest(t)
	c, err := supernet.Load(super)
	if err != nil {
		t.Fatal(err)
	}
	own, err := supernet.Child(space, c.Weights, path)
	network := filepath.Join(t.TempDir(), "network.safetensors")
	if err == nil {
		err = supernet.Save(network, supernet.Checkpoint{Weights: own})
	}
	if err != nil {
		t.Fatal(err)
	}
	arch := space.Architecture(path).String()
	training := []string{"--data", data, "--image-size", "32", "--batch-size", "8", "--epochs", "1", "--lr", "0.001", "--model-ema=false", "--train-percent", "100", "--json"}
	for name, file := range map[string]string{"network": network, "supernet": super} {
		out := filepath.Join(t.TempDir(), "out")
		r := runCLI(t, append([]string{"finetune", "--arch", arch, "--checkpoint", file, "--out", out}, training...)...)
		if notes := notesOf(t, r); r.code != 0 || !strings.Contains(notes, "all its weights but the classifier are taken over, which starts at random for 4 classes (it had 3); there is no teacher") {
			t.Errorf("%s: %+v", name, r)
			continue
		}
		tuned, err := supernet.Load(filepath.Join(out, "finetuned.safetensors"))
		if err != nil {
			t.Fatal(err)
		}
		if n, err := supernet.CheckChild(space, path, tuned.Weights); err != nil || n != 4 {
			t.Errorf("%s: %d classes, %v", name, n, err)
		}
		before, after := own["conv_stem.weight"].Data, tuned.Weights["conv_stem.weight"].Data
		moved := 0.0
		for i, v := range before {
			moved = max(moved, math.Abs(float64(v-after[i])))
		}
		if moved == 0 || moved > 0.05 {
			t.Errorf("%s: the stem moved by %v", name, moved)
		}
	}
	out := filepath.Join(t.TempDir(), "out")
	if r := runCLI(t, append([]string{"finetune", "--arch", arch, "--checkpoint", network, "--out", out, "--gamma-knowledge", "1"}, training...)...); r.code != exitUsage || !strings.Contains(r.err, "--teacher names one") || strings.Count(r.err, "\n") != 1 {
		t.Errorf("without a teacher: %+v", r)
	}
	if r := runCLI(t, append([]string{"finetune", "--arch", "BINAS A", "--checkpoint", network, "--out", out}, training...)...); r.code != exitUsage || strings.Count(r.err, "\n") != 1 {
		t.Errorf("of another network: %+v", r)
	}
	if r := runCLI(t, append([]string{"train", "--stage", "heaviest", "--checkpoint", super, "--out", out}, training...)...); r.code != exitUsage || !strings.Contains(r.err, "expected the weights of one network") {
		t.Errorf("a supernet: %+v", r)
	}
	r := runCLI(t, append([]string{"train", "--stage", "heaviest", "--checkpoint", network, "--out", out}, training...)...)
	if notes := notesOf(t, r); r.code != 0 || !strings.Contains(notes, "% of those that the heaviest network begins with; the others are random") || !strings.Contains(notes, "its classifier has 3 classes: that of the heaviest network starts at random for 4") {
		t.Errorf("the heaviest: %+v", r)
	}
}
