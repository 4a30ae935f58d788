package onnx

import (
	"context"
	_ "embed"
	"encoding/json"
	"math"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/model"
)

// goldenJSON was computed by PyTorch: see testdata/golden.py.
//
//go:embed testdata/golden.json
var goldenJSON []byte

type golden struct {
	Blocks []struct {
		Code    string
		Shape   []int
		MeanAbs float64 `json:"mean_abs"`
		Values  []float64
	}
	Networks []struct {
		Name, Arch string
		Image      int
		Shape      []int
		Values     []float64
	}
}

func readGolden(t *testing.T) golden {
	t.Helper()
	var g golden
	if err := json.Unmarshal(goldenJSON, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// goldenWeights is what golden.py uses.
var goldenWeights = RandomWeights{Seed: 7}

// requireLibrary loads ONNX Runtime; a test without one is skipped or fails.
func requireLibrary(t testing.TB) {
	t.Helper()
	if _, err := Open(""); err != nil {
		needed.Missing(t, err)
	}
}

// run runs a graph on golden.py's input and returns its only output.
func run(t *testing.T, g *Graph) []float32 {
	t.Helper()
	s, err := NewSession(g.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	x, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	goldenWeights.fill(x, "input", -2, 2)
	if err := s.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	y, err := s.Output(0)
	if err != nil {
		t.Fatal(err)
	}
	return y
}

// compare checks y, sampled as golden.py samples, to 1e-4 of the largest value.
func compare(t *testing.T, y []float32, shape []int, samples int, want []float64) {
	t.Helper()
	if len(y) != Elements(shape) {
		t.Fatalf("output of %d values: PyTorch has shape %v", len(y), shape)
	}
	scale := 0.0
	for _, w := range want {
		scale = max(scale, math.Abs(w))
	}
	step := max(1, len(y)/samples)
	for i, w := range want {
		if d := math.Abs(float64(y[i*step]) - w); !(d <= 1e-4*scale) {
			t.Errorf("value %d is %v: PyTorch has %v", i*step, y[i*step], w)
		}
	}
}

func TestBlocksAgreeWithPyTorch(t *testing.T) {
	requireLibrary(t)
	g := readGolden(t)
	if len(g.Blocks) < 100 {
		t.Fatalf("golden.json has %d blocks: expected every type, activation, SE, stride and width", len(g.Blocks))
	}
	for _, c := range g.Blocks {
		t.Run(c.Code, func(t *testing.T) {
			code, err := model.ParseBlockCode(c.Code)
			if err != nil {
				t.Fatal(err)
			}
			graph, err := Block{code, 24, 9}.Graph(2, goldenWeights)
			if err != nil {
				t.Fatal(err)
			}
			y := run(t, graph)
			compare(t, y, c.Shape, 8, c.Values)
			mean := 0.0
			for _, v := range y {
				mean += math.Abs(float64(v)) / float64(len(y))
			}
			if math.Abs(mean-c.MeanAbs) > 1e-5*c.MeanAbs {
				t.Errorf("mean magnitude is %v: PyTorch has %v", mean, c.MeanAbs)
			}
		})
	}
}

func TestNetworksAgreeWithPyTorch(t *testing.T) {
	requireLibrary(t)
	for _, c := range readGolden(t).Networks {
		t.Run(c.Name, func(t *testing.T) {
			arch, err := model.ParseArchitecture(c.Arch)
			if err != nil {
				t.Fatal(err)
			}
			graph, err := Network(arch, goldenWeights, NetworkOptions{ImageSize: c.Image, Classes: 10, Batch: 2})
			if err != nil {
				t.Fatal(err)
			}
			compare(t, run(t, graph), c.Shape, 20, c.Values)
		})
	}
}

// A network whose batch is open runs at any, with the same answers.
func TestOpenBatch(t *testing.T) {
	requireLibrary(t)
	c := readGolden(t).Networks[0]
	arch, err := model.ParseArchitecture(c.Arch)
	if err != nil {
		t.Fatal(err)
	}
	graph, err := Network(arch, goldenWeights, NetworkOptions{ImageSize: c.Image, Classes: 10, Batch: Batch})
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSession(graph.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, batch := range []int{2, 1} {
		x, err := NewTensor(nil, batch, 3, c.Image, c.Image)
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		y, err := NewTensor(nil, batch, 10)
		if err != nil {
			t.Fatal(err)
		}
		defer y.Close()
		goldenWeights.fill(x.Data, "input", -2, 2)
		if err := s.RunTensors(context.Background(), []*Tensor{x}, []*Tensor{y}); err != nil {
			t.Fatal(err)
		}
		compare(t, y.Data, []int{batch, 10}, 10*batch, c.Values[:10*batch])
	}
}

// The fixed part is cut out of the network: with the searched stages in
// between left out of both, its two ends do what the network's ends do.
func TestFixedPartIsTheEndsOfTheNetwork(t *testing.T) {
	requireLibrary(t)
	s, err := model.NewSpace(model.MobileNASNet, 64)
	if err != nil {
		t.Fatal(err)
	}
	o := NetworkOptions{Classes: 10}
	graph, err := FixedPart(s, goldenWeights, o)
	if err != nil {
		t.Fatal(err)
	}
	session, err := NewSession(graph.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	// The network's first map and last map, taken from a copy of it with both as outputs.
	arch := s.Architecture(shallowest(s))
	o.ImageSize = 64
	whole, err := Network(arch, goldenWeights, o)
	if err != nil {
		t.Fatal(err)
	}
	whole.Output("blocks.0.0.conv_pw", 1, 16, 32, 32)
	whole.Output("blocks.5.1.sum", 1, 192, 2, 2)
	reference, err := NewSession(whole.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer reference.Close()
	image, _ := reference.Input(0)
	goldenWeights.fill(image, "input", -2, 2)
	if err := reference.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	logits, _ := reference.Output(0)
	first, _ := reference.Output(1)
	last, _ := reference.Output(2)

	in0, err := session.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	in1, _ := session.Input(1)
	copy(in0, image)
	copy(in1, last)
	if err := session.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	have0, _ := session.Output(0)
	have1, _ := session.Output(1)
	for _, pair := range [][2][]float32{{have0, first}, {have1, logits}} {
		if len(pair[0]) != len(pair[1]) {
			t.Fatalf("%d values: the network has %d", len(pair[0]), len(pair[1]))
		}
		for i := range pair[0] {
			if math.Abs(float64(pair[0][i]-pair[1][i])) > 1e-4 {
				t.Fatalf("value %d is %v: the network has %v", i, pair[0][i], pair[1][i])
			}
		}
	}
}

// The heaviest network of both widths has finite logits that depend on the image.
func TestRandomWeightsStayFinite(t *testing.T) {
	requireLibrary(t)
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		s, err := model.NewSpace(name, 96)
		if err != nil {
			t.Fatal(err)
		}
		p := shallowest(s)
		for i := range p.Depth {
			p.Depth[i] = s.MaxDepth
		}
		for i := range p.Option {
			p.Option[i] = s.NumOptions() - 1
		}
		graph, err := Network(s.Architecture(p), RandomWeights{1}, NetworkOptions{ImageSize: 96, Classes: 10, Batch: 2})
		if err != nil {
			t.Fatal(err)
		}
		y := run(t, graph)
		moved := 0.0
		for i, v := range y {
			if math.IsNaN(float64(v)) || math.Abs(float64(v)) > 1e6 {
				t.Errorf("%s: logit %d is %v", name, i, v)
			}
			moved = max(moved, math.Abs(float64(v-y[i%10])))
		}
		if moved < 1e-2 {
			t.Errorf("%s: logits of two images differ by %v only", name, moved)
		}
	}
}

// shallowest is the path of least depth, with the first option everywhere.
func shallowest(s *model.Space) model.Path {
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth
	}
	return p
}
