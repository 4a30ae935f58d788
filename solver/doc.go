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
// # Exact search
//
// With beta fixed the problem is a multiple-choice knapsack. Its LP relaxation
// is greedy: keep the upper hull of every block's options and take the steps
// along the hulls by falling accuracy per millisecond until the limit (Sinha
// and Zoltners 1979; in linear time Dyer 1984, Zemel 1984). [Prepare] does
// that for every vector of depths, 243 in the BINAS space. [Exact.Solve] looks
// up where the limit cuts each of them, which bounds them; rounds the best;
// and closes what gap is left with a dynamic programme over the options whose
// reduced cost is within it (Pisinger 1995). Where Q ties a block to the depth
// of its own stage alone (the estimator's form), stages are independent: each
// is reduced to its own frontier, and one knapsack over stages is left. That
// scales to hundreds of blocks.
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
// [PrepareLimited] takes any number of resources beside or instead of latency
// and finds the K best networks that keep every limit: each vector of depths is
// a knapsack with several constraints, bounded by its LP relaxation, searched
// by reduced costs and branching. [Limited.Conflict] names the smallest set of
// limits that exclude each other.
//
// # Other predictors
//
// [PrepareQuadratic] makes a predictor with values for pairs of decisions ready
// for branch and bound: an iterated local search finds networks, dual message
// passing bounds them. It can be stopped at any moment and then has a gap.
// [SolveGradient] is block-coordinate Frank-Wolfe for anything with a gradient,
// and proves nothing. [Evolve] takes any predictor.
//
// # Where exact search gives up
//
// [BCFWSolver] is the paper's block-coordinate Frank-Wolfe (Lacoste-Julien et
// al. 2013), made to keep the limit. It does not enumerate depths, so it works
// where [Prepare] gives up, and proves nothing.
//
// # Explanations
//
// [Exact.Sensitivity] gives the shadow price of the limit and the cost of every
// other decision; [NewContributions] splits an accuracy into decisions;
// [StageEffects] says what pays in which stage.
package solver
