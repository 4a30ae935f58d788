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
// [Measure] makes a table of a [Device], [Verify] says how well it predicts whole
// networks; [Calibrate] fits the sums of a table of blocks alone to them:
//
//	lut, err := latency.Measure(ctx, space, latency.MeasureOptions{Folder: run})
//	report, err := latency.Verify(ctx, lut, space, latency.RandomNetworks(space, 24, seed), latency.MeasureOptions{})
package latency
