package tui

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// timmScript follows a definition: it gives the model weights that are not those of
// the start, saves them, and says how many there are and what it answers to an image.
const timmScript = `
import json, sys
import torch
torch.manual_seed(1)
model.eval()
for name, value in model.state_dict().items():
    if name.endswith(("running_mean", "bias")):
        value.uniform_(-0.1, 0.1)
    elif name.endswith("running_var") or value.dim() == 1:
        value.uniform_(0.8, 1.2)
torch.save(model.state_dict(), sys.argv[1])
x = torch.tensor([((i * 7919) % 1000) / 500 - 1 for i in range(3 * 64 * 64)]).reshape(1, 3, 64, 64)
with torch.no_grad():
    print(json.dumps({"params": sum(p.numel() for p in model.parameters()), "logits": model(x)[0].double().tolist()}))
`

// The definition that is copied builds with timm the network that is exported:
// as many parameters, and the same answers with the same weights.
func TestTimmBuildsTheNetworkOfTheDefinition(t *testing.T) {
	python := cmp.Or(os.Getenv("BINAS_PYTHON"), "../../peers/bin/python")
	if out, err := exec.Command(python, "-c", "import torch, timm").CombinedOutput(); err != nil {
		t.Skipf("%s: torch and timm are needed (make peers installs them, BINAS_PYTHON names another Python): %v %s", python, err, out)
	}
	onnxtest.Require(t)
	space, err := model.NewSpace(model.MobileNASNet, 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range published.Networks() {
		if n.Family != published.BINAS || n.Letter != "F" {
			continue
		}
		file := filepath.Join(t.TempDir(), "weights.pth")
		out, err := exec.CommandContext(t.Context(), python, "-c", pythonDefinition(space, n.Architecture, "a test")+timmScript, file).Output()
		if err != nil {
			t.Fatalf("%v: %s", err, err.(*exec.ExitError).Stderr)
		}
		var theirs struct {
			Params int64
			Logits []float64
		}
		if err := json.Unmarshal(out, &theirs); err != nil {
			t.Fatalf("%.200s: %v", out, err)
		}
		cost, err := n.Architecture.Cost(64, 1000)
		if err != nil || theirs.Params != cost.Params {
			t.Errorf("%s: timm has %d parameters, %d are counted here, %v", n.Letter, theirs.Params, cost.Params, err)
		}
		weights, err := supernet.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		g, err := onnx.Network(n.Architecture, weights.Weights, onnx.NetworkOptions{ImageSize: 64})
		if err != nil {
			t.Fatal(err)
		}
		y := onnxtest.Answer(t, g.Marshal(), func(x []float32) {
			for i := range x {
				x[i] = float32(float64(i*7919%1000)/500 - 1)
			}
		})[0]
		if len(y) != len(theirs.Logits) {
			t.Fatalf("%d logits, timm has %d", len(y), len(theirs.Logits))
		}
		off, largest := 0.0, 0.0
		for i, w := range theirs.Logits {
			off, largest = max(off, math.Abs(float64(y[i])-w)), max(largest, math.Abs(w))
		}
		t.Logf("%s: %.2g of logits up to %.3g", n.Letter, off/largest, largest)
		if !(off <= 1e-5*max(1, largest)) {
			t.Errorf("%s: logits are off by %.2g", n.Letter, off)
		}
	}
}
