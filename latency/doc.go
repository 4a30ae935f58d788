// Package latency holds latency tables (LUTs): what each block of a search
// space takes on one device, in milliseconds.
//
// The latency of a network is the fixed part plus its active blocks, the
// paper's (p + Q·beta)·alpha (§3.2 of arXiv 2110.12399):
//
//	lut, err := latency.DecodeLUT(data)  // BINAS .pkl or this program's JSON
//	table, err := lut.Table(space)       // laid out for a space, calibrated
//	ms := table.LatencyMS(space, path)
//
// BINAS tables are in seconds and have one number per block; they become
// milliseconds when they are read. A table that does not fit the space in use
// is refused with [ErrLUTMismatch] by name of what differs.
//
// [Measure] makes a table on this machine with ONNX Runtime, [Calibrate] fits
// its sums to whole networks, [Verify] says how well it predicts others:
//
//	lut, err := latency.Measure(ctx, space, latency.MeasureOptions{Folder: run})
//	fit, check := latency.SplitNetworks(latency.RandomNetworks(space, 24, seed))
//	lut.Calibration, report, err = latency.Calibrate(ctx, lut, space, fit, check, latency.MeasureOptions{})
package latency
