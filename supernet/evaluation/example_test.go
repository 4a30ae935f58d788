package evaluation_test

import (
	"fmt"
	"log"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// The random network of a seed and a number is always the same, and pinning a
// decision changes nothing else.
func Example() {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		log.Fatal(err)
	}
	deepest := s.Decisions()[39]
	fmt.Println(deepest.Name)
	fmt.Println(evaluation.RandomPath(s, 1, 0).Depth)
	fmt.Println(evaluation.PinnedPath(s, 1, 0, deepest).Depth)
	// Output:
	// stage_1-block_3
	// [2 3 2 3 4]
	// [4 3 2 3 4]
}
