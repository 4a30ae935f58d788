// Package pipeline runs the whole method of BINAS (arXiv 2110.12399) in one
// folder: from a data set to networks that are trained, measured and exported,
// with a report.
//
// # Steps
//
//	latency     a latency table: one that exists, or measured on this machine
//	heaviest    the heaviest network is trained; it is the teacher
//	oneshot     the supernet is trained
//	samples     random networks of the supernet are evaluated, to fit on
//	test        other random networks, to judge predictors with
//	contribute  the estimator's measurements
//	fit         estimator, bilinear, quadratic and MLP predictors, and how well each ranks
//	search      the best network at every budget, and random ones of the same latency
//	finetune    all of them are fine-tuned, in the same way, and validated
//	measure     their latency on this machine
//	export      as ONNX models with their weights
//	report      report.md with figures
//
// Every step leaves a file in the folder, and one whose file is there is not
// done again; a step that was cut off goes on where it was. A folder is of one
// [Settings]: it refuses others, by the name of the first that differs.
//
// The package ties together what other packages do: training (supernet/training),
// evaluation (supernet/evaluation), fitting (fit), searching (explore), measuring
// (latency).
package pipeline
