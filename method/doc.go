// Package method runs single steps of the method of BINAS (arXiv 2110.12399) as
// jobs on a run folder: who shows jobs, a screen for one, names the folder and
// the data set, and the package finds the rest there.
//
//	Heaviest    trains the heaviest network of the space
//	OneShot     trains the supernet, taught by the heaviest network
//	Sample      evaluates random networks of the supernet: samples.jsonl
//	Contribute  measures the estimator: contributions.jsonl, estimator.safetensors
//	Fit         fits predictors on the samples: KIND.safetensors
//	FineTune    trains one network of the supernet on, in a folder of its own
//	Validate    evaluates a network on images that no decision was made with
//	Pipeline    does all of these; see package pipeline
//
// A step is the work of a job (package job): it reports progress and what there
// is of its result, stops soon after its context ends, and goes on where it was
// when it is started again. Settings a folder was begun with are kept.
package method
