package cli

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
)

// writeCSV writes the insight table, or with a limit the decisions.
func (x *explanation) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	number := func(v explore.Number) string {
		if !v.Finite() {
			return ""
		}
		return strconv.FormatFloat(float64(v), 'g', -1, 64)
	}
	if !x.ofNetwork() {
		out.Write([]string{"stage", "dimension", "accuracy", "latency_ms", "points_per_ms"})
		for _, s := range x.Stages {
			for i, v := range s.all() {
				out.Write([]string{strconv.Itoa(s.Stage), dimensions[i], number(v.Accuracy), number(v.LatencyMS), number(v.PointsPerMS)})
			}
		}
	} else {
		head := []string{"stage", "block", "choice", "chosen", "accuracy", "latency_ms", "reduced_cost"}
		if len(x.Limits) > 1 {
			for _, l := range x.Limits {
				head = append(head, "charge_"+strings.ReplaceAll(l.Name, " ", "_"))
			}
		}
		out.Write(head)
		for _, d := range x.Decisions {
			block := ""
			if d.Block != nil {
				block = strconv.Itoa(*d.Block)
			}
			row := []string{strconv.Itoa(d.Stage), block, d.Choice, strconv.FormatBool(d.Chosen), number(d.Accuracy), number(d.LatencyMS), number(d.ReducedCost)}
			for _, c := range d.Charges {
				row = append(row, number(c))
			}
			out.Write(row)
		}
	}
	out.Flush()
	return out.Error()
}
