// Package onnxtest is for tests that run models.
package onnxtest

import (
	"os"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

// Require loads ONNX Runtime, or skips the test where there is none and
// BINAS_REQUIRE_ONNXRUNTIME is not set.
func Require(t testing.TB) {
	t.Helper()
	if _, err := onnx.Open(""); err != nil {
		if os.Getenv("BINAS_REQUIRE_ONNXRUNTIME") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}
