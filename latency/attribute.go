package latency

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/model"
)

var nodePattern = regexp.MustCompile(`^blocks\.(\d{1,3})\.(\d{1,3})\.`)

// fixedNodes begin the names of nodes that belong to no block.
var fixedNodes = []string{"conv_stem", "bn1", "act1", "global_pool", "conv_head", "act2", "flatten", "logits"}

// attribute says which block of a space each node of a network belongs to, or
// fixedBlock. Nodes that a runtime adds bear no block's name (reorderings,
// activations it takes apart): they belong to the block before them. The error
// names the first node of a block that the network does not have; it wraps
// ErrNoTrace where a block has no node of its name, as where a provider fuses
// them.
func attribute(s *model.Space, p model.Path, nodes []string) ([]int, error) {
	owners := make([]int, len(nodes))
	seen := map[int]bool{}
	current := fixedBlock
	for i, node := range nodes {
		if m := nodePattern.FindStringSubmatch(node); m != nil {
			stage, _ := strconv.Atoi(m[1]) // digits, by the pattern
			k, _ := strconv.Atoi(m[2])
			current = fixedBlock
			if last := len(s.Stages) + 1; stage > last || ((stage == 0 || stage == last) && k > 0) {
				return nil, fmt.Errorf("%w: node %s: the network has no block %d.%d", ErrTrace, quote(node), stage, k)
			} else if stage > 0 && stage < last {
				current = (stage-1)*s.MaxDepth + k
				if k >= s.MaxDepth || !s.Active(p, current) {
					return nil, fmt.Errorf("%w: node %s: the network has no block %d.%d", ErrTrace, quote(node), stage, k)
				}
			}
		} else {
			for _, name := range fixedNodes {
				if strings.HasPrefix(node, name) {
					current = fixedBlock
				}
			}
		}
		owners[i], seen[current] = current, true
	}
	for b := range p.Option {
		if s.Active(p, b) && !seen[b] {
			return nil, fmt.Errorf("%w: %w: none of %d nodes is of block %d.%d", ErrTrace, ErrNoTrace, len(nodes), b/s.MaxDepth+1, b%s.MaxDepth)
		}
	}
	return owners, nil
}
