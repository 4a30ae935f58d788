package explore_test

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/explore"
)

// The best network of the default profile that takes at most half as long
// again as the fastest one.
func Example() {
	ctx := context.Background()
	setup, err := explore.Load("", "", "")
	if err != nil {
		panic(err)
	}
	engine, err := explore.New(ctx, setup)
	if err != nil {
		panic(err)
	}
	found, err := engine.Search(ctx, "", 1.5*engine.MinLatencyMS(), 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(found.Status, found.LatencyMS <= found.LimitMS, found.Gap())
	// Output: optimal true 0
}
