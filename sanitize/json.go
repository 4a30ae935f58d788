package sanitize

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns JSON that means the same and is safe to print: control characters
// and those that change the direction of text or have no width, which [Line]
// removes, are written as \uXXXX.
func JSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r < utf8.RuneSelf && r != 0x7f, !invisible(r) && r != '\u2028' && r != '\u2029':
			out = append(out, b[i:i+n]...) // white space between values is below RuneSelf
		default:
			for _, unit := range utf16.AppendRune(nil, r) {
				out = fmt.Appendf(out, "\\u%04x", unit)
			}
		}
		i += n
	}
	return out
}
