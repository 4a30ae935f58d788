package onnx_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// Tensors in a device's memory go from one session to the next; values are copied where
// that is asked for, and are there when they were waited for.
func TestDeviceTensors(t *testing.T) {
	onnxtest.Require(t)
	g := onnx.NewGraph("double")
	x := g.Input("x", 2, 3)
	g.Output(g.Node("y", "Add", []string{x, x}), 2, 3)
	s, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	device := &onnxtest.Memory{}
	whole := onnx.NewProcessorMemory(device)
	part := whole.Part()
	large, err := part.NewTensor(2 << 20)
	if err != nil {
		t.Fatal(err)
	}
	var all []*onnx.Tensor
	for _, m := range []*onnx.Memory{whole, part, part} {
		v, err := m.NewTensor(2, 3)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	first, middle, last := all[0], all[1], all[2]
	if err := errors.Join(first.Mirror(), last.Mirror(), last.Mirror()); err != nil || middle.Data != nil {
		t.Fatal(err, middle.Data)
	}
	copy(first.Data, []float32{1, 2, 3, 4, 5, 6})
	want := []float32{4, 8, 12, 16, 20, 24}
	for _, step := range []struct {
		what string
		do   func() error
	}{
		{"upload", first.Upload}, {"wait", whole.Wait},
		{"run", func() error { return s.RunTensors(t.Context(), []*onnx.Tensor{first}, []*onnx.Tensor{middle}) }},
		{"run", func() error { return s.RunTensors(t.Context(), []*onnx.Tensor{middle}, []*onnx.Tensor{last}) }},
		{"download", last.Download},
	} {
		if slices.Equal(last.Data, want) {
			t.Errorf("before %s the result is there", step.what)
		}
		if err := step.do(); err != nil {
			t.Fatal(step.what, err)
		}
	}
	if slices.Equal(last.Data, want) {
		t.Error("the result is there before it was waited for")
	}
	if err := part.Wait(); err != nil || !slices.Equal(last.Data, want) || device.Copies != 2 {
		t.Errorf("%v, %d copies, %v", last.Data, device.Copies, err)
	}

	prefix, err := last.Prefix(2)
	if err == nil {
		err = errors.Join(prefix.Mirror(), prefix.Download(), part.Wait())
	}
	if err != nil || !slices.Equal(prefix.Data, want[:2]) {
		t.Errorf("the first two: %v, %v", prefix.Data, err)
	}
	if _, err := last.Prefix(7); err == nil || !strings.Contains(err.Error(), "needs 7") {
		t.Error(err)
	}
	for _, v := range append(all, prefix, large) {
		v.Close()
		v.Close()
	}
	if err := whole.Close(); err == nil {
		t.Error("the whole is closed before its part")
	}
	if err := part.Close(); err != nil {
		t.Error(err)
	}
	if err := device.Close(); err != nil {
		t.Error(err)
	}
}

// Of the processor's memory tensors are used in place; a full device is said.
func TestDeviceMemoryErrors(t *testing.T) {
	onnxtest.Require(t)
	var own *onnx.Memory
	v, err := own.NewTensor(3)
	if err == nil {
		err = errors.Join(v.Mirror(), v.Upload(), v.Download(), own.Wait(), own.Part().Close(), own.Close())
	}
	if err != nil || len(v.Data) != 3 {
		t.Error(v, err)
	}
	v.Close()
	if m, err := onnx.NewMemory(onnx.CPU); m != nil || err != nil {
		t.Error(m, err)
	}
	for _, target := range []onnx.Target{onnx.CUDA, onnx.DirectML} {
		if _, err := onnx.NewMemory(target); !errors.Is(err, onnx.ErrTargetUnavailable) && target.Check() != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
	full := onnx.NewProcessorMemory(&onnxtest.Memory{Limit: 5 << 20})
	if v, err = full.NewTensor(1); err != nil {
		t.Fatal(err)
	}
	v.Close()
	if _, err := full.NewTensor(1 << 20); err == nil || !strings.Contains(err.Error(), "out of memory") {
		t.Error(err)
	}
	if err := full.Close(); err != nil {
		t.Error(err)
	}
}
