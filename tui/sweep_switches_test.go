package tui

import (
	"regexp"
	"testing"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// The latencies at which a decision is said to change are those of networks of the
// frontier, not of the columns of the sweep.
func TestSwitchesAreExact(t *testing.T) {
	d := newDriver(t, 120, 40)
	number := regexp.MustCompile(`to ([0-9.]+) ms`)
	on := map[string]bool{}
	for _, p := range d.frontier.Points {
		on[cell.Number(p.LatencyMS, 2)] = true
	}
	said := 0
	for row := range d.space().NumBlocks() {
		for _, m := range number.FindAllStringSubmatch(d.switches(60, d.decision(row), d.glyphSet()), -1) {
			if said++; !on[m[1]] {
				t.Errorf("decision %d changes at %s ms: no network of the frontier is there", row, m[1])
			}
		}
	}
	if said == 0 {
		t.Error("no decision changes")
	}
}
