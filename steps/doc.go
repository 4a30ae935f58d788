// Package steps is the steps of BINAS (arXiv 2110.12399) as jobs on a run folder.
//
//	Heaviest    trains the heaviest network of the space
//	OneShot     trains the supernet, taught by the heaviest network
//	Sample      evaluates random networks of the supernet: samples.jsonl
//	Contribute  measures the estimator: contributions.jsonl, estimator.safetensors
//	Fit         fits predictors on the samples: KIND.safetensors
//	FineTune    trains one network of the supernet on, in a folder of its own
//	Validate    evaluates a network on images that no decision was made with
//	Pipeline    does all of these, from a data set to a report
//
// A step is the work of a job (package job): it reports progress and what there
// is of its result, stops soon after its context ends, and resumes when it is
// started again. Settings a folder was begun with are kept.
//
// # Pipeline
//
//	latency     a latency table: one that exists, or measured on this machine
//	heaviest    the heaviest network is trained; it is the teacher
//	oneshot     the supernet is trained
//	samples     random networks of the supernet are evaluated, to fit on
//	test        other random networks, to judge predictors with
//	contribute  the estimator's measurements
//	fit         estimator, sampled-estimator, bilinear, quadratic and MLP predictors, and how well each ranks
//	search      the best network at every budget, and random ones of the same latency
//	finetune    all of them are fine-tuned, in the same way, and validated
//	measure     their latency on this machine
//	export      as ONNX models with their weights
//	report      report.md with figures
//
// Every step leaves a file in the folder, and one whose file is there is not done
// again. A folder is of one [PipelineSettings]: it refuses others, by the name of
// the first that differs.
package steps
