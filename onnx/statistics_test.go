package onnx

import (
	"context"
	"math"
	"testing"

	"github.com/binas-tui/binas-tui/model"
)

// A network whose running statistics are those of a batch answers that batch, in
// evaluation mode, as it does in training mode.
func TestStatisticsAreThoseOfTheBatch(t *testing.T) {
	requireLibrary(t)
	s, err := model.NewSpace(model.MobileNASNet, 64)
	if err != nil {
		t.Fatal(err)
	}
	p := shallowest(s)
	for i := range p.Option {
		p.Option[i] = i % s.NumOptions()
	}
	p.Depth[1], p.Depth[3] = 3, 4
	arch := s.Architecture(p)
	o := NetworkOptions{ImageSize: 64, Classes: 10, Batch: 2}
	g, moments, err := Statistics(arch, goldenWeights, o)
	if err != nil {
		t.Fatal(err)
	}
	session, err := NewSession(g.Marshal(), SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	x, err := session.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	goldenWeights.fill(x, "input", -2, 2)
	if err := session.Run(context.Background()); err != nil {
		t.Fatal(err)
	}
	w := measured{StateDict{}}
	var logits []float32
	for i, v := range session.Outputs() {
		y, err := session.Output(i)
		if err != nil {
			t.Fatal(err)
		}
		w.StateDict[v.Name] = TensorData{v.Shape, y}
		logits = y
	}
	first, last := moments[0], moments[len(moments)-1]
	if first.BN != "bn1" || first.Values != 2*32*32 || last.Values != 2*2*2 {
		t.Errorf("first and last normalisation: %+v, %+v", first, last)
	}
	for _, m := range moments {
		w.StateDict[m.BN+".running_mean"], w.StateDict[m.BN+".running_var"] = w.StateDict[m.Mean], w.StateDict[m.Var]
	}
	if g, err = Network(arch, w, o); err != nil {
		t.Fatal(err)
	}
	for i, v := range run(t, g) {
		if math.Abs(float64(v-logits[i])) > 1e-3 {
			t.Fatalf("logit %d is %v: in training mode %v", i, v, logits[i])
		}
	}
	if _, _, err := Statistics(arch, goldenWeights, NetworkOptions{}); err == nil {
		t.Error("statistics of single images")
	}
}

// measured is golden weights with some tensors replaced.
type measured struct{ StateDict }

func (m measured) Tensor(name string, shape []int) ([]float32, error) {
	if _, ok := m.StateDict[name]; ok {
		return m.StateDict.Tensor(name, shape)
	}
	return goldenWeights.Tensor(name, shape)
}
