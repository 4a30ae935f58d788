//go:build cgo

package onnx

import (
	"errors"
	"testing"

	ort "github.com/yalue/onnxruntime_go"
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
