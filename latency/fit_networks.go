package latency

import (
	"cmp"
	"math"
	"slices"
)

// timing is one burst of a network: when, and its quickest run.
type timing struct {
	network  int
	atMS, ms float64
}

func byTime(a, b timing) int { return cmp.Compare(a.atMS, b.atMS) }

// networkFit is what networks take on a device whose speed drifts.
type networkFit struct {
	ms     []float64 // by network; NaN where there are no timings of it
	spread []float64 // (q75-q25)/median over its bursts, the drift taken out
	error  []float64 // standard error of ms as a fraction, the common level aside
	bursts []int
}

// neighbours is how many bursts to either side say how fast the device was.
const neighbours = 2

// fitNetworks separates what networks take from how fast the device was: the
// speed at a burst is the median, over the bursts before and after it, of what
// they took over what their networks take, and what a network takes is the
// median over its bursts of their time over that speed. The two are computed in
// turn, which takes networks that are not always beside the same others: they are
// looked at in several rounds. Latencies are at the tenth percentile of the speeds: what networks take
// where nothing disturbs the device.
//
// expected, where it is not nil, is what networks are expected to take by what all
// of them do; speeds are taken over that. Then one round is enough.
func fitNetworks(timings []timing, networks int, expected func(ms []float64) []float64) networkFit {
	timings = slices.Clone(timings)
	slices.SortStableFunc(timings, byTime)
	of := make([][]int, networks)
	for j, t := range timings {
		of[t.network] = append(of[t.network], j)
	}
	ms, slow := make([]float64, networks), make([]float64, len(timings))
	for j := range slow {
		slow[j] = 1
	}
	ratio := func(j int) float64 { return timings[j].ms / slow[j] }
	for range fitIterations {
		for n, bursts := range of {
			ms[n] = Quantile(each(bursts, ratio), 0.5)
		}
		usual := ms
		if expected != nil {
			usual = expected(ms)
		}
		slow = smoothed(each(timings, func(t timing) float64 { return t.ms / usual[t.network] }))
	}
	f := networkFit{ms, make([]float64, networks), make([]float64, networks), make([]int, networks)}
	level := Quantile(slow, lowQuantile)
	for n, bursts := range of {
		levelled := each(bursts, ratio)
		f.bursts[n] = len(bursts)
		f.spread[n] = (Quantile(levelled, 0.75) - Quantile(levelled, 0.25)) / ms[n]
		f.error[n] = standardError(levelled)
		ms[n] *= level
	}
	return f
}

// smoothed is, for each of the speeds of bursts in the order of time, the median of
// those around it, its own aside where there are others.
func smoothed(speeds []float64) []float64 {
	out := slices.Clone(speeds)
	for j := range speeds {
		around := slices.Concat(speeds[max(0, j-neighbours):j], speeds[j+1:min(j+1+neighbours, len(speeds))])
		if len(around) > 0 {
			out[j] = Quantile(around, 0.5)
		}
	}
	return out
}

// fitIterations is how often the two sides of a fit are computed in turn: they
// stand still after about ten.
const fitIterations = 15

// lowQuantile is where a device, or a run, is undisturbed.
const lowQuantile = 0.1

// each maps things to values.
func each[T, V any](list []T, value func(T) V) []V {
	out := make([]V, len(list))
	for i, v := range list {
		out[i] = value(v)
	}
	return out
}

// standardError estimates that of the median of values, as a fraction of it,
// from their median deviation; 0 for fewer than two.
func standardError(values []float64) float64 {
	if len(values) < 2 {
		return 0
	}
	median := Quantile(values, 0.5)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - median)
	}
	// 1.48 turns the median deviation into a standard deviation, 1.25 is what
	// the median is less certain than the mean, both of a normal distribution.
	return 1.25 * 1.48 * Quantile(deviations, 0.5) / math.Sqrt(float64(len(values))) / median
}

// weightedMedian is the least value at which half of the weight is reached.
func weightedMedian(values, weights []float64) float64 {
	order := make([]int, len(values))
	total := 0.0
	for i := range order {
		order[i], total = i, total+weights[i]
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(values[a], values[b]) })
	sum := 0.0
	for _, i := range order {
		if sum += weights[i]; sum >= total/2 {
			return values[i]
		}
	}
	return math.NaN()
}
