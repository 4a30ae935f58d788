package training

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

// randomState has tensors of two dimensions and of one.
func randomState(rng *rand.Rand, sizes map[string][]int) onnx.StateDict {
	s := onnx.StateDict{}
	for name, shape := range sizes {
		data := make([]float32, onnx.Elements(shape))
		for i := range data {
			data[i] = float32(rng.NormFloat64())
		}
		s[name] = onnx.TensorData{Shape: shape, Data: data}
	}
	return s
}

// TestOptimizerFollowsItsEquations compares several steps with the equations
// in float64, one element at a time.
func TestOptimizerFollowsItsEquations(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := map[string][]int{"conv.weight": {300, 500}, "bn.weight": {37}, "head.bias": {5}}
	w := randomState(rng, shapes)
	want, velocity := map[string][]float64{}, map[string][]float64{}
	for name, tensor := range w {
		for _, v := range tensor.Data {
			want[name] = append(want[name], float64(v))
		}
		velocity[name] = make([]float64, len(tensor.Data))
	}
	const momentum, decay, scale = 0.9, 0.01, 0.25
	o := NewOptimizer(w, momentum, decay)
	for step, touched := range [][]string{{"conv.weight", "bn.weight"}, {"conv.weight"}, {"head.bias", "bn.weight", "conv.weight"}} {
		lr := 0.1 / float64(step+1)
		g := randomState(rng, shapes)
		o.Step(lr, scale, g, touched)
		for _, name := range touched {
			for i := range want[name] {
				d := scale * float64(g[name].Data[i])
				if len(shapes[name]) > 1 {
					d += decay * want[name][i]
				}
				velocity[name][i] = momentum*velocity[name][i] + d
				want[name][i] -= lr * (d + momentum*velocity[name][i])
			}
		}
		for name, values := range want {
			for i, v := range values {
				if got := float64(w[name].Data[i]); math.Abs(got-v) > 2e-6 {
					t.Fatalf("step %d: %s[%d] = %v, want %v", step, name, i, got, v)
				}
			}
		}
	}
}

func TestClippingKeepsTheDirection(t *testing.T) {
	g := onnx.StateDict{"a": {Shape: []int{2}, Data: []float32{3, 0}}, "b": {Shape: []int{1}, Data: []float32{4}}, "c": {Shape: []int{1}, Data: []float32{100}}}
	norm := gradientNorm(g, []string{"b", "a"})
	if norm != 5 {
		t.Errorf("norm %v, want 5: what was not touched does not count", norm)
	}
	if s := clipScale(norm, 0); s != 1 {
		t.Errorf("no limit: scale %v", s)
	}
	if s := clipScale(norm, 10); s != 1 {
		t.Errorf("below the limit: scale %v", s)
	}
	if s := clipScale(norm, 1); math.Abs(s*norm-1) > 1e-5 {
		t.Errorf("norm %v after clipping to 1", s*norm)
	}
}

func TestAverage(t *testing.T) {
	w := onnx.StateDict{
		"w":                          {Shape: []int{1}, Data: []float32{1}},
		"bn1." + counter:             {Shape: []int{}, Data: []float32{0}},
		"blocks.0.0.bn1.running_var": {Shape: []int{1}, Data: []float32{1}},
	}
	each, fourth := NewEMA(w, 0.9, 1, false), NewEMA(w, 0.9, 4, false)
	warm := NewEMA(w, 0.9, 0, true)
	for step := 1; step <= 8; step++ {
		w["w"].Data[0], w["bn1."+counter].Data[0] = 2, float32(step)
		for _, a := range []*EMA{each, fourth, warm} {
			a.Update(w, step, 8)
		}
	}
	want := 2 - math.Pow(0.9, 8)
	for _, a := range []*EMA{each, fourth} {
		if got := float64(a.Weights()["w"].Data[0]); math.Abs(got-want) > 1e-6 {
			t.Errorf("every %d: %v, want %v", a.Every, got, want)
		}
		if got := a.Weights()["bn1."+counter].Data[0]; got != 8 {
			t.Errorf("every %d: counter %v, want 8", a.Every, got)
		}
	}
	if got := warm.Weights()["w"].Data[0]; float64(got) <= want {
		t.Errorf("with warm-up %v, want above %v", got, want)
	}
}

// However short a run with a small preset is, what it keeps and validates is not
// the weights it began with.
func TestAveragesOfShortRunsAreOfWhatWasTrained(t *testing.T) {
	for _, stage := range []Stage{Heaviest, OneShot, FineTune} {
		s := Small(stage)
		for steps := 1; steps <= 60; steps++ { // of one epoch, and of three
			for _, epoch := range []int{steps, (steps + 2) / 3} {
				average := NewEMA(one(1), s.ModelEMADecay, s.ModelEMAEvery, s.ModelEMAWarmup)
				for step := 1; step <= steps; step++ {
					average.Update(one(0), step, epoch)
				}
				limit := float32(0.2)
				if steps >= 10 {
					limit = 0.02
				}
				if first := average.Weights()["w"].Data[0]; steps%epoch == 0 && first > limit {
					t.Errorf("%s: after %d steps %.0f%% of the average are the first weights", stage, steps, 100*first)
				}
			}
		}
	}
}

func one(w float32) onnx.StateDict {
	return onnx.StateDict{"w": {Shape: []int{1, 1}, Data: []float32{w}}}
}

// BenchmarkOptimizer is one step over 5 million parameters in tensors like those of
// the supernet; the goal is below 10 ms.
func BenchmarkOptimizer(b *testing.B) {
	w, g, touched := fiveMillion()
	o := NewOptimizer(w, 0.9, 1e-5)
	o.Step(1e-9, 1, g, touched)
	for b.Loop() {
		o.Step(1e-9, 1, g, touched)
	}
}

// BenchmarkAverage is one update over the same tensors.
func BenchmarkAverage(b *testing.B) {
	w, _, _ := fiveMillion()
	a := NewEMA(w, 0.999, 1, false)
	for b.Loop() {
		a.Update(w, 1, 1)
	}
}

func fiveMillion() (w, g onnx.StateDict, touched []string) {
	shapes := map[string][]int{"head": {1280, 960}, "classifier.weight": {1000, 1280}}
	for _, name := range []string{"a", "b", "c", "d"} {
		shapes["pw."+name], shapes["pwl."+name], shapes["bn."+name] = []int{1152, 192}, []int{192, 1152}, []int{1152}
		shapes["last."+name] = []int{960, 192}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	w, g = randomState(rng, shapes), randomState(rng, shapes)
	for name := range shapes {
		touched = append(touched, name)
	}
	return w, g, touched
}

// BenchmarkClipping is the norm of the gradient of the same tensors.
func BenchmarkClipping(b *testing.B) {
	_, g, touched := fiveMillion()
	for b.Loop() {
		clipScale(gradientNorm(g, touched), 5)
	}
}
