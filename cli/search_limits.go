package cli

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// limitFlags are the limits beside the one on latency.
type limitFlags struct {
	max [len(explore.Resources)]string // by LimitKind; the latency's is --limit
	on  []string                       // LUT=12ms
}

func (l *limitFlags) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	for _, r := range explore.Resources[1:] {
		f.StringVar(&l.max[r.Kind], "max-"+r.Name, "", fmt.Sprintf("`LIMIT` on %s%s, with its unit: %s, for example %s", r.About, r.Counted, r.Units(), r.Example))
	}
	f.StringArrayVar(&l.on, "limit-on", nil, "latency limit on another table, `LUT=LIMIT`, for example phone.pkl=12ms; repeatable")
}

func (l *limitFlags) any() bool { return strings.Join(l.max[:], "") != "" || len(l.on) > 0 }

// parse reads the limits, and the tables that they are on.
func (l *limitFlags) parse() ([]explore.Limit, error) {
	var out []explore.Limit
	for _, r := range explore.Resources[1:] {
		if l.max[r.Kind] == "" {
			continue
		}
		v, err := explore.ParseAmount(r.Kind, l.max[r.Kind])
		if err != nil {
			return nil, usagef("--max-%s: %w", r.Name, err)
		}
		out = append(out, explore.Limit{Kind: r.Kind, Cap: v})
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
func writeFound(w io.Writer, e *explore.Engine, f explore.SearchResult) error {
	if len(f.Limits) > 1 {
		writeLimits(w, f.Limits)
	}
	if len(f.Top) > 0 {
		writeTop(w, e, f)
	}
	return writeSearch(w, e, f)
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
			r := l.Kind.Resource()
			binding = fmt.Sprintf("shadow price %.3f points per %s", l.ShadowPrice*r.Per, r.PerText)
		}
		fmt.Fprintf(w, "%-22s %11s  %11s  %11s  %s\n", sanitize.Line(l.Name()), l.Format(l.Cap), l.Format(l.Used), l.Format(l.Slack), binding)
	}
	fmt.Fprintln(w)
}

// writeTop prints the best networks and how each differs from the best.
func writeTop(w io.Writer, e *explore.Engine, f explore.SearchResult) {
	fmt.Fprintln(w, "   #  accuracy %  latency ms  differs from the best")
	for i, t := range f.Top {
		var parts []string
		for _, d := range e.Differences(f.Path, t.Path) {
			parts = append(parts, fmt.Sprintf("%s %s→%s", d.Where(), d.From, d.To))
		}
		fmt.Fprintf(w, "%4d  %10.4f  %10.3f  %s\n", i+1, t.Accuracy, t.Used[0], strings.Join(parts, ", "))
	}
	fmt.Fprintln(w)
}
