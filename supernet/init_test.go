package supernet

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
)

// First weights have the spread they should, and depend on seed, name and shape
// alone.
func TestInit(t *testing.T) {
	s := space(t, model.MobileNASNet, 32)
	w := Init{Seed: 3}.Weights(Layout(s, 10))
	if classes, err := CheckSupernet(s, w); err != nil || classes != 10 {
		t.Fatal(classes, err)
	}
	for _, tensor := range Layout(s, 10) {
		data := w[tensor.Name].Data
		mean, square := 0.0, 0.0
		for _, v := range data {
			mean += float64(v) / float64(len(data))
			square += float64(v) * float64(v) / float64(len(data))
		}
		low, high := slices.Min(data), slices.Max(data)
		switch {
		case strings.Contains(tensor.Name, ".bn3.") && tensor.Kind == Scale && !strings.HasPrefix(tensor.Name[9:], "0."):
			if low != 0 || high != 0 || !tensor.Residual {
				t.Errorf("%s: %v to %v, expected 0 in a block with a residual connection", tensor.Name, low, high)
			}
		case tensor.Kind == Scale, tensor.Kind == Variance:
			if low != 1 || high != 1 || tensor.Residual {
				t.Errorf("%s: %v to %v, expected 1", tensor.Name, low, high)
			}
		case tensor.Kind == Choice:
			if math.Abs(mean*float64(len(data))-1) > 1e-6 || low != high {
				t.Errorf("%s: %v, expected the same everywhere", tensor.Name, data)
			}
		case tensor.Kind == Linear:
			if low < -0.01 || high > 0.01 || high < 0.0099 {
				t.Errorf("%s: %v to %v, expected uniform within 0.01", tensor.Name, low, high)
			}
		case tensor.Kind == Conv:
			fanOut := tensor.Shape[0] * tensor.Shape[2] * tensor.Shape[3]
			if strings.Contains(tensor.Name, "conv_dw") {
				fanOut = tensor.Shape[2] * tensor.Shape[3]
			}
			want := math.Sqrt(2 / float64(fanOut))
			tolerance := 4 / math.Sqrt(float64(len(data))) // four standard errors and more
			if math.Abs(mean)/want > tolerance || math.Abs(math.Sqrt(square)/want-1) > tolerance {
				t.Errorf("%s: mean %g, deviation %g, expected 0 and %g", tensor.Name, mean, math.Sqrt(square), want)
			}
		default:
			if low != 0 || high != 0 {
				t.Errorf("%s: %v to %v, expected 0", tensor.Name, low, high)
			}
		}
	}
	if !reflect.DeepEqual(w, Init{Seed: 3}.Weights(Layout(s, 10))) {
		t.Error("the same seed gave other weights")
	}
	fewer, other := Init{Seed: 3}.Weights(Layout(s, 4)), Init{Seed: 4}.Weights(Layout(s, 10))
	for name, tensor := range w {
		if !strings.HasPrefix(name, "classifier") && !slices.Equal(tensor.Data, fewer[name].Data) {
			t.Errorf("%s depends on the number of classes", name)
		}
		if strings.HasSuffix(name, "conv_pw.weight") && slices.Equal(tensor.Data, other[name].Data) {
			t.Errorf("%s does not depend on the seed", name)
		}
	}
}

// By default deeper blocks do nothing at first: networks that differ in depth
// alone answer the same. With a scale of 1 they do not.
func TestResidualBlocksStartAsNothing(t *testing.T) {
	onnxtest.Require(t)
	s := space(t, model.MobileNASNet, 32)
	images, shape := array(t, "x32.npy")
	shallow := s.HeaviestPath()
	for i := range shallow.Depth {
		shallow.Depth[i] = 2
	}
	for _, scale := range []float64{0, 1} {
		w := Init{Seed: 1, ResidualScale: scale}.Weights(Layout(s, 10))
		var logits [2][]float32
		for i, p := range []model.Path{s.HeaviestPath(), shallow} {
			child, err := Child(s, w, p)
			if err != nil {
				t.Fatal(err)
			}
			logits[i] = answer(t, s.Architecture(p), child, images, shape)
		}
		if d := distance(logits[0], logits[1]); (d == 0) != (scale == 0) || math.IsNaN(d) {
			t.Errorf("scale %v: answers differ by %g", scale, d)
		}
	}
}

func ExampleNew() {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		panic(err)
	}
	w := Init{Seed: 1}.Weights(Layout(s, 10))
	params := 0
	for _, t := range Layout(s, 10) {
		if t.Kind.Trained() {
			params += len(w[t.Name].Data)
		}
	}
	fmt.Printf("%d tensors, %.1f M parameters\n", len(w), float64(params)/1e6)

	data, err := Encode(Checkpoint{Weights: w, Meta: map[string]string{"space": s.Name}})
	if err != nil {
		panic(err)
	}
	c, err := Decode(data)
	if err != nil {
		panic(err)
	}
	classes, err := CheckSupernet(s, c.Weights)
	fmt.Println(c.Meta["space"], classes, "classes", err)
	// Output:
	// 1113 tensors, 7.8 M parameters
	// mobilenasnet 10 classes <nil>
}

// BenchmarkChild is what every evaluated network costs before it runs.
func BenchmarkChild(b *testing.B) {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		b.Fatal(err)
	}
	w := Init{Seed: 1}.Weights(Layout(s, 10))
	paths := make([]model.Path, 16)
	for i := range paths {
		paths[i] = randomPath(s, uint64(i))
	}
	for i := 0; b.Loop(); i++ {
		if _, err := Child(s, w, paths[i%len(paths)]); err != nil {
			b.Fatal(err)
		}
	}
}
