package solver

import "math"

// The exact methods compute in whole numbers, so that sums do not depend on
// the order of their terms, equal is equal, and a limit is either kept or not:
// latencies of blocks in femtoseconds (1e-12 ms), limits and latencies of
// networks in picoseconds (1e-9 ms), accuracies in 1e-12 points divided by the
// number of options, so that the mean over a block's options is whole too.
const (
	unitsPerMS         = 1e12
	unitsPerPoint      = 1e12
	unitsPerPicosecond = 1000 // latency units in a picosecond, to which a network's latency is rounded

	maxTotalMS     = 4e6 // above it float64 milliseconds no longer tell picoseconds apart
	maxTotalPoints = 1e5 // 64 options of it are below 2^63 units
)

func latencyUnits(ms float64) int64 { return int64(math.Round(ms * unitsPerMS)) }

// accuracyUnits rounds points to 1e-12 and returns them in units of a table
// with that many options.
func accuracyUnits(points float64, options int) int64 {
	return int64(math.Round(points*unitsPerPoint)) * int64(options)
}

// networkPicoseconds rounds a network's latency to picoseconds.
func networkPicoseconds(units int64) int64 {
	return (units + unitsPerPicosecond/2) / unitsPerPicosecond
}

func picosecondsMS(ps int64) float64 { return float64(ps) / (unitsPerMS / unitsPerPicosecond) }

func networkMS(units int64) float64 { return picosecondsMS(networkPicoseconds(units)) }

// limitPicoseconds returns the greatest latency in picoseconds that is at or below
// limitMS as a float64, and -1 where there is none (negative or NaN).
func limitPicoseconds(limitMS float64) int64 {
	if !(limitMS >= 0) {
		return -1
	}
	picoseconds := int64(math.Round(min(limitMS, 2*maxTotalMS) * (unitsPerMS / unitsPerPicosecond)))
	for picosecondsMS(picoseconds) > limitMS {
		picoseconds--
	}
	return picoseconds
}

// picosecondsLimit is the greatest latency in units that rounds to picoseconds.
func picosecondsLimit(picoseconds int64) int64 {
	return picoseconds*unitsPerPicosecond + unitsPerPicosecond/2 - 1
}
