//go:build cgo

package onnx

import (
	"errors"
	"strings"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/binas-tui/binas-tui/kernels"
)

// Options that the binding keeps in another way than is known are no options to
// register operators with.
func TestLayoutOfTheBindingIsChecked(t *testing.T) {
	type OrtSessionOptions struct{}
	for _, other := range []any{
		&struct{ o *int }{new(int)},
		&struct{ o, p *OrtSessionOptions }{new(OrtSessionOptions), nil},
		&struct{ o OrtSessionOptions }{},
	} {
		if _, err := native(other); !errors.Is(err, ErrKernels) {
			t.Errorf("%T: got %v, expected ErrKernels", other, err)
		}
	}
	if _, err := native(&ort.SessionOptions{}); err != nil {
		t.Error(err)
	}
}

// The environment chooses the kernels of training, and what chooses is said.
func TestKernelsOfTheEnvironment(t *testing.T) {
	requireLibrary(t)
	if len(kernels.Available()) == 0 {
		t.Fatal("a build with cgo has no kernels")
	}
	for name, said := range map[string]string{"portable": "portable; this machine runs ", "off": "off, graphs of ordinary operators instead: BINAS_KERNELS is off"} {
		t.Setenv(kernels.Environment, name)
		set, _, err := Kernels()
		if got := DescribeKernels(); err != nil || string(set) != name || !strings.HasPrefix(got, said) {
			t.Errorf("%s: got %s, %v, and it says %q", name, set, err, got)
		}
	}
	t.Setenv(kernels.Environment, "fast")
	if set, _, err := Kernels(); !errors.Is(err, ErrKernels) || set != kernels.Off {
		t.Errorf("fast: got %s, %v, expected %v", set, err, ErrKernels)
	}
}
