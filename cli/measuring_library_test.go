package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

// What is missing is what the advice fetches.
func TestLibraryAdvice(t *testing.T) {
	for _, c := range []struct {
		err  error
		says string
	}{
		{onnx.ErrNoLibrary, "doctor --install-onnxruntime"},
		{fmt.Errorf("%w: looked here", onnx.ErrNoCUDALibrary), "doctor --install-onnxruntime cuda"},
	} {
		if text := libraryError(c.err, "").Error(); !strings.HasSuffix(text, c.says) {
			t.Errorf("%s: expected %q", text, c.says)
		}
	}
}
