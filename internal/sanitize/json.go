package sanitize

import (
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON returns JSON that means the same and is printable ASCII: no terminal obeys it
// and no locale changes it. Other characters are written as \uXXXX.
func JSON(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		i += n
		if r < 0x7f {
			out = append(out, byte(r)) // white space between values too
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, "\\u%04x", unit)
		}
	}
	return out
}
