package onnx

import (
	"errors"
	"math"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A folded convolution followed by nothing equals the convolution followed by
// its normalisation, also where the variance is so small that eps decides.
func TestFoldedEqualsNormalising(t *testing.T) {
	w := StateDict{
		"c.weight":       {[]int{3, 2, 1, 1}, []float32{1, -2, 0.5, 3, -1, 0.25}},
		"n.weight":       {[]int{3}, []float32{2, -1, 0.5}},
		"n.bias":         {[]int{3}, []float32{0.1, 0, -4}},
		"n.running_mean": {[]int{3}, []float32{1, -1, 0}},
		"n.running_var":  {[]int{3}, []float32{0, 1e-5, 9}},
	}
	weight, bias, err := folded(w, "c", "n", []int{3, 2, 1, 1})
	if err != nil {
		t.Fatal(err)
	}
	x := []float64{1.5, -0.75}
	for c := range 3 {
		raw, have := 0.0, float64(bias[c])
		for i, v := range x {
			raw += v * float64(w["c.weight"].Data[2*c+i])
			have += v * float64(weight[2*c+i])
		}
		at := func(name string) float64 { return float64(w[name].Data[c]) }
		want := (raw-at("n.running_mean"))/math.Sqrt(at("n.running_var")+1e-5)*at("n.weight") + at("n.bias")
		if math.Abs(have-want) > 1e-5*math.Max(1, math.Abs(want)) {
			t.Errorf("channel %d is %v: expected %v", c, have, want)
		}
	}
}

func TestWeightsThatDoNotFit(t *testing.T) {
	code, err := model.ParseBlockCode("ir_r1_k3_s1_e3_c16_nre_se0.25")
	if err != nil {
		t.Fatal(err)
	}
	all := collect{StateDict{}, RandomWeights{}}
	if _, err := (Block{code, 16, 8}).Graph(1, all); err != nil {
		t.Fatal(err)
	}
	if len(all.StateDict) != 19 {
		t.Errorf("the block asked for %d tensors: PyTorch's has 19", len(all.StateDict))
	}
	for name, tensor := range all.StateDict {
		delete(all.StateDict, name)
		if _, err := (Block{code, 16, 8}).Graph(1, all.StateDict); !errors.Is(err, ErrNoTensor) {
			t.Errorf("without %s: %v", name, err)
		}
		all.StateDict[name] = TensorData{append([]int{1}, tensor.Shape...), tensor.Data}
		if _, err := (Block{code, 16, 8}).Graph(1, all.StateDict); !errors.Is(err, ErrTensorShape) {
			t.Errorf("with another shape of %s: %v", name, err)
		}
		all.StateDict[name] = tensor
	}
}

// collect keeps what is asked for.
type collect struct {
	StateDict
	from Weights
}

func (c collect) Tensor(name string, shape []int) ([]float32, error) {
	data, err := c.from.Tensor(name, shape)
	c.StateDict[name] = TensorData{shape, data}
	return data, err
}

func TestNetworkAsksForTheStateDict(t *testing.T) {
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c24_nre'], ['dsa_r2_k3_s2_c40_se0.25'], ['ir_r2_k3_s2_e2_c48'], ['cn_r1_k1_s1_c96']]")
	if err != nil {
		t.Fatal(err)
	}
	all := collect{StateDict{}, RandomWeights{}}
	if _, err := Network(arch, all, NetworkOptions{Classes: 7}); err != nil {
		t.Fatal(err)
	}
	for name, shape := range map[string][]int{
		"conv_stem.weight": {32, 3, 3, 3}, "blocks.1.1.conv_dw.weight": {40, 1, 3, 3}, "blocks.1.0.se.conv_reduce.bias": {8},
		"blocks.2.1.conv_pw.weight": {96, 48, 1, 1}, "blocks.3.0.conv.weight": {96, 48, 1, 1},
		"conv_head.weight": {1280, 96, 1, 1}, "classifier.weight": {7, 1280}, "bn1.running_var": {32},
	} {
		if have := all.StateDict[name].Shape; len(have) != len(shape) || Elements(have) != Elements(shape) || have[0] != shape[0] {
			t.Errorf("%s has shape %v: expected %v", name, have, shape)
		}
	}
}

func TestRandomWeightsDependOnSeedAndName(t *testing.T) {
	at := func(seed uint64, name string) []float32 {
		v, _ := RandomWeights{seed}.Tensor(name, []int{4, 3, 1, 1})
		return v
	}
	a := at(1, "a.weight")
	if b := at(1, "a.weight"); a[5] != b[5] {
		t.Error("the same seed and name give other values")
	}
	if b := at(2, "a.weight"); a[5] == b[5] {
		t.Error("another seed gives the same value")
	}
	if b := at(1, "b.weight"); a[5] == b[5] {
		t.Error("another name gives the same value")
	}
}
