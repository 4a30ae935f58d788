package sanitize

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"lut.json", "lut.json"},
		{"Größe 45 µs", "Größe 45 µs"},
		{"a\tb\nc\r\nd", "a b c  d"},
		{"red \x1b[31mtext\x1b[0m", "red text"},
		{"title \x1b]0;owned\a!", "title !"},
		{"link \x1b]8;;http://x\x1b\\here\x1b]8;;\x1b\\", "link here"},
		{"dcs \x1bP+q544e\x1b\\.", "dcs ."},
		{"apc \x1b_G;x\x1b\\.", "apc ."},
		{"charset \x1b(0x", "charset x"},
		{"save \x1b7x", "save x"},
		{"open \x1b]0;no end", "open ]0;no end"},
		{"open \x1b[12", "open [12"},
		{"end\x1b", "end"},
		{"c1 \u009b31mred", "c1 31mred"},
		{"bell\a back\b del\x7f nul\x00.", "bell back del nul."},
		{"bidi \u202egnp.exe\u202c \u2066x\u2069", "bidi gnp.exe x"},
		{"zero\u200bwidth\u200d\ufeff\u00ad", "zerowidth"},
		{"tag \U000e0041\ufe0f\u3164.", "tag ."},
		{"bad \xff\x9b31m", "bad \ufffd\ufffd31m"},
		{"marks e\u0301\u0302\u0303\u0304\u0305\u0306x\u0301", "marks e\u0301\u0302\u0303\u0304x\u0301"},
		{"nested \x1b\x1b[31m[31mx", "nested [31mx"},
	} {
		if got := Line(c.in); got != c.want {
			t.Errorf("Line(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func FuzzLine(f *testing.F) {
	f.Add("\x1b[31mx\x1b]0;t\a")
	f.Add("\x1b\u200b[31m")
	f.Add("\xff\u202e\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := Line(s)
		if !utf8.ValidString(got) {
			t.Fatalf("Line(%q) = %q is not UTF-8", s, got)
		}
		if i := strings.IndexFunc(got, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }); i >= 0 {
			t.Fatalf("Line(%q) = %q has a control or format character at %d", s, got, i)
		}
		if strings.IndexFunc(got, func(r rune) bool { return unicode.Is(unicode.Variation_Selector, r) }) >= 0 {
			t.Fatalf("Line(%q) = %q has a variation selector", s, got)
		}
		if again := Line(got); again != got {
			t.Fatalf("Line is not idempotent: %q, then %q", got, again)
		}
	})
}
