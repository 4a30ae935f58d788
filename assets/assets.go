// Package assets holds the files that are built into the program: latency
// tables (luts/), accuracy predictors (predictors/) and accuracies of sampled
// networks (samples/). The name to choose one by is the file's name without its
// ending.
//
// luts/ort-cpu-SIZE-THREADSt.json were measured by this program (lut measure; those
// of 32 pixels with --method isolated and lut verify --calibrate) on a 2-core
// virtual machine: docs/MEASURING.md;
// predictors/published-12.safetensors is written by the program in generate/
// and says in its header what it was fitted on and how far off it is.
// predictors/digits.safetensors, samples/digits-fit.jsonl and
// samples/digits-test.jsonl are what a run of pipeline left: docs/DIGITS.md.
package assets

import "embed"

// FS holds luts/*.json, in the form of latency.EncodeLUT,
// predictors/*.safetensors, in the form of model.EncodePredictor, and
// samples/*.jsonl, in that of model.EncodeSampleRecord.
//
//go:embed luts predictors samples
var FS embed.FS

//go:generate go run ./generate
