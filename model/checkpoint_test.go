package model

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// TestCheckpointsAgreeWithTorch compares the four checkpoints with what torch
// itself predicted for them.
func TestCheckpointsAgreeWithTorch(t *testing.T) {
	s := space(t, MobileNASNet)
	samples, _, err := DecodeSamples(s, golden(t, "test_accuracy_lut.pkl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 200 {
		t.Fatalf("%d samples, expected 200", len(samples))
	}
	var want map[string]struct {
		Test  struct{ Kendall, Spearman, Pearson, MSE float64 }
		First []float64 `json:"first10_test_predictions"`
		State map[string]struct {
			Shape []int
		} `json:"state_dict"`
	}
	goldenJSON(t, "predictor_metrics.json", &want)
	kinds := map[string]string{"bilinear_predictor_ckpt": "bilinear", "quadratic_predictor_ckpt": "quadratic",
		"mlp_predictor_ckpt": "mlp", "estimator_ckpt": "bilinear"}
	for name, kind := range kinds {
		t.Run(name, func(t *testing.T) {
			p, info, err := DecodePredictor(golden(t, name+".pth.gz"))
			if err != nil {
				t.Fatal(err)
			}
			if p.Kind() != kind || info.Kind != kind {
				t.Errorf("kind %s, info %s, expected %s", p.Kind(), info.Kind, kind)
			}
			if err := s.CheckPredictor(p); err != nil {
				t.Error(err)
			}
			w := want[name]
			tensors := Tensors(p)
			if len(tensors) != len(w.State) {
				t.Errorf("%d tensors, torch has %d", len(tensors), len(w.State))
			}
			for _, tensor := range tensors {
				if got := w.State[tensor.Name].Shape; !reflect.DeepEqual(got, tensor.Shape) {
					t.Errorf("tensor %s has shape %v, torch's %v", tensor.Name, tensor.Shape, got)
				}
			}
			var predicted, measured, x []float64
			for i, sample := range samples {
				x = s.Encode(x, sample.Path, InactiveFree)
				predicted = append(predicted, p.Accuracy(x))
				measured = append(measured, sample.Accuracy)
				if i < len(w.First) && math.Abs(predicted[i]-w.First[i]) > 1e-4 {
					t.Errorf("sample %d: predicted %.6f, torch %.6f", i, predicted[i], w.First[i])
				}
			}
			m, err := NewMetrics(predicted, measured)
			if err != nil {
				t.Fatal(err)
			}
			for what, pair := range map[string][2]float64{
				"Kendall": {m.Kendall, w.Test.Kendall}, "Spearman": {m.Spearman, w.Test.Spearman},
				"Pearson": {m.Pearson, w.Test.Pearson}, "MSE": {m.MSE, w.Test.MSE},
			} {
				if math.Abs(pair[0]-pair[1]) > 2e-4 {
					t.Errorf("%s %.6f, torch's predictions give %.6f", what, pair[0], pair[1])
				}
			}
		})
	}
}

func randomPredictors(r *rand.Rand) []Predictor {
	values := func(n int, single bool) []float64 {
		out := make([]float64, n)
		for i := range out {
			if out[i] = r.NormFloat64(); single {
				out[i] = float64(float32(out[i]))
			}
		}
		return out
	}
	layer := func(in, out int) Layer { return Layer{in, out, values(in*out, true), values(out, false)} }
	return []Predictor{
		&Bilinear{Alphas: 6, Betas: 2, Bias: 70.1, Linear: values(8, false), Q: values(12, true)},
		&Bilinear{Alphas: 4, Betas: 4, Bias: 70.1, Linear: values(8, false), Q: values(16, true)}, // square, yet not quadratic
		&Quadratic{Inputs: 5, Bias: 1, Linear: values(5, true), W: values(25, false)},
		&MLP{Layers: []Layer{layer(7, 4), layer(4, 3), layer(3, 5), layer(5, 1)}},
		&MLP{Layers: []Layer{layer(7, 4), layer(4, 1)}},
	}
}

func TestPredictorRoundTrip(t *testing.T) {
	info := CheckpointInfo{FittedBy: "closed-form", Space: MobileNASNet, Source: "here", Note: "a \"note\"\nof two lines, ü", Samples: 12,
		LeaveOneOut: 0.125, Metrics: map[string]float64{"kendall": 0.9, "mse": 1e-9}}
	for _, p := range randomPredictors(rand.New(rand.NewPCG(1, 2))) {
		data, err := EncodePredictor(p, info)
		if err != nil {
			t.Fatal(err)
		}
		again, err := EncodePredictor(p, info)
		if err != nil || !bytes.Equal(data, again) {
			t.Errorf("%s: two encodings differ (%v)", p.Kind(), err)
		}
		got, gotInfo, err := DecodePredictor(data)
		if err != nil {
			t.Fatalf("%s: %v", p.Kind(), err)
		}
		if !reflect.DeepEqual(got, p) {
			t.Errorf("%s: decoded\n%v\nexpected\n%v", p.Kind(), got, p)
		}
		want := info
		want.Kind = p.Kind()
		if !reflect.DeepEqual(gotInfo, want) {
			t.Errorf("%s: info %+v, expected %+v", p.Kind(), gotInfo, want)
		}
	}
}

func TestDecodePredictorRefuses(t *testing.T) {
	good := randomPredictors(rand.New(rand.NewPCG(1, 2)))
	valid, err := EncodePredictor(good[0], CheckpointInfo{})
	if err != nil {
		t.Fatal(err)
	}
	safe := func(header string, body int) []byte {
		b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
		return append(append(b, header...), make([]byte, body)...)
	}
	meta := `"__metadata__":{"format":"binas-tui-predictor","version":"1"}`
	nan := bytes.Clone(valid)
	copy(nan[len(nan)-8:], binary.LittleEndian.AppendUint64(nil, math.Float64bits(math.NaN())))
	nan32 := bytes.Clone(valid)
	copy(nan32[len(nan32)-4:], binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN()))))
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":           {nil, "neither"},
		"text":            {[]byte("hello, this is no checkpoint"), "neither"},
		"huge header":     {append(bytes.Repeat([]byte{0xff}, 8), "{}"...), "header of"},
		"cut":             {valid[:len(valid)-3], "safetensors"},
		"nan":             {nan32, "NaN"},
		"foreign":         {safe(`{"__metadata__":{"format":"pt"}}`, 0), `format "pt"`},
		"future":          {safe(`{"__metadata__":{"format":"binas-tui-predictor","version":"2"}}`, 0), `version "2"`},
		"no tensors":      {safe(`{`+meta+`}`, 0), "expected bilinear.weight"},
		"wrong shape":     {safe(`{`+meta+`,"bilinear.weight":{"dtype":"F32","shape":[1,2,3],"data_offsets":[0,24]},"linear.weight":{"dtype":"F32","shape":[1,4],"data_offsets":[24,40]}}`, 40), "linear.weight: found shape [1 4], expected shape [1 5]"},
		"missing":         {safe(`{`+meta+`,"stem.0.weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}`, 24), "stem.0.bias: found nothing"},
		"integer weights": {safe(`{`+meta+`,"stem.0.weight":{"dtype":"I32","shape":[2,3],"data_offsets":[0,24]}}`, 24), "expected F32 or F64"},
		"wrapping sizes": {safe(`{`+meta+`,"a":{"dtype":"U8","shape":[18446744073709551000],"data_offsets":[0,18446744073709551000]},`+
			`"b":{"dtype":"U8","shape":[616],"data_offsets":[18446744073709551000,18446744073709551615]}}`, 0), ""},
	} {
		p, _, err := DecodePredictor(c.data)
		if err == nil {
			t.Errorf("%s: decoded as %s", name, p.Kind())
			continue
		}
		if !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q, expected it to hold %q", name, err, c.want)
		}
	}
	if _, err := EncodePredictor(&MLP{Layers: []Layer{{1, 1, []float64{1}, []float64{0}}}}, CheckpointInfo{}); err == nil {
		t.Error("an mlp of one layer was encoded")
	}
	if _, err := EncodePredictor(&Bilinear{Alphas: 1, Betas: 1, Linear: []float64{1, math.Inf(1)}, Q: []float64{1}}, CheckpointInfo{}); err == nil {
		t.Error("an infinite weight was encoded")
	}
}
