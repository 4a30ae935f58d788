package assets_test

import (
	"bytes"
	"io/fs"
	"math"
	"path"
	"reflect"
	"runtime"
	"testing"

	"github.com/binas-tui/binas-tui/assets"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
)

// Every predictor decodes, says what it was fitted on and fits its space.
func TestPredictors(t *testing.T) {
	entries, err := fs.ReadDir(assets.FS, "predictors")
	if err != nil || len(entries) == 0 {
		t.Fatalf("%d predictors, error %v", len(entries), err)
	}
	for _, e := range entries {
		p, info, _ := predictor(t, e.Name())
		space, err := model.NewSpace(info.Space, published.ImageSize)
		if err != nil {
			t.Fatalf("%s: %v", e.Name(), err)
		}
		if err := space.CheckPredictor(p); err != nil {
			t.Errorf("%s: %v", e.Name(), err)
		}
		if info.Source == "" || info.Samples == 0 {
			t.Errorf("%s: source %q, %d samples", e.Name(), info.Source, info.Samples)
		}
	}
}

func predictor(t *testing.T, name string) (model.Predictor, model.CheckpointInfo, []byte) {
	t.Helper()
	data, err := fs.ReadFile(assets.FS, path.Join("predictors", name))
	if err != nil {
		t.Fatal(err)
	}
	p, info, err := model.DecodePredictor(data)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return p, info, data
}

// The built-in predictor is what package published fits: to 1e-9 anywhere, and
// byte for byte on the processor that generated it (others may fuse a multiply
// and an add).
func TestPublishedPredictorIsAFreshFit(t *testing.T) {
	p, info, data := predictor(t, "published-12.safetensors")
	space, err := model.NewSpace(model.MobileNASNet, published.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	fresh, report, err := published.Fit(space)
	if err != nil {
		t.Fatal(err)
	}
	have, want := model.Tensors(p), model.Tensors(fresh)
	for i, tensor := range want {
		if have[i].Name != tensor.Name || !reflect.DeepEqual(have[i].Shape, tensor.Shape) {
			t.Fatalf("tensor %d is %s %v, expected %s %v", i, have[i].Name, have[i].Shape, tensor.Name, tensor.Shape)
		}
		for j, v := range tensor.Values {
			if math.Abs(have[i].Values[j]-v) > 1e-9 {
				t.Fatalf("%s[%d] is %v, a fresh fit has %v: run go generate ./assets", tensor.Name, j, have[i].Values[j], v)
			}
		}
	}
	if math.Abs(info.LeaveOneOut-report.LeaveOneOutMAE) > 1e-9 || info.Samples != report.Networks || info.Source != report.CheckpointInfo().Source {
		t.Errorf("header %+v, a fresh fit has %+v: run go generate ./assets", info, report.CheckpointInfo())
	}
	encoded, err := model.EncodePredictor(fresh, report.CheckpointInfo())
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOARCH == "amd64" && !bytes.Equal(encoded, data) {
		t.Error("a fresh fit is not the same file byte for byte: run go generate ./assets")
	}
}
