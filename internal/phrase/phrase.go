// Package phrase writes what every front end writes alike: nouns after numbers,
// milliseconds, times that are left, words for a shell.
package phrase

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Plural is the noun after a number.
func Plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}

// Count is a number and its noun: "1 network", "5 networks".
func Count(n int, noun string) string { return fmt.Sprintf("%d %s", n, Plural(n, noun)) }

// MS writes milliseconds with the given number of significant digits, all those
// before the point included.
func MS(ms float64, digits int) string {
	decimals := digits - 1
	for v := math.Abs(ms); v >= 10 && decimals > 0; v /= 10 {
		decimals--
	}
	return strconv.FormatFloat(ms, 'f', decimals, 64)
}

// PlusMinus writes milliseconds with their standard deviation, of which at least one
// digit that is not 0 is shown.
func PlusMinus(ms, deviation float64, digits int) string {
	more := 2
	for v := math.Abs(deviation); v > 0 && v < 0.05 && more < 6; v *= 10 {
		more++
	}
	return MS(ms, digits) + " ± " + MS(deviation, more)
}

// Duration is a duration for people: whole seconds, and minutes from two on.
func Duration(d time.Duration) string {
	d = d.Round(time.Second)
	if d < 2*time.Minute {
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return strings.TrimSuffix(d.Round(time.Minute).String(), "0s")
}

// ShellWord quotes a word for a POSIX shell where it needs that.
func ShellWord(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:,=+%@", r))
	}) {
		return s
	}
	if strings.Contains(s, "'") && !strings.ContainsAny(s, "\"\\$`!") { // an architecture, which stays readable
		return `"` + s + `"`
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
