package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one line that shows what it says and does nothing else:
//
//   - escape sequences (CSI, OSC, DCS and the like) are removed, together with
//     what they carry where they are complete;
//   - other control characters, C0 and C1 alike, are removed; a tab or a line
//     break becomes a space;
//   - characters that change the direction of text, have no width or are
//     private markers (Unicode class Cf, variation selectors, fillers) are
//     removed;
//   - marks that are stacked on a character, as accents are, end with the
//     fourth;
//   - bytes that are not UTF-8 become U+FFFD.
//
// Line(Line(s)) is Line(s).
func Line(s string) string {
	if plain(s) || visible(s) {
		return s
	}
	return printable(s)
}

// maxMarks is more than any script stacks on one character.
const maxMarks = 4

// visible reports whether nothing in s has to be removed or replaced.
func visible(s string) bool {
	marks := 0
	for _, r := range s {
		switch {
		case r >= 0x20 && r <= 0x7e:
			marks = 0
			continue
		case r == utf8.RuneError || invisible(r) || r == '\u2028' || r == '\u2029':
			return false
		case unicode.Is(unicode.M, r):
			marks++
		default:
			marks = 0
		}
		if marks > maxMarks {
			return false
		}
	}
	return true
}

// plain reports whether s is printable ASCII alone, the usual case.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

func printable(s string) string {
	var w strings.Builder
	w.Grow(len(s))
	marks := 0 // on the last character
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\x1b':
			n = escape(s[i:])
		case unicode.Is(unicode.M, r) && !invisible(r):
			if marks++; marks <= maxMarks {
				w.WriteRune(r)
			}
		case r == '\t' || r == '\n' || r == '\r' || r == '\v' || r == '\f' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			w.WriteByte(' ')
			marks = 0
		case r == utf8.RuneError && n == 1:
			w.WriteRune(utf8.RuneError)
			marks = 0
		case !invisible(r):
			w.WriteRune(r)
			marks = 0
		}
		i += n
	}
	return w.String()
}

// invisible reports the characters that print nothing of their own.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Variation_Selector, r) ||
		unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// escape returns the length of the escape sequence at the start of s, which
// begins with ESC. Where the sequence is not complete it is 1: what follows
// is shown as text.
func escape(s string) int {
	if len(s) < 2 {
		return 1
	}
	switch c := s[1]; {
	case c == '[':
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x40 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				return 1
			}
		}
	case strings.IndexByte("]PX^_", c) >= 0:
		for i := 2; i < len(s); i++ {
			switch {
			case s[i] == '\a':
				return i + 1
			case s[i] == '\x1b' && i+1 < len(s) && s[i+1] == '\\':
				return i + 2
			case s[i] == '\x1b':
				return 1
			}
		}
	case c >= 0x20 && c <= 0x2f: // intermediate bytes, then a final one
		for i := 2; i < len(s); i++ {
			if s[i] >= 0x30 && s[i] <= 0x7e {
				return i + 1
			}
			if s[i] < 0x20 || s[i] > 0x7e {
				return 1
			}
		}
	case c >= 0x30 && c <= 0x7e:
		return 2
	}
	return 1
}
