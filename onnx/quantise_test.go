package onnx

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// tensor is a value of the arithmetic below.
type tensor struct {
	shape []int
	data  []float64
}

// arithmetic computes a graph in float64, operator by operator as ONNX defines
// them, and returns every value.
func arithmetic(t *testing.T, g *Graph, input tensor) map[string]tensor {
	t.Helper()
	values := map[string]tensor{g.inputs[0].Name: input}
	for _, c := range g.initialisers {
		data := make([]float64, Elements(c.shape))
		for i := range data {
			switch {
			case c.kind == Uint8:
				data[i] = float64(c.raw[i])
			case c.kind == Int8:
				data[i] = float64(int8(c.raw[i]))
			case c.kind == Int32:
				data[i] = float64(int32(uint32(c.raw[4*i]) | uint32(c.raw[4*i+1])<<8 | uint32(c.raw[4*i+2])<<16 | uint32(c.raw[4*i+3])<<24))
			default:
				data[i] = float64(c.floats[i])
			}
		}
		values[c.name] = tensor{c.shape, data}
	}
	for _, n := range g.nodes {
		in := make([]tensor, len(n.Inputs))
		for i, name := range n.Inputs {
			v, ok := values[name]
			if !ok {
				t.Fatalf("node %s uses %s, which nothing has made", n.Outputs[0], name)
			}
			in[i] = v
		}
		x := in[0]
		out := tensor{slices.Clone(x.shape), make([]float64, len(x.data))}
		attr := func(name string) Attr {
			return n.Attrs[slices.IndexFunc(n.Attrs, func(a Attr) bool { return a.name == name })]
		}
		channelOf := func(i int) int { return 0 }
		if len(n.Attrs) > 0 && n.Attrs[0].name == "axis" {
			channelOf = func(i int) int { return i / Elements(x.shape[1:]) }
		}
		switch n.Op {
		case "DequantizeLinear":
			for i, q := range x.data {
				zero := 0.0
				if len(in) > 2 {
					zero = in[2].data[channelOf(i)]
				}
				out.data[i] = in[1].data[channelOf(i)] * (q - zero)
			}
		case "QuantizeLinear":
			for i, v := range x.data {
				out.data[i] = max(0, min(255, math.RoundToEven(v/in[1].data[0])+in[2].data[0]))
			}
		case "Conv":
			w, stride, pad, groups := in[1], int(attr("strides").list[0]), int(attr("pads").list[0]), int(attr("group").number)
			k, side := w.shape[2], x.shape[2]
			o := (side + stride - 1) / stride
			out = tensor{[]int{1, w.shape[0], o, o}, make([]float64, w.shape[0]*o*o)}
			for c := range w.shape[0] {
				for y := range o {
					for z := range o {
						sum := in[2].data[c]
						for d := range w.shape[1] {
							from := c/(w.shape[0]/groups)*w.shape[1] + d
							for i := range k {
								for j := range k {
									if a, b := y*stride+i-pad, z*stride+j-pad; a >= 0 && a < side && b >= 0 && b < side {
										sum += x.data[(from*side+a)*side+b] * w.data[((c*w.shape[1]+d)*k+i)*k+j]
									}
								}
							}
						}
						out.data[(c*o+y)*o+z] = sum
					}
				}
			}
		case "GlobalAveragePool":
			area := x.shape[2] * x.shape[3]
			out = tensor{[]int{1, x.shape[1], 1, 1}, make([]float64, x.shape[1])}
			for i, v := range x.data {
				out.data[i/area] += v / float64(area)
			}
		case "Add", "Mul":
			for i, v := range x.data {
				other := in[1].data[i*len(in[1].data)/len(x.data)] // of a channel, or of all
				if out.data[i] = v * other; n.Op == "Add" {
					out.data[i] = v + other
				}
			}
		case "Relu":
			for i, v := range x.data {
				out.data[i] = max(0, v)
			}
		case "HardSwish", "HardSigmoid":
			for i, v := range x.data {
				if out.data[i] = max(0, min(1, (v+3)/6)); n.Op == "HardSwish" {
					out.data[i] *= v
				}
			}
		default:
			t.Fatalf("operator %s", n.Op)
		}
		values[n.Outputs[0]] = out
	}
	return values
}

// rangesOf are those of values.
func rangesOf(values map[string]tensor) func(string) (Range, error) {
	return func(name string) (Range, error) {
		v, ok := values[name]
		if !ok {
			return Range{}, errors.New("no value " + name)
		}
		return Range{float32(slices.Min(v.data)), float32(slices.Max(v.data))}, nil
	}
}

// someBlock is the graph of a block that is to be quantised.
func someBlock(t *testing.T, code string, in, side int) *Graph {
	t.Helper()
	b, err := model.ParseBlockCode(code)
	if err != nil {
		t.Fatal(err)
	}
	l := layers{g: NewGraph(code), w: RandomWeights{3}}
	x := l.g.Input("x", 1, in, side, side)
	y := l.block(x, model.BlockName(2, 0), b, in)
	side = model.Downsample(side, b.Stride)
	l.g.Output(l.g.rename(y, "y"), 1, b.Channels, side, side)
	return l.g
}

func randomInput(g *Graph) tensor {
	x := make([]float32, Elements(g.inputs[0].Shape))
	RandomWeights{5}.fill(x, "x", -2, 2)
	in := tensor{g.inputs[0].Shape, make([]float64, len(x))}
	for i, v := range x {
		in.data[i] = float64(v)
	}
	return in
}

// answers runs a graph of one input in ONNX Runtime.
func answers(t *testing.T, g *Graph, x tensor) []float32 {
	t.Helper()
	s, err := NewSession(g.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	in, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range x.data {
		in[i] = float32(v)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	out, err := s.Output(0)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(out)
}

// A quantised block computes what its levels say, to a level or two where rounding
// falls otherwise, in ONNX Runtime and by arithmetic; and that is near to what the
// block computes in floats.
func TestQuantisedBlocks(t *testing.T) {
	requireLibrary(t)
	for _, code := range []string{
		"ir_r1_k3_s1_e3_c24_nre", "ir_r1_k5_s2_e3_c40_se0.25", "ir_r1_k3_s1_e4_c24_se0.25", "ir_r1_k3_s1_e6_c24_nre_se0.25", "ir_r1_k3_s1_e3_c24", "ds_r1_k3_s1_e1_c24", "cn_r1_k1_s1_c48",
	} {
		g := someBlock(t, code, 24, 9)
		x := randomInput(g)
		floats := arithmetic(t, g, x)
		q, err := g.Quantised(rangesOf(floats))
		if err != nil {
			t.Fatal(err)
		}
		want := arithmetic(t, q, x)["y"].data
		r, _ := rangesOf(floats)("y")
		level := float64(levelsOf(r).Scale)
		off, noise, signal := 0, 0.0, 0.0
		for i, have := range answers(t, q, x) {
			d := math.Abs(float64(have)-want[i]) / level
			if d > 2.01 {
				t.Fatalf("%s: value %d is %v: arithmetic has %v, %.2f levels apart", code, i, have, want[i], d)
			}
			if d > 0.01 {
				off++
			}
			float := floats["y"].data[i]
			noise, signal = noise+square(want[i]-float), signal+square(float)
		}
		if off*20 > len(want) {
			t.Errorf("%s: %d of %d values are levels apart", code, off, len(want))
		}
		if !(noise < 0.0025*signal) {
			t.Errorf("%s: noise of integers %.4f of the signal: expected at most 0.05", code, math.Sqrt(noise/signal))
		}
	}
}

func square(v float64) float64 { return v * v }

// The gate of integers is h-swish's to half a level of the gate and of what goes in
// and out, and exactly where h-swish is 0 or x.
func TestGateIsHardSwish(t *testing.T) {
	requireLibrary(t)
	const channels, side = 1, 64
	g := NewGraph("gate")
	x := g.Input("x", 1, channels, side, side)
	conv := g.Node("blocks.2.0.conv_pw", "Conv", []string{x, g.Const("w", []float32{1}, 1, 1, 1, 1), g.Const("b", []float32{0}, 1)},
		Ints("kernel_shape", 1, 1), Ints("strides", 1, 1), Ints("pads", 0, 0, 0, 0), Int("group", 1))
	g.Output(g.Node("y", "HardSwish", []string{conv}), 1, channels, side, side)
	in := tensor{[]int{1, channels, side, side}, make([]float64, side*side)}
	for i := range in.data {
		in.data[i] = -5 + 10*float64(i)/float64(len(in.data)-1)
	}
	q, err := g.Quantised(func(name string) (Range, error) {
		if name == "y" {
			return Range{-0.375, 5}, nil
		}
		return Range{-5, 5}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	levelIn, levelOut := 10.0/255, 5.375/255 // the input's; x of h-swish is from -3 to 5
	for i, have := range answers(t, q, in) {
		v := in.data[i]
		want := v * max(0, min(1, (v+3)/6))
		// An input that is off by half of both its levels changes h-swish by its slope, at most 1.5 times as much.
		bound := 1.5*(levelIn+8.0/255)/2 + math.Abs(v)/255 + levelOut/2
		switch {
		case v < -3.1:
			bound = levelOut / 2
		case v > 3.1:
			bound = (levelIn+8.0/255)/2 + levelOut/2
		}
		if d := math.Abs(float64(have) - want); d > bound*1.01 {
			t.Errorf("h-swish(%.3f) is %.4f: expected %.4f to %.4f", v, have, want, bound)
		}
	}
}

// Zero channels change no answer, and only of blocks that are quantised.
func TestPaddingChangesNothing(t *testing.T) {
	for _, c := range []struct {
		code string
		in   int
		wide int // channels of conv_dw
	}{{"ir_r1_k3_s2_e3_c40_se0.25", 24, 80}, {"ir_r1_k3_s1_e3_c40_nre_se0.25", 40, 128}, {"ir_r1_k3_s1_e4_c24", 24, 96}, {"ds_r1_k3_s1_e1_c16_nre", 24, 24}} {
		g := someBlock(t, c.code, c.in, 7)
		p := g.padded(padTo)
		for _, n := range p.nodes {
			if strings.HasSuffix(n.Outputs[0], ".conv_dw") && p.constants()[n.Inputs[1]].shape[0] != c.wide {
				t.Errorf("%s: %d channels: expected %d", c.code, p.constants()[n.Inputs[1]].shape[0], c.wide)
			}
		}
		x := randomInput(g)
		want, have := arithmetic(t, g, x)["y"].data, arithmetic(t, p, x)["y"].data
		for i := range want {
			if math.Abs(have[i]-want[i]) > 1e-12 {
				t.Fatalf("%s: value %d is %v with zero channels, %v without", c.code, i, have[i], want[i])
			}
		}
	}
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k3_s2_e3_c24_nre', 'ir_r1_k3_s1_e3_c24_nre'], ['cn_r1_k1_s1_c64']]")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Network(arch, RandomWeights{1}, NetworkOptions{ImageSize: 32})
	if err != nil {
		t.Fatal(err)
	}
	if c := g.padded(padTo).constants()["blocks.1.1.conv_dw.weight"]; c.shape[0] != 72 {
		t.Errorf("a block in floats has %d channels", c.shape[0])
	}
}

// Networks load in ONNX Runtime in integers and answer nearly as in floats; stem
// and first stages stay as they were, and what follows has no float convolution.
func TestQuantisedNetwork(t *testing.T) {
	requireLibrary(t)
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre'], ['ir_r1_k3_s2_e3_c40_nre_se0.25', 'ir_r1_k3_s1_e4_c40_nre'], " +
		"['ir_r1_k3_s2_e3_c80_se0.25', 'ir_r1_k3_s1_e3_c80'], ['cn_r1_k1_s1_c960']]")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Network(arch, RandomWeights{1}, NetworkOptions{ImageSize: 48, Classes: 50})
	if err != nil {
		t.Fatal(err)
	}
	o := g.Observed()
	s, err := NewSession(o.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x := randomInput(g)
	in, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range x.data {
		in[i] = float32(v)
	}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	ranges := map[string]Range{}
	for i, v := range s.Outputs() {
		values, err := s.Output(i)
		if err != nil || len(values) == 0 {
			t.Fatal(v, err)
		}
		ranges[v.Name] = Range{slices.Min(values), slices.Max(values)}
	}
	q, err := g.Quantised(func(name string) (Range, error) {
		r, ok := ranges[name]
		if !ok {
			t.Errorf("the range of %s is asked for: it is none of Ranged", name)
		}
		return r, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var dot, aa, bb float64
	floats := answers(t, g, x)
	for i, v := range answers(t, q, x) {
		dot, aa, bb = dot+float64(v)*float64(floats[i]), aa+square(float64(v)), bb+square(float64(floats[i]))
	}
	if cosine := dot / math.Sqrt(aa*bb); !(cosine > 0.99) {
		t.Errorf("cosine of the answers in integers and in floats: %.4f", cosine)
	}
	for _, n := range q.nodes {
		if n.Op == "Conv" && strings.HasSuffix(n.Inputs[0], ".dq") == inFloats(n.Outputs[0]) {
			t.Errorf("%s reads %s", n.Outputs[0], n.Inputs[0])
		}
		if n.Op == "HardSwish" && n.Outputs[0] != "act1" || n.Op == "HardSigmoid" {
			t.Errorf("%s is %s", n.Outputs[0], n.Op)
		}
	}
	if len(q.Marshal()) > len(g.Marshal())*2/5 {
		t.Errorf("%d bytes in integers, %d in floats", len(q.Marshal()), len(g.Marshal()))
	}
	meta, err := ModelMetadata(q.Marshal())
	if err != nil || meta["architecture"] != arch.String() {
		t.Errorf("metadata %v, %v", meta, err)
	}
}

// A channel of no weights keeps its bias, which does not leave 32 bits.
func TestBiasOfADeadChannel(t *testing.T) {
	g := NewGraph("dead")
	x := g.Input("x", 1, 1, 2, 2)
	conv := g.Node("blocks.2.0.conv_pw", "Conv", []string{x, g.Const("w", []float32{0, 1e-9, 1}, 3, 1, 1, 1), g.Const("b", []float32{3, -3, 3}, 3)},
		Ints("kernel_shape", 1, 1), Ints("strides", 1, 1), Ints("pads", 0, 0, 0, 0), Int("group", 1))
	g.Output(conv, 1, 3, 2, 2)
	q, err := g.Quantised(AnyRange)
	if err != nil {
		t.Fatal(err)
	}
	in := tensor{[]int{1, 1, 2, 2}, []float64{0, 0, 0, 0}}
	for i, v := range arithmetic(t, q, in)["blocks.2.0.conv_pw"].data {
		if want := []float64{3, -3, 3}[i/4]; math.Abs(v-want) > 8.0/255 {
			t.Errorf("channel %d of zeros is %v: expected %v", i/4, v, want)
		}
	}
}

func TestRangesThatAreNone(t *testing.T) {
	g := someBlock(t, "ir_r1_k3_s1_e3_c24", 24, 5)
	for _, r := range []Range{{Min: 1, Max: -1}, {Min: float32(math.NaN()), Max: 1}, {Min: 0, Max: float32(math.Inf(1))}} {
		if _, err := g.Quantised(func(string) (Range, error) { return r, nil }); err == nil || !strings.Contains(err.Error(), "range of finite numbers") {
			t.Errorf("%v: %v", r, err)
		}
	}
	if _, err := g.Quantised(rangesOf(nil)); err == nil || !strings.Contains(err.Error(), "no value x") {
		t.Errorf("no ranges: %v", err)
	}
}

func TestPrecisions(t *testing.T) {
	for name, want := range map[string]Precision{"": FP32, "fp32": FP32, "int8": INT8} {
		if p, err := ParsePrecision(name); p != want || err != nil {
			t.Errorf("%q: %v, %v", name, p, err)
		}
	}
	if _, err := ParsePrecision("int4"); err == nil || !strings.Contains(err.Error(), "expected one of [fp32 fp16 int8]") {
		t.Errorf("int4: %v", err)
	}
	if err := INT8.On(CUDA); !errors.Is(err, ErrTargetUnavailable) || FP32.On(CUDA) != nil || INT8.On("") != nil {
		t.Errorf("int8 on cuda: %v", err)
	}
}
