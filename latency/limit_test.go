package latency

import (
	"math"
	"strings"
	"testing"
)

func TestParseLimitTakesEveryUnit(t *testing.T) {
	for text, want := range map[string]float64{
		"45ms": 45, " 45 ms ": 45, "9800us": 9.8, "9800µs": 9.8, "9800μs": 9.8, "0.045s": 45, "0.045 s": 45, "4.5e1ms": 45, ".5ms": 0.5,
	} {
		if got, err := ParseLimit(text); err != nil || math.Abs(got-want) > 1e-12 {
			t.Errorf("ParseLimit(%q) = %v ms, %v; want %v ms", text, got, err, want)
		}
	}
}

func TestParseLimitSaysWhatIsWrong(t *testing.T) {
	for text, want := range map[string]string{
		"45": "45ms? 45s?", "": "number and a unit", "ms": "number and a unit", "45m": `unit "m"`, "45 minutes": `unit "minutes"`,
		"-45ms": "more than 0", "0ms": "more than 0", "1e999ms": "finite", "1e3e4ms": "not a number", "NaNms": "number and a unit", "45ms45": "number and a unit",
	} {
		if got, err := ParseLimit(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseLimit(%q) = %v ms, %v; want an error with %q", text, got, err, want)
		}
	}
}
