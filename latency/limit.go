package latency

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// limitUnits are the units of a latency limit, in milliseconds. The micro sign
// and the Greek letter are different characters.
var limitUnits = map[string]float64{"us": 1e-3, "\u00b5s": 1e-3, "\u03bcs": 1e-3, "ms": 1, "s": 1e3}

// ParseLimit reads a latency limit such as 45ms, 9800us or 0.045 s and returns
// milliseconds. A number without a unit is refused: seconds and milliseconds
// are too easily mixed up.
func ParseLimit(text string) (limitMS float64, err error) {
	trimmed := strings.TrimSpace(text)
	end := strings.LastIndexAny(trimmed, "0123456789.") + 1
	number, unit := strings.TrimSpace(trimmed[:end]), strings.TrimSpace(trimmed[end:])
	if strings.Trim(number, "0123456789.eE+-") != "" || number == "" {
		return 0, fmt.Errorf("limit %q: expected a number and a unit, for example 45ms", text)
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil && !math.IsInf(value, 0) {
		return 0, fmt.Errorf("limit %q: %q is not a number: expected for example 45ms", text, number)
	}
	factor, ok := limitUnits[unit]
	switch {
	case unit == "":
		return 0, fmt.Errorf("limit %q has no unit: %sms? %ss?", text, number, number)
	case !ok:
		return 0, fmt.Errorf("limit %q: unit %q: expected us, ms or s", text, unit)
	}
	limitMS = value * factor
	switch {
	case !(limitMS > 0):
		return 0, fmt.Errorf("limit %q: expected more than 0 ms", text)
	case math.IsInf(limitMS, 1):
		return 0, fmt.Errorf("limit %q: expected a finite number", text)
	}
	return limitMS, nil
}
