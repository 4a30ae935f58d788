package sanitize

import (
	"fmt"
	"io"
	"math"
	"reflect"
)

// Unknown stands where a figure is not known.
const Unknown = "–"

// Fprintf writes as fmt.Fprintf does, with [Unknown] in place of numbers that are
// none: NaN and the infinities.
func Fprintf(w io.Writer, format string, args ...any) (int, error) {
	return fmt.Fprintf(w, format, figures(args)...)
}

// Sprintf is fmt.Sprintf likewise.
func Sprintf(format string, args ...any) string { return fmt.Sprintf(format, figures(args)...) }

func figures(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = a
		if v := reflect.ValueOf(a); v.IsValid() && v.CanFloat() && (math.IsNaN(v.Float()) || math.IsInf(v.Float(), 0)) {
			out[i] = unknown{}
		}
	}
	return out
}

// unknown is a figure that is not known, whatever the verb.
type unknown struct{}

func (unknown) Format(s fmt.State, _ rune) {
	width, _ := s.Width()
	left, right := width-1, 0
	if s.Flag('-') {
		left, right = right, left
	}
	fmt.Fprintf(s, "%*s%s%*s", max(left, 0), "", Unknown, max(right, 0), "")
}
