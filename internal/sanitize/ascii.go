package sanitize

import (
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// UTF8Locale reports whether a terminal of this environment shows UTF-8: what
// LC_ALL, LC_CTYPE or LANG, the first that is set, names as its encoding. C,
// POSIX and a locale without an encoding do not. Where none is set nothing is
// known, and terminals of today show UTF-8.
func UTF8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := getenv(name); v != "" {
			_, encoding, _ := strings.Cut(v, ".")
			encoding, _, _ = strings.Cut(encoding, "@")
			return strings.EqualFold(encoding, "UTF-8") || strings.EqualFold(encoding, "UTF8")
		}
	}
	return true
}

// inASCII are characters that ASCII writes otherwise than by leaving marks out.
var inASCII = map[rune]string{
	'·': "-", '±': "+/-", '…': "...", '←': "<-", '→': "->", '↑': "up", '↓': "down", '⇧': "shift+", 'µ': "u", 'μ': "u",
	'\u2044': "/", '≤': "<=", '≥': ">=", '≠': "!=", '≈': "~", '−': "-", '–': "-", '—': "-", '×': "x", '²': "^2", '³': "^3", '∞': "inf",
	'Δ': "d", 'α': "alpha", 'β': "beta", 'λ': "lambda", 'σ': "sigma", 'τ': "tau", 'Σ': "sum", '√': "sqrt", '°': "deg",
	'‘': "'", '’': "'", '“': `"`, '”': `"`, '«': `"`, '»': `"`, '•': "*", '✓': "ok", '✗': "x", 'ß': "ss", 'æ': "ae", 'ø': "o", 'ł': "l", 'Æ': "AE", 'Ø': "O", 'Ł': "L",
	'│': "|", '┃': "|", '┆': "|", '┊': "|", '─': "-", '━': "-", '╴': "-", '╶': "-", '┤': "|", '├': "|", '┼': "+", '┬': "+", '┴': "+", '└': "+", '┘': "+", '┌': "+", '┐': "+",
	'╭': ".", '╮': ".", '╰': "'", '╯': "'", '█': "#", '▒': ":", '░': ".", '▪': "*", '●': "o", '◆': "@", '▲': "^", '▼': "v", '▸': ">",
}

// Spell writes the signs of s, as in "4 µs ±0.11", with ASCII characters; letters of
// every language stay.
func Spell(s string) string {
	if ascii(s) {
		return s
	}
	var w strings.Builder
	for _, r := range s {
		if text, ok := inASCII[r]; ok && !unicode.IsLetter(r) || r == 'µ' {
			w.WriteString(text)
		} else {
			w.WriteRune(r)
		}
	}
	return w.String()
}

// ASCII writes s with ASCII characters alone: letters lose their marks, signs are
// spelled, and what has no spelling becomes a question mark.
func ASCII(s string) string {
	if ascii(s) {
		return s
	}
	var w strings.Builder
	for _, r := range norm.NFC.String(s) {
		writeASCII(&w, r)
	}
	return w.String()
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func writeASCII(w *strings.Builder, r rune) {
	if r < utf8.RuneSelf {
		w.WriteRune(r)
		return
	}
	if text, ok := inASCII[r]; ok {
		w.WriteString(text)
		return
	}
	written := false
	for _, part := range norm.NFKD.String(string(r)) {
		switch text, ok := inASCII[part]; {
		case part < utf8.RuneSelf:
			w.WriteRune(part)
			written = true
		case ok:
			w.WriteString(text)
			written = true
		}
	}
	if !written && !unicode.Is(unicode.M, r) {
		w.WriteByte('?')
	}
}

// NewASCIIWriter returns a writer that passes on to w what is written to it, in
// ASCII. A character that a call ends within waits for the next.
func NewASCIIWriter(w io.Writer) io.Writer { return &asciiWriter{w: w} }

type asciiWriter struct {
	w    io.Writer
	rest []byte // of a character
}

func (a *asciiWriter) Write(p []byte) (int, error) {
	text := append(a.rest, p...)
	end := len(text)
	for i := max(0, end-utf8.UTFMax+1); i < end; i++ {
		if utf8.RuneStart(text[i]) && !utf8.FullRune(text[i:]) {
			end = i
		}
	}
	_, err := io.WriteString(a.w, ASCII(string(text[:end])))
	a.rest = append([]byte(nil), text[end:]...)
	if err != nil {
		return 0, err
	}
	return len(p), nil
}
