package cli

import (
	"encoding/json"
	"math"
	"strconv"
)

// number is a float64 that JSON can always hold: null where it is not finite.
type number float64

func (n number) finite() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON writes the number, or null.
func (n number) MarshalJSON() ([]byte, error) {
	if !n.finite() {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// formatMS writes milliseconds with the given number of significant digits,
// all those before the point included.
func formatMS(ms float64, digits int) string {
	decimals := digits - 1
	for v := math.Abs(ms); v >= 10 && decimals > 0; v /= 10 {
		decimals--
	}
	return strconv.FormatFloat(ms, 'f', decimals, 64)
}
