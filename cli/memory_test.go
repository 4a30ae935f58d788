package cli

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
)

// Each flag is accepted, their product is not: no machine has the memory. Nothing
// is allocated, and nothing is written.
func TestProductsOfFlagsAreBounded(t *testing.T) {
	onnxtest.Require(t)
	data := idxFolder(t, 40)
	_, checkpoint, space := newSupernet(t, data)
	arch := space.Architecture(space.HeaviestPath()).String()
	out := filepath.Join(t.TempDir(), "out")
	for name, args := range map[string][]string{
		"measure":     {"measure", arch, "--batch", "4096", "--image-size", "4096"},
		"lut measure": {"lut", "measure", "--out", out + ".json", "--batch", "4096", "--image-size", "4096"},
		"train":       {"train", "--stage", "heaviest", "--data", data, "--out", out, "--batch-size", "4096", "--image-size", "2048"},
		"pipeline":    {"pipeline", "--data", data, "--out", out, "--batch-size", "4096", "--image-size", "2048"},
		"sample":      {"sample", "--checkpoint", checkpoint, "--data", data, "--num", "3", "--out", out, "--threads", "1024", "--image-size", "2048", "--train-percent", "50"},
		"contribute":  {"contribute", "--checkpoint", checkpoint, "--data", data, "--out", out, "--threads", "1024", "--image-size", "2048", "--train-percent", "50"},
		"validate":    {"validate", "--arch", arch, "--checkpoint", checkpoint, "--data", data, "--threads", "1024", "--image-size", "2048"},
		"export":      {"export", arch, "--onnx", out + ".onnx", "--classes", "1048576"},
	} {
		r := runCLI(t, args...)
		want := "takes at least"
		if name == "export" {
			want = "an ONNX file ends at 2 GiB"
		}
		if r.code != exitUsage || !strings.Contains(r.err, want) || strings.Count(r.err, "binas-tui: ") != 1 || strings.Count(r.err, "\n")-strings.Count(r.err, "note: ") != 1 {
			t.Errorf("%s: exit code %d, %q: expected one line with %q", name, r.code, r.err, want)
		}
		if left, _ := filepath.Glob(out + "*"); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}
