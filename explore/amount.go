package explore

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/latency"
)

// amountUnits are the units of limits on counts and on memory.
var amountUnits = map[LimitKind]map[string]float64{
	LimitParams: {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9},
	LimitMACs:   {"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9},
	LimitMemory: {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30},
}

// amountHints are the units offered where there is none, and those expected.
var amountHints = map[LimitKind][2]string{
	LimitParams: {"%[1]sk? %[1]sM?", "k, M or G"},
	LimitMACs:   {"%[1]sM? %[1]sG?", "k, M or G"},
	LimitMemory: {"%[1]sKB? %[1]sMB?", "B, KB, MB, GB, KiB, MiB or GiB"},
}

// ParseAmount reads a limit of the given kind: a latency as
// latency.ParseLimit does, parameters and MACs such as 6M or 300M, memory such
// as 8MB or 7.5MiB. A number without a unit is refused.
func ParseAmount(kind LimitKind, text string) (float64, error) {
	if kind == LimitLatency {
		return latency.ParseLimit(text)
	}
	trimmed := strings.TrimSpace(text)
	end := strings.LastIndexAny(trimmed, "0123456789.") + 1
	number, unit := strings.TrimSpace(trimmed[:end]), strings.TrimSpace(trimmed[end:])
	hints := amountHints[kind]
	example := strings.Fields(fmt.Sprintf(strings.ReplaceAll(hints[0], "?", ""), "8"))[1]
	value, err := strconv.ParseFloat(number, 64)
	if err != nil && !math.IsInf(value, 0) || strings.Trim(number, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("limit %q: expected a number and a unit, for example %s", text, example)
	}
	factor, ok := amountUnits[kind][unit]
	switch {
	case unit == "":
		return 0, fmt.Errorf("limit %q has no unit: "+hints[0], text, number)
	case !ok:
		return 0, fmt.Errorf("limit %q: unit %q: expected %s", text, unit, hints[1])
	}
	value = math.Round(value*factor*1e6) / 1e6
	switch {
	case !(value > 0):
		return 0, fmt.Errorf("limit %q: expected more than 0", text)
	case math.IsInf(value, 1):
		return 0, fmt.Errorf("limit %q: expected a finite number", text)
	}
	return value, nil
}

// CapText writes the cap as ParseAmount reads it, exactly, in the greatest unit
// that gives it back.
func (l Limit) CapText() string {
	if l.Kind == LimitLatency {
		return strconv.FormatFloat(l.Cap, 'f', -1, 64) + "ms"
	}
	units := []string{"G", "M"}
	if l.Kind == LimitMemory {
		units = []string{"MiB", "MB", "KiB", "KB"}
	}
	for _, unit := range units {
		n := l.Cap / amountUnits[l.Kind][unit]
		text := strconv.FormatFloat(math.Round(n*1e4)/1e4, 'f', -1, 64) + unit
		if v, err := ParseAmount(l.Kind, text); n >= 1 && err == nil && v == l.Cap {
			return text
		}
	}
	if l.Kind == LimitMemory {
		return strconv.FormatFloat(l.Cap, 'f', -1, 64) + "B"
	}
	return strconv.FormatFloat(math.Round(l.Cap*1e6)/1e9, 'f', -1, 64) + "k"
}

// FormatAmount writes an amount of a resource with four significant digits and
// a fitting unit.
func FormatAmount(kind LimitKind, v float64) string {
	if kind == LimitLatency {
		return strconv.FormatFloat(v, 'g', 6, 64) + " ms"
	}
	unit := ""
	for _, u := range []struct {
		name string
		size float64
	}{{"G", 1e9}, {"M", 1e6}, {"k", 1e3}} {
		if math.Abs(v) >= u.size {
			v, unit = v/u.size, u.name
			break
		}
	}
	text := strconv.FormatFloat(v, 'g', 4, 64)
	if kind == LimitMemory {
		return text + " " + strings.ToUpper(unit) + "B"
	}
	return text + unit
}
