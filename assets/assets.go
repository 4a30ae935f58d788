// Package assets holds the files that are built into the program: latency
// tables (luts/) and accuracy predictors (predictors/). The name to choose one
// by is the file's name without its ending.
//
// luts/ort-cpu-SIZE-THREADSt.json were measured by this program (lut measure, then
// lut verify --calibrate --networks 40) on a 2-core virtual machine;
// predictors/published-12.safetensors is written by the program in generate/
// and says in its header what it was fitted on and how far off it is.
package assets

import "embed"

// FS holds luts/*.json, in the form of latency.EncodeLUT, and
// predictors/*.safetensors, in the form of model.EncodePredictor.
//
//go:embed luts predictors
var FS embed.FS

//go:generate go run ./generate
