package explore

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// LimitKind is what a limit is on, a row of Resources.
type LimitKind uint8

// The kinds of limits. LimitLatency is on a latency table: the one in use, or
// where Limit.LUT is set another.
const (
	LimitLatency LimitKind = iota
	LimitParams
	LimitMACs
	LimitMemory // peak activation memory, see model.Cost
)

// Resource is what a network uses of something that a limit can be on.
// Commands, menus, messages and JSON take what they say from here.
type Resource struct {
	Kind    LimitKind
	Name    string // of its limits; --max-NAME is its flag
	About   string // what it is
	Counted string // what is counted of it, where that is not clear
	Unit    string // of amounts in JSON
	Example string // of an amount with its unit
	// Per is the amount whose price is quoted, as PerText says it; 0 where a
	// resource has no price.
	Per     float64
	PerText string

	written []writtenUnit // as amounts are written, the least first
	missing string        // units offered where there is none; %[1]s is the number
	solver  solver.ResourceKind
	amount  func(model.Cost) int64 // of a block or of the fixed part; nil is by a latency table
}

// writtenUnit is a unit that people write.
type writtenUnit struct {
	name  string
	size  float64
	alias bool // of one that is written already
}

var (
	countUnits  = []writtenUnit{{"k", 1e3, false}, {"K", 1e3, true}, {"M", 1e6, false}, {"G", 1e9, false}}
	memoryUnits = []writtenUnit{{"B", 1, false}, {"KB", 1e3, false}, {"kB", 1e3, true}, {"MB", 1e6, false}, {"GB", 1e9, false}, {"KiB", 1 << 10, false}, {"MiB", 1 << 20, false}, {"GiB", 1 << 30, false}}
)

// Resources are what limits can be on, by LimitKind.
var Resources = [...]Resource{
	{Kind: LimitLatency, Name: "latency", About: "latency", Unit: "ms", Example: "12ms", Per: 1, PerText: "ms", solver: solver.Latency},
	{Kind: LimitParams, Name: "params", About: "parameters", Unit: "params", Example: "6M", Per: 1e5, PerText: "100k",
		written: countUnits, missing: "%[1]sk? %[1]sM?", solver: solver.Count, amount: func(c model.Cost) int64 { return c.Params }},
	{Kind: LimitMACs, Name: "macs", About: "multiply-accumulates", Unit: "MACs", Example: "300M", Per: 1e7, PerText: "10M",
		written: countUnits, missing: "%[1]sM? %[1]sG?", solver: solver.Count, amount: func(c model.Cost) int64 { return c.MACs }},
	{Kind: LimitMemory, Name: "memory", About: "peak activation memory", Counted: " (input and output of one layer, float32, batch 1)", Unit: "bytes", Example: "8MB",
		written: memoryUnits, missing: "%[1]sKB? %[1]sMB?", solver: solver.Peak, amount: func(c model.Cost) int64 { return c.PeakBytes }},
}

// Resource is the row of a kind.
func (k LimitKind) Resource() *Resource { return &Resources[k] }

// Units names the units that amounts are written in: "k, M or G".
func (r *Resource) Units() string {
	var names []string
	for _, u := range r.written {
		if !u.alias {
			names = append(names, u.name)
		}
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// ParseAmount reads a limit of the given kind: a latency as
// latency.ParseLimit does, parameters and MACs such as 6M or 300M, memory such
// as 8MB or 7.5MiB. A number without a unit is refused.
func ParseAmount(kind LimitKind, text string) (float64, error) {
	if kind == LimitLatency {
		return latency.ParseLimit(text)
	}
	r := kind.Resource()
	trimmed := strings.TrimSpace(text)
	end := strings.LastIndexAny(trimmed, "0123456789.") + 1
	number, unit := strings.TrimSpace(trimmed[:end]), strings.TrimSpace(trimmed[end:])
	value, err := strconv.ParseFloat(number, 64)
	if err != nil && !math.IsInf(value, 0) || strings.Trim(number, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("limit %q: expected a number and a unit, for example %s", text, r.Example)
	}
	if unit == "" {
		missing := fmt.Sprintf(r.missing, number)
		if value >= 1000 && !math.IsInf(value, 1) { // it was counted out
			missing = Limit{Kind: kind, Cap: value}.CapText() + "?"
		}
		return 0, fmt.Errorf("limit %q has no unit: %s", text, missing)
	}
	size := math.NaN()
	for _, u := range r.written {
		if u.name == unit {
			size = u.size
		}
	}
	value = math.Round(value*size*1e6) / 1e6
	switch {
	case math.IsNaN(size):
		return 0, fmt.Errorf("limit %q: unit %q: expected %s", text, unit, r.Units())
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
	written := l.Kind.Resource().written
	least := written[0]
	best, size := strconv.FormatFloat(math.Round(l.Cap*1e6)/1e6/least.size, 'f', -1, 64)+least.name, least.size
	for _, u := range written[1:] {
		text := strconv.FormatFloat(math.Round(l.Cap/u.size*1e4)/1e4, 'f', -1, 64) + u.name
		if v, err := ParseAmount(l.Kind, text); !u.alias && size < u.size && u.size <= l.Cap && err == nil && v == l.Cap {
			best, size = text, u.size
		}
	}
	return best
}

// FormatAmount writes an amount of a resource with four significant digits and
// a fitting unit, a latency with six.
func FormatAmount(kind LimitKind, v float64) string {
	if kind == LimitLatency {
		return strconv.FormatFloat(v, 'g', 6, 64) + " ms"
	}
	r := kind.Resource()
	unit, size := "", 1.0
	for _, u := range r.written {
		if decimal := u.size == 1 || math.Mod(u.size, 1000) == 0; decimal && !u.alias && (u.size == 1 || math.Abs(v) >= u.size) {
			unit, size = u.name, u.size
		}
	}
	text := strconv.FormatFloat(v/size, 'g', 4, 64)
	if r.counted() {
		return text + unit
	}
	return text + " " + unit
}

// counted says that amounts are numbers of something, k being a thousand of it.
func (r *Resource) counted() bool { return len(r.written) > 0 && r.written[0].size != 1 }
