// Package model describes the search space of BINAS (Bilinear Interpretable
// Neural Architecture Search, arXiv 2110.12399) and what is predicted about
// the networks in it.
//
// A [Space] is five searched stages of up to four inverted-residual blocks. A
// [Path] is one set of decisions in it: a depth for every stage and an
// [Option] (expansion, kernel, squeeze-excite) for every block. An
// [Architecture] is the same network spelled out block by block, in the
// string form that BINAS, HardCoRe-NAS and timm share:
//
//	[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r1_k5_s2_e3_c24_nre', ...], ..., ['cn_r1_k1_s1_c960']]
//
// A Path becomes the predictor's input with [Space.Encode]: alpha, 20 blocks
// by 12 options, one-hot, stage-major; then beta, 5 stages by 3 depths,
// one-hot (§3 of the paper). A [Predictor] turns that vector into accuracy in
// percent. [Architecture.Cost] counts parameters and multiply-accumulates.
//
// The package opens no files and knows no screen: decoders take bytes.
package model
