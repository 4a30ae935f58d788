package explore_test

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/explore"
)

// The best network of the built-in profile within 25 ms, as the explorer finds
// it on every move of the slider.
func Example() {
	setup, err := explore.Load("imagenet", "", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	engine, err := explore.New(context.Background(), setup)
	if err != nil {
		fmt.Println(err)
		return
	}
	limitMS := (engine.MinLatencyMS() + engine.MaxLatencyMS()) / 2
	var answer explore.LiveAnswer
	engine.Solve(&answer, limitMS)
	fmt.Println(answer.Exact.Status, answer.Exact.LatencyMS <= limitMS, answer.BCFW.LatencyMS <= limitMS)
	// Output: optimal true true
}
