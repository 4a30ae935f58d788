// Package onnxtest is for tests that run models.
package onnxtest

import (
	"slices"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/onnx"
)

// Require loads ONNX Runtime; a test without one is skipped or fails.
func Require(t testing.TB) {
	t.Helper()
	if _, err := onnx.Open(""); err != nil {
		needed.Missing(t, err)
	}
}

// Answer is what a model of one input gives to what fill writes there, for every
// output.
func Answer(t testing.TB, model []byte, fill func(x []float32)) (answers [][]float32) {
	t.Helper()
	Require(t)
	s, err := onnx.NewSession(model, onnx.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	x, err := s.Input(0)
	if err != nil {
		t.Fatal(err)
	}
	fill(x)
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range s.Outputs() {
		y, err := s.Output(i)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, slices.Clone(y))
	}
	return answers
}
