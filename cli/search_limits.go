package cli

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/sanitize"
)

// limitFlags are the limits beside the one on latency.
type limitFlags struct {
	params, macs, memory string
	on                   []string // LUT=12ms
}

func (l *limitFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&l.params, "max-params", "", "`LIMIT` on parameters, with its unit: k, M or G, for example 6M")
	f.StringVar(&l.macs, "max-macs", "", "`LIMIT` on multiply-accumulates, with its unit: k, M or G, for example 300M")
	f.StringVar(&l.memory, "max-memory", "", "`LIMIT` on peak activation memory (input and output of one layer, float32, batch 1), with its unit: B, KB, MB, KiB or MiB, for example 8MB")
	f.StringArrayVar(&l.on, "limit-on", nil, "latency limit on another table, `LUT=LIMIT`, for example phone.pkl=12ms; can be given several times")
}

func (l *limitFlags) any() bool { return l.params+l.macs+l.memory != "" || len(l.on) > 0 }

// parse reads the limits, and the tables that they are on.
func (l *limitFlags) parse() ([]explore.Limit, error) {
	var out []explore.Limit
	for _, x := range []struct {
		flag string
		kind explore.LimitKind
		text string
	}{{"max-params", explore.LimitParams, l.params}, {"max-macs", explore.LimitMACs, l.macs}, {"max-memory", explore.LimitMemory, l.memory}} {
		if x.text == "" {
			continue
		}
		v, err := explore.ParseAmount(x.kind, x.text)
		if err != nil {
			return nil, usagef("--%s: %w", x.flag, err)
		}
		out = append(out, explore.Limit{Kind: x.kind, Cap: v})
	}
	for _, text := range l.on {
		at := strings.LastIndexByte(text, '=')
		if at < 1 {
			return nil, usagef("--limit-on %q: expected a latency table and a limit, for example phone.pkl=12ms", text)
		}
		v, err := explore.ParseAmount(explore.LimitLatency, text[at+1:])
		if err != nil {
			return nil, usagef("--limit-on: %w", err)
		}
		lut, err := explore.LoadLUT(text[:at])
		if err != nil {
			return nil, err
		}
		out = append(out, explore.Limit{Cap: v, LUT: lut, LUTName: text[:at]})
	}
	return out, nil
}

// writeFound prints a search for people, its limits and the best networks
// before the network itself.
func writeFound(w io.Writer, e *explore.Engine, f explore.Found) error {
	if len(f.Limits) > 1 {
		writeLimits(w, f.Limits)
	}
	if len(f.Top) > 0 {
		writeTop(w, e, f)
	}
	return writeSearch(w, e, f.Finding)
}

// writeLimits prints every limit, what is left of it and what more is worth.
func writeLimits(w io.Writer, limits []explore.Limit) {
	fmt.Fprintln(w, "limit                      at most         used        slack  binding")
	for _, l := range limits {
		if math.IsInf(l.Cap, 1) {
			continue
		}
		binding := ""
		switch {
		case l.Binding && math.IsNaN(l.ShadowPrice):
			binding = "yes"
		case l.Binding:
			unit, per := map[explore.LimitKind]string{explore.LimitLatency: "1 ms", explore.LimitParams: "100k", explore.LimitMACs: "10M"}[l.Kind],
				map[explore.LimitKind]float64{explore.LimitLatency: 1, explore.LimitParams: 1e5, explore.LimitMACs: 1e7}[l.Kind]
			binding = fmt.Sprintf("%.3f points for %s more", l.ShadowPrice*per, unit)
		}
		fmt.Fprintf(w, "%-22s %11s  %11s  %11s  %s\n", sanitize.Line(l.Name()), l.Format(l.Cap), l.Format(l.Used), l.Format(l.Slack), binding)
	}
	fmt.Fprintln(w)
}

// writeTop prints the best networks and how each differs from the best.
func writeTop(w io.Writer, e *explore.Engine, f explore.Found) {
	fmt.Fprintln(w, "   #  accuracy %  latency ms  differs from the best")
	for i, t := range f.Top {
		var parts []string
		for _, d := range e.Differences(f.Path, t.Path) {
			where := fmt.Sprintf("stage %d", d.Stage)
			if d.Block >= 0 {
				where = fmt.Sprintf("%d.%d", d.Stage, d.Block)
			}
			parts = append(parts, fmt.Sprintf("%s %s→%s", where, d.From, d.To))
		}
		fmt.Fprintf(w, "%4d  %10.4f  %10.3f  %s\n", i+1, t.Accuracy, t.Used[0], strings.Join(parts, ", "))
	}
	fmt.Fprintln(w)
}
