package cell

import (
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"
)

// Lines have room for signs of two cells, and no sign is lost between them.
func TestWrapCountsCells(t *testing.T) {
	const text = "no such file: 日本語日本語日本語/ü日本.onnx or directory e\u0301e\u0301e\u0301e\u0301e\u0301"
	for _, w := range []int{2, 4, 7, 12, 40} {
		lines := Wrap(text, w)
		for _, l := range lines {
			if ansi.StringWidth(l) > w {
				t.Errorf("%d: %q takes %d cells", w, l, ansi.StringWidth(l))
			}
		}
		if got, want := strings.Join(strings.Fields(strings.Join(lines, "")), ""), strings.ReplaceAll(text, " ", ""); got != want {
			t.Errorf("%d: %q", w, got)
		}
	}
}
