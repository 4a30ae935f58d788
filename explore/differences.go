package explore

import (
	"fmt"

	"github.com/binas-tui/binas-tui/model"
)

// Difference is one decision in which a network differs from another. Stages
// count from 1. Block is -1 for a depth.
type Difference struct {
	Stage    int
	Block    int
	From, To string // "3 blocks", or an option: "k5 e3 se"; "off" where a block is off
}

// Where is the decision as people name it: "stage 2", or "2.1" for a block.
func (d Difference) Where() string {
	if d.Block < 0 {
		return fmt.Sprintf("stage %d", d.Stage)
	}
	return fmt.Sprintf("%d.%d", d.Stage, d.Block)
}

// Differences lists the decisions in which a network differs from another.
func (e *Engine) Differences(from, to model.Path) []Difference {
	s := e.Space
	var out []Difference
	option := func(p model.Path, b int) string {
		if !s.Active(p, b) {
			return "off"
		}
		return s.Options[p.Option[b]].String()
	}
	for st := range s.Stages {
		if a, b := from.Depth[st], to.Depth[st]; a != b {
			out = append(out, Difference{st + 1, -1, fmt.Sprintf("%d blocks", a), fmt.Sprintf("%d blocks", b)})
		}
		for k := range s.MaxDepth {
			b := st*s.MaxDepth + k
			if x, y := option(from, b), option(to, b); x != y {
				out = append(out, Difference{st + 1, k, x, y})
			}
		}
	}
	return out
}
