package sanitize

import (
	"strings"
	"testing"
)

func TestUTF8Locale(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want bool
	}{
		{map[string]string{}, true},
		{map[string]string{"LANG": "C.UTF-8"}, true},
		{map[string]string{"LANG": "de_DE.utf8@euro"}, true},
		{map[string]string{"LANG": "C"}, false},
		{map[string]string{"LANG": "POSIX"}, false},
		{map[string]string{"LANG": "en_US"}, false},
		{map[string]string{"LANG": "en_US.ISO-8859-1"}, false},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_CTYPE": "C"}, false},
		{map[string]string{"LC_CTYPE": "C", "LC_ALL": "en_US.UTF-8"}, true},
		{map[string]string{"LANG": "en_US.UTF-8", "LC_ALL": "C"}, false},
	} {
		if got := UTF8Locale(func(name string) string { return c.env[name] }); got != c.want {
			t.Errorf("%v: %v", c.env, got)
		}
	}
}

func TestASCII(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                "plain",
		"77.05 ±0.11 % · 4 µs": "77.05 +/-0.11 % - 4 us",
		"Größe é ½ ﬁ":          "Grosse e 1/2 fi",
		"e\u0301":              "e",
		"漢字":                   "??",
		"┤ ╭─╯":                "| .-'",
		"\xff":                 "?",
		"−0.5 ≤ τ²":            "-0.5 <= tau^2",
		"\u0301alone":          "alone",
	} {
		if got := ASCII(in); strings.ReplaceAll(got, "\u2044", "/") != want {
			t.Errorf("ASCII(%q) = %q, want %q", in, got, want)
		}
	}
}

// Whatever is written and however it is cut, what comes out is ASCII, and the
// same.
func FuzzASCIIWriter(f *testing.F) {
	f.Add("a±b…漢\xff\xc3", 3)
	f.Add("┼─╮", 1)
	f.Fuzz(func(t *testing.T, text string, cut int) {
		var out strings.Builder
		w := NewASCIIWriter(&out)
		cut = max(1, cut)
		for rest := text; rest != ""; {
			n := min(cut, len(rest))
			if k, err := w.Write([]byte(rest[:n])); k != n || err != nil {
				t.Fatalf("%d, %v", k, err)
			}
			rest = rest[n:]
		}
		if !ascii(out.String()) || !ascii(ASCII(text)) {
			t.Errorf("%q becomes %q", text, out.String())
		}
	})
}
