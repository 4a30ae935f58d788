// Package evaluation measures how good the networks of a trained supernet are.
//
// A child is extracted (package supernet), its batch normalisation folded, and
// run on held-out images by ONNX Runtime: [Evaluator.Child] is one such
// evaluation, [Evaluator.Sample] a file of random ones, on which predictors are
// fitted, [Evaluator.Contribute] the 256 pinned means of the estimator, and
// [Validate] the figures of one network.
//
// # Batch normalisation
//
// A child inherits running statistics that were gathered while other paths ran
// too. BINAS uses them as they are; with [Evaluator.Calibration] set, the
// statistics of every child are measured anew on a few training images first.
//
// # Random numbers
//
// Network i of a seed is the same whatever ran before it, on however many
// threads: see [RandomPath]. So a file of records that was cut off by a kill goes
// on with the records that an unbroken run has. All decisions of the estimator
// are measured on the same random networks and images: what these have in common
// cancels in the differences, and 20 networks do the work of hundreds.
//
// # Records
//
// Results are JSON lines, appended and never changed; docs/FORMATS.md describes
// them, package model reads them.
package evaluation
