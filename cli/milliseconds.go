package cli

import (
	"math"
	"strconv"
)

// formatMS writes milliseconds with the given number of significant digits,
// all those before the point included.
func formatMS(ms float64, digits int) string {
	decimals := digits - 1
	for v := math.Abs(ms); v >= 10 && decimals > 0; v /= 10 {
		decimals--
	}
	return strconv.FormatFloat(ms, 'f', decimals, 64)
}
