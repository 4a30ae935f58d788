package solver_test

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/solver"
)

// Two stages of one or two blocks with two options each: a cheap and a good one.
func problem() *solver.Problem {
	return &solver.Problem{
		Stages: 2, MinDepth: 1, MaxDepth: 2, Options: 2,
		Bias:           70,
		Alpha:          []float64{0, 1, 0, 0.5, 0, 2, 0, 0.25}, // per block: cheap, good
		BlockLatencyMS: []float64{2, 4, 1, 2, 2, 3, 1, 3},
		Beta:           []float64{0, 0.5, 0, 1}, // per stage: one block, two blocks
		FixedLatencyMS: 3,
	}
}

func Example() {
	exact, err := solver.Prepare(context.Background(), problem())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("networks from %g ms; nothing to gain above %g ms\n", exact.MinLatencyMS(), exact.MaxLatencyMS())

	var s solver.Solution
	for _, limitMS := range []float64{6, 9.5, 12} {
		exact.Solve(context.Background(), &s, limitMS)
		if s.Status == solver.Infeasible {
			fmt.Printf("%g ms: %v\n", limitMS, s.Status)
			continue
		}
		fmt.Printf("%g ms: %v, %.3f%% at %g ms, depths %v, options %v\n",
			limitMS, s.Status, s.Accuracy, s.LatencyMS, s.Path.Depth, s.Path.Option)
	}
	// Output:
	// networks from 7 ms; nothing to gain above 15 ms
	// 6 ms: infeasible
	// 9.5 ms: optimal, 73.250% at 9 ms, depths [1 2], options [0 -1 1 0]
	// 12 ms: optimal, 74.500% at 12 ms, depths [2 2], options [1 0 1 0]
}

func ExampleExact_Frontier() {
	exact, err := solver.Prepare(context.Background(), problem())
	if err != nil {
		fmt.Println(err)
		return
	}
	frontier, err := exact.Frontier(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, point := range frontier.Points {
		fmt.Printf("%g ms %.3f%%\n", point.LatencyMS, point.Accuracy)
	}
	fmt.Println("best at 10.5 ms: point", frontier.At(10.5))
	// Output:
	// 7 ms 70.375%
	// 8 ms 72.375%
	// 9 ms 73.250%
	// 10 ms 73.500%
	// 11 ms 74.250%
	// 12 ms 74.500%
	// 13 ms 75.000%
	// 15 ms 75.250%
	// best at 10.5 ms: point 3
}
