// Package onnxtest is for tests that run models.
package onnxtest

import (
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
