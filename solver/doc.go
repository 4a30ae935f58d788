// Package solver searches a space of networks under a latency limit: the
// search step of BINAS (arXiv 2110.12399, Eq. 6).
//
// # The problem
//
// A network is a depth for every stage and an option for every block that its
// depth switches on. With alpha the one-hot options and beta the one-hot
// depths,
//
//	accuracy = bias + pa·alpha + pb·beta + alphaᵀ Q beta
//	latency  = fixed + Σ latency of the options of blocks that are on
//
// and a [Problem] at a limit T asks for the greatest accuracy with
// latency ≤ T. What blocks that are off add to accuracy is a choice, see
// [model.InactiveBlocks]; [Pins] hold decisions fixed.
//
// # Methods
//
// A [Method] solves a Problem at any limit. The predictor is an [Objective]
// where a method takes any.
//
//	Exact            bilinear     proved in microseconds
//	QuadraticSolver  quadratic    proved, or stopped with a gap
//	BCFWSolver       a gradient   nothing is proved
//	EvolutionSolver  any          nothing is proved
//
// [MultiLimit] is for bilinear predictors under several limits, and for the K best
// networks; it proves its answers, and has a Solve of its own shape.
//
// # Exact search
//
// With beta fixed the problem is a multiple-choice knapsack. Its LP relaxation
// is greedy: keep the upper hull of every block's options and take the steps
// along the hulls by falling accuracy per millisecond until the limit (Sinha
// and Zoltners 1979; in linear time Dyer 1984, Zemel 1984). [Prepare] does
// that for every vector of depths, 243 in the BINAS space. [Exact.Solve] looks
// up the break step, where the limit cuts each of them, which bounds them;
// rounds the best; and closes what gap is left with a dynamic programme over
// the options whose reduced cost is within it (Pisinger 1995).
//
// Where Q couples a block with the depth of its own stage alone (the form of the
// estimator and of the built-in predictor), stages are independent: each is reduced
// to its own frontier, and one knapsack over stages is left. Prepare then takes
// 0.15 instead of 1.5 ms, and the shadow price never rises with the limit.
//
// An answer of Status [Optimal] is proved: no network of the Problem within
// the limit is more accurate. [Exact.Frontier] proves the whole frontier.
//
// # Numbers
//
// Searches compute in whole numbers: latencies in 1e-12 ms, accuracies in
// 1e-12 points per term. Equal sums are therefore equal in any order. A
// network's latency is rounded to 1e-9 ms, once, and then compared with the
// limit as a float64: an answer's latency, as [Problem.LatencyMS] gives it, is
// never above the limit. Of equally accurate networks the fastest is returned,
// and the same input gives the same answer. A Problem may have up to 4e6 ms
// and 1e5 points over all its terms.
//
// # Several limits, several networks
//
// [PrepareMultiLimit] takes any number of resources beside or instead of latency
// and finds the K best networks that keep every limit: each vector of depths is
// a knapsack with several constraints, bounded by its LP relaxation, searched
// by reduced costs and branching. [MultiLimit.Conflict] names the smallest set of
// limits that exclude each other.
//
// It could be the only exact search, and is not, because one limit is what the
// explorer solves at every step of the slider and for every point of the frontier:
// on the BINAS space Exact takes 1 to 2 µs where MultiLimit takes 0.6 ms, and a whole
// frontier 1 ms instead of 0.3 s (BenchmarkExactSolve, BenchmarkSeveralLimits,
// BenchmarkFrontier, BenchmarkLimitedFrontier).
//
// # Other predictors
//
// [PrepareQuadratic] makes a predictor with values for pairs of decisions ready
// for branch and bound: an iterated local search finds networks, dual message
// passing bounds them. It can be stopped at any moment and then has a gap.
//
// [BCFWSolver] is the paper's method, block-coordinate Frank-Wolfe, made to keep
// the limit, for any Objective with a gradient. The bilinear Objective of
// [Problem.Objective] is one whose options are exact at given depths.
//
// # Explanations
//
// [Exact.Sensitivity] gives the shadow price of the limit and the cost of every
// other decision; [NewContributions] splits an accuracy into decisions;
// [StageEffects] says what pays in which stage.
package solver
