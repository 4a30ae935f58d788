// Package fit fits the predictors of accuracy that BINAS compares (§3.3 of
// arXiv 2110.12399) on sampled networks whose accuracy was measured.
//
// # Closed form
//
// The bilinear and the quadratic predictor are linear in their weights, so
// least squares has a closed form. The original solves it by a singular value
// decomposition of all features and without a penalty, which interpolates its
// 1,000 samples: the noise of the measurements is in the weights. Here it is
// a ridge,
//
//	Σ (measured - predicted)² + λ |linear weights|² + λ' |weights of products|²
//
// whose two penalties are those of least leave-one-out error, for which there
// is a closed form too ([Penalties]).
//
// Inputs are one-hot: a network touches 1 of the 12 options of a block, 1 of
// the 3 depths of a stage, and of the 3,600 products at most 100. With up to
// 1,000 samples the ridge is solved in samples: the inner product of two
// networks' features follows from counting the decisions that they share, and
// one Cholesky factor gives weights, leave-one-out errors and posterior
// variances. With more it is solved in weights, by conjugate gradients that
// add up touched weights and never form a matrix; generalised
// cross-validation (Golub, Heath and Wahba 1979) stands in for leave-one-out,
// its trace estimated with a random probe (Hutchinson 1990).
//
// One factor for any number of samples would be less code. For 10,000 its two
// Gram matrices and itself take 2.4 GB, and each of some 14 pairs of penalties
// about a minute; conjugate gradients fit them in 1.1 s (BenchmarkFitBilinear). In
// weights a factor takes 3 s for the 3,856 of the bilinear predictor, and is out of
// reach for the 30,000 of the quadratic one.
//
// # Blocks that are off
//
// With model.InactiveMean a block that is off gets the mean over its options.
// Weights are fitted under the constraint that they sum to 0 over the options
// of a block, so that it adds nothing, and a prediction is a function of the
// architecture alone. model.InactiveFree is the paper's formulation, for
// comparison: the option drawn for a block that is off is scored like any
// other.
//
// # How sure a prediction is
//
// A ridge is the mean of a Gaussian process, whose variance is known as well.
// [Uncertainty] gives every prediction its ± in points; [Report.Encode] keeps
// it in the checkpoint. [Evaluate] compares predictions with measurements and
// gives the metrics bootstrap intervals; [LearningCurve] says what more samples
// would be worth.
package fit
