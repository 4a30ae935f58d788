package onnx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/ieee"
	"github.com/binas-tui/binas-tui/model"
)

// A network in halves has the inputs, outputs and nodes of the float one, constants
// that are rounded to halves, and answers that differ by their rounding alone. The
// processor has no operators for them: ONNX Runtime computes in floats from halves to
// halves, which is as exact as a card.
func TestHalf(t *testing.T) {
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre_se0.25', 'ir_r1_k3_s1_e3_c24'], ['cn_r1_k1_s1_c64']]")
	if err != nil {
		t.Fatal(err)
	}
	g, err := Network(arch, RandomWeights{Seed: 1}, NetworkOptions{ImageSize: 32, Classes: 10, Batch: 2})
	if err != nil {
		t.Fatal(err)
	}
	half, err := g.Half()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(g.Inputs(), half.Inputs(), sameValue) || !slices.EqualFunc(g.Outputs(), half.Outputs(), sameValue) {
		t.Errorf("inputs %v and %v, outputs %v and %v", g.Inputs(), half.Inputs(), g.Outputs(), half.Outputs())
	}
	if have, want := len(half.Marshal()), len(g.Marshal()); have > want*6/10 {
		t.Errorf("%d bytes, in floats %d", have, want)
	}
	for i, c := range half.initialisers {
		for j, v := range g.initialisers[i].floats {
			h := ieee.Half(uint16(c.raw[2*j]) | uint16(c.raw[2*j+1])<<8)
			if math.Abs(float64(h-v)) > math.Max(math.Abs(float64(v))/2048, 1.0/(1<<25)) {
				t.Fatalf("%s[%d] is %v, in floats %v", c.name, j, h, v)
			}
		}
	}
	for i, n := range g.nodes { // the first of half is the cast
		if m := half.nodes[i+1]; m.Op != n.Op || !strings.HasPrefix(m.Outputs[0], n.Outputs[0]) {
			t.Fatalf("node %d is %s %v, in floats %s %v", i, m.Op, m.Outputs, n.Op, n.Outputs)
		}
	}

	requireLibrary(t)
	var answers [2][]float32
	for i, g := range []*Graph{g, half} {
		s, err := NewSession(g.Marshal(), SessionOptions{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		x, err := s.Input(0)
		if err != nil {
			t.Fatal(err)
		}
		for j := range x {
			x[j] = float32(math.Sin(float64(j)))
		}
		if err := s.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		y, err := s.Output(0)
		if err != nil {
			t.Fatal(err)
		}
		answers[i] = slices.Clone(y)
	}
	worst, size := 0.0, 0.0
	for i, v := range answers[0] {
		worst, size = max(worst, math.Abs(float64(v-answers[1][i]))), max(size, math.Abs(float64(v)))
	}
	if worst == 0 || worst > size/50 {
		t.Errorf("answers of up to %v differ by %v", size, worst)
	}

	g.initialisers[0].floats[0] = 70000
	if _, err := g.Half(); err == nil || !strings.Contains(err.Error(), g.initialisers[0].name) {
		t.Errorf("a weight of 70000: %v", err)
	}
}

func sameValue(a, b Value) bool {
	return a.Name == b.Name && a.Type == b.Type && slices.Equal(a.Shape, b.Shape)
}
