package tui

import (
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
)

// scale is what a full bar of the architecture pane stands for. It belongs to
// table and predictor, not to the network shown: a bar that grows under the
// slider has grown, and the others stay as they are.
type scale struct {
	latencyMS float64 // of the slowest option of any block
	points    float64 // of the option that adds or costs most
}

func newScale(e *explore.Engine) scale {
	s := scale{latencyMS: slices.Max(e.Table.BlockMS)}
	blocks, depth := e.Space.NumBlocks(), make([]int, len(e.Space.Stages))
	for i := range depth {
		depth[i] = e.Space.MaxDepth
	}
	for o := range e.Space.NumOptions() {
		path := model.Path{Depth: depth, Option: slices.Repeat([]int{o}, blocks)}
		if e.Bilinear() {
			for _, v := range e.Contributions(path).Block {
				s.points = max(s.points, math.Abs(v))
			}
			continue
		}
		for b := range blocks {
			s.points = max(s.points, math.Abs(e.Contribution(path, b)))
		}
	}
	return s
}
