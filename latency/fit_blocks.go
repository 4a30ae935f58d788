package latency

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/binas-tui/binas-tui/model"
)

// blockFit is a table fitted on networks in context.
type blockFit struct {
	ms     []float64 // by column; NaN where nothing says
	error  []float64 // standard error as a fraction
	spread []float64
	least  []float64
	count  []int   // networks it was timed in
	speeds float64 // of the device over the networks, q90/q10
	level  float64 // of what traced runs take over ms, where little disturbs the device
	sums   float64 // how far whole networks are from the sums of their columns: the median, as a fraction
}

// tracedRuns are the runs of one traced network.
type tracedRuns struct {
	columns []int
	runs    [][]float64
	atMS    []float64 // by run
}

// fitTraces separates what blocks take from how fast the device was: the speed
// of a run is the median over its blocks, weighted by what they take, of their
// time over that; what a block takes is the median over networks of the median
// over runs of its time over the speed. The two are computed in turn. Drift
// cancels, as all blocks of a run share it.
func fitTraces(networks []tracedRuns, columns int) (f blockFit) {
	slow := make([][]float64, len(networks))
	for i, n := range networks {
		slow[i] = make([]float64, len(n.runs))
		for r := range slow[i] {
			slow[i][r] = 1
		}
	}
	f = blockFit{ms: make([]float64, columns), error: make([]float64, columns), spread: make([]float64, columns),
		least: make([]float64, columns), count: make([]int, columns)}
	var seen [][]float64 // by column, what it took in each network
	for range fitIterations {
		seen = make([][]float64, columns)
		for i, n := range networks {
			for c, column := range n.columns {
				times := make([]float64, len(n.runs))
				for r, run := range n.runs {
					times[r] = run[c] / slow[i][r]
				}
				seen[column] = append(seen[column], Quantile(times, 0.5))
			}
		}
		for column, times := range seen {
			f.ms[column] = Quantile(times, 0.5)
		}
		var all []float64
		for i, n := range networks {
			weights := make([]float64, len(n.columns))
			for c, column := range n.columns {
				weights[c] = f.ms[column]
			}
			for r, run := range n.runs {
				ratios := make([]float64, len(run))
				for c := range run {
					if ratios[c] = 1; weights[c] > 0 {
						ratios[c] = run[c] / weights[c]
					}
				}
				if v := weightedMedian(ratios, weights); v > 0 {
					slow[i][r] = v
				}
			}
			all = append(all, slow[i]...)
		}
		middle := Quantile(all, 0.5)
		for i := range slow {
			for r := range slow[i] {
				slow[i][r] /= middle
			}
		}
	}
	for column, times := range seen {
		f.error[column], f.count[column] = standardError(times), len(times)
		f.spread[column] = (Quantile(times, 0.75) - Quantile(times, 0.25)) / f.ms[column]
		f.least[column] = Quantile(times, 0)
	}
	var speeds []float64
	var bursts []timing // how slow the device was at them
	for i, n := range networks {
		speeds = append(speeds, Quantile(slow[i], 0.5))
		for from := 0; from < len(n.runs); {
			to := from
			for to < len(n.runs) && n.atMS[to] == n.atMS[from] {
				to++
			}
			bursts = append(bursts, timing{i, n.atMS[from], Quantile(slow[i][from:to], 0)})
			from = to
		}
	}
	slices.SortStableFunc(bursts, byTime)
	f.level = Quantile(smoothed(each(bursts, func(t timing) float64 { return t.ms })), lowQuantile)
	f.speeds = Quantile(speeds, 0.9) / Quantile(speeds, lowQuantile)
	return f
}

// How whole networks correct what traces say, as fractions and milliseconds: a
// standard deviation of what is expected.
const (
	nodeDoubtMS = 0.0003 // of what tracing adds to a node
	leastShare  = 0.05   // of what the trace says remains in any case
)

// strongEvidence is what doubts above the first must have more, as a logarithm.
const strongEvidence = 3

// What is tried of the doubt about the fixed part against the blocks and of the
// noise of networks; the evidence chooses.
var (
	fixedDoubts   = []float64{0.03, 0.1, 0.3, 1}
	networkNoises = []float64{0.005, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2}
)

// contextFit fits a table on what was found in networks: the proportions of
// blocks from traces, level, fixed part and the overhead of tracing from whole
// networks. Where nothing was traced all is from whole networks, by regression,
// which is rough where it is not searched.
func contextFit(c *columns, paths []model.Path, openings []opening, search bool) blockFit {
	var traced []tracedRuns
	nodes := make([][]float64, len(c.keys))
	for _, o := range openings {
		if len(o.Blocks) == 0 { // the device ceased to trace: what it traced before does not make a table
			traced = nil
			break
		}
		t := tracedRuns{columns: make([]int, len(o.Blocks))}
		for i, b := range o.Blocks {
			t.columns[i] = c.column(paths[o.Network], b)
			nodes[t.columns[i]] = append(nodes[t.columns[i]], float64(o.Nodes[i]))
		}
		for _, b := range o.Traced {
			for _, run := range b.BlocksMS {
				t.runs, t.atMS = append(t.runs, run), append(t.atMS, b.AtMS)
			}
		}
		traced = append(traced, t)
	}
	whole := timings(openings)
	if len(traced) == 0 {
		networks := networksOfColumns(c, paths, whole)
		rows, ms := knownNetworks(c, paths, networks.ms)
		f := regress(c, rows, ms, search)
		f.speeds = speedsOf(openings, networks)
		for column := range f.count {
			for _, row := range rows {
				if row[column] > 0 {
					f.count[column]++
				}
			}
		}
		return f
	}
	f := fitTraces(traced, len(c.keys))
	rows, ms := knownNetworks(c, paths, levelled(c, paths, openings, f.ms))
	f.correct(c, nodes, rows, ms)
	f.sums = offSums(c, paths, whole, f.ms)
	return f
}

// knownNetworks are the columns of networks of which it is known what they take, and
// what that is.
func knownNetworks(c *columns, paths []model.Path, networkMS []float64) (rows [][]float64, ms []float64) {
	for i, p := range paths {
		if !math.IsNaN(networkMS[i]) {
			rows, ms = append(rows, c.row(p)), append(ms, networkMS[i])
		}
	}
	return rows, ms
}

// networksOfColumns is what networks take, the speed of the device being told by
// what kinds of work take in all of them.
func networksOfColumns(c *columns, paths []model.Path, timings []timing) networkFit {
	w := workOf(c)
	return fitNetworks(timings, len(paths), func(ms []float64) []float64 {
		usual, _ := w.columns(knownNetworks(c, paths, ms))
		return each(paths, func(p model.Path) float64 { return dot(c.row(p), usual) })
	})
}

// levelled is what networks take, untraced, on level with what traces say of
// columns; NaN where there are no timings. The bursts around a network's, traced
// or not, say how fast the device was while its group was looked at (see
// fitNetworks); what the traced networks of the group took, over the sum of their
// columns, says how fast it was then as a whole.
func levelled(c *columns, paths []model.Path, openings []opening, columnMS []float64) []float64 {
	all := timings(openings)
	for _, o := range openings {
		for _, b := range o.Traced {
			least := math.Inf(1)
			for _, run := range b.BlocksMS {
				sum := 0.0
				for _, ms := range run {
					sum += ms
				}
				least = min(least, sum)
			}
			if least > 0 {
				all = append(all, timing{len(paths) + o.Network, b.AtMS, least})
			}
		}
	}
	fit := fitNetworks(all, 2*len(paths), nil)
	groups := map[int64][]float64{}
	for _, o := range openings {
		if traced := fit.ms[len(paths)+o.Network]; !math.IsNaN(traced) {
			groups[o.Group] = append(groups[o.Group], traced/dot(c.row(paths[o.Network]), columnMS))
		}
	}
	of := make([][]float64, len(paths))
	for _, o := range openings {
		if group := groups[o.Group]; len(group) > 0 {
			of[o.Network] = append(of[o.Network], fit.ms[o.Network]/Quantile(group, 0.5))
		}
	}
	ms := make([]float64, len(paths))
	for i := range ms {
		ms[i] = Quantile(of[i], 0.5)
	}
	return ms
}

// timings are the bursts of openings that are not traced.
func timings(openings []opening) []timing {
	var out []timing
	for _, o := range openings {
		for _, b := range o.Bursts {
			out = append(out, timing{o.Network, b.AtMS, Quantile(b.RunsMS, 0)})
		}
	}
	return out
}

// speedsOf is how the speed of the device varied over openings: q90/q10 of what
// their bursts took over what the networks take.
func speedsOf(openings []opening, f networkFit) float64 {
	var speeds []float64
	for _, o := range openings {
		var ratios []float64
		for _, b := range o.Bursts {
			ratios = append(ratios, Quantile(b.RunsMS, 0)/f.ms[o.Network])
		}
		speeds = append(speeds, Quantile(ratios, 0.5))
	}
	return Quantile(speeds, 0.9) / Quantile(speeds, lowQuantile)
}

// correct turns what traces say into what blocks take in networks that are not
// traced, and where nothing disturbs the device. ms are what networks take whose
// columns are rows, on level with the traces; what a node takes more in them,
// which is less than nothing where tracing slows it down, is the median over the
// networks. Then they are fitted as
//
//	ms = a·(sum over blocks and fixed part) + g·fixed part + e·nodes
//
// by least squares with priors: g about 0 with one of fixedDoubts, e about 0 with
// nodeDoubtMS, a free. A runtime that streams the large weights of the
// classifier through caches which tracing and neighbours use too needs g.
func (f *blockFit) correct(c *columns, nodes [][]float64, rows [][]float64, ms []float64) {
	count := make([]float64, len(f.ms))
	for i := range count {
		if len(nodes[i]) > 0 {
			count[i] = Quantile(nodes[i], 0.5)
		}
	}
	var overheads []float64
	for i, row := range rows {
		overheads = append(overheads, (ms[i]-dot(row, f.ms))/dot(row, count))
	}
	overheadMS := 0.0
	if len(overheads) > 0 {
		overheadMS = Quantile(overheads, 0.5)
	}
	base := make([]float64, len(f.ms))
	for i, w := range f.ms {
		if count[i] > 0 {
			base[i] = max(w+overheadMS*count[i], leastShare*w)
		}
	}
	fixed := c.fixed()
	a, g, e := 1.0, 0.0, 0.0
	if len(ms) > 2 {
		var sums []float64
		for i, row := range rows {
			sums = append(sums, ms[i]/dot(row, base))
		}
		a = Quantile(sums, 0.5)
		x := make([][3]float64, 0, len(ms)) // over ms: what is left of 1 is the error
		for _, i := range undisturbed(sums) {
			x = append(x, [3]float64{dot(rows[i], base) / ms[i], base[fixed] / ms[i], dot(rows[i], count) / ms[i]})
		}
		best := math.Inf(-1)
		for i, doubt := range fixedDoubts {
			for _, noise := range networkNoises {
				if beta, evidence := leastSquares(x, [3]float64{a, 0, 0}, [3]float64{a, doubt * a, nodeDoubtMS}, noise); evidence-float64(min(i, 1))*strongEvidence > best && beta[0] > 0 {
					best, a, g, e = evidence-float64(min(i, 1))*strongEvidence, beta[0], beta[1], beta[2]
				}
			}
		}
	}
	a, g, e = a*f.level, g*f.level, e*f.level
	for i, w := range f.ms {
		factor := a
		if i == fixed {
			factor += g
		}
		corrected := max(factor*base[i]+e*count[i], leastShare*a*w)
		if corrected > 0 { // deviations stay as large as they were
			f.error[i] *= a * w / corrected
			f.spread[i] *= a * w / corrected
			f.least[i] = max(corrected+a*(f.least[i]-w), 0)
		}
		f.ms[i] = corrected
	}
}

// certainlyOff is by how much networks must be further from sums than their noise,
// which of 48 is known to a tenth.
const certainlyOff = 1.5

// offSums is how far networks that are not traced are from the sums of their
// columns, the device's speed around each burst and the noise of bursts taken out:
// the median over networks, as a fraction; 0 where the noise explains it. Half the
// sum of what two halves of a network's bursts say has the noise of half their
// difference.
func offSums(c *columns, paths []model.Path, whole []timing, columnMS []float64) float64 {
	slices.SortStableFunc(whole, byTime)
	slow := each(whole, func(t timing) float64 { return t.ms / dot(c.row(paths[t.network]), columnMS) })
	around := smoothed(slow)
	off := make([][]float64, len(paths))
	for i, t := range whole {
		off[t.network] = append(off[t.network], slow[i]/around[i]-1)
	}
	var sums, differences []float64
	for _, list := range off {
		var half [2][]float64
		for i, v := range list {
			half[i%2] = append(half[i%2], v)
		}
		if len(half[1]) > 0 {
			a, b := Quantile(half[0], 0.5), Quantile(half[1], 0.5)
			sums, differences = append(sums, math.Abs(a+b)/2), append(differences, math.Abs(a-b)/2)
		}
	}
	if len(sums) == 0 {
		return 0
	}
	sum, noise := Quantile(sums, 0.5), Quantile(differences, 0.5)
	if sum < certainlyOff*noise {
		return 0
	}
	return math.Sqrt(sum*sum - noise*noise)
}

// dot is the sum of products; where a is 0, b may be no number.
func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		if v != 0 {
			sum += v * b[i]
		}
	}
	return sum
}

// undisturbed are the indices of values that are no outliers.
func undisturbed(values []float64) []int {
	median := Quantile(values, 0.5)
	deviations := make([]float64, len(values))
	for i, v := range values {
		deviations[i] = math.Abs(v - median)
	}
	most := 4 * 1.48 * Quantile(deviations, 0.5)
	var out []int
	for i, d := range deviations {
		if d <= most {
			out = append(out, i)
		}
	}
	return out
}

// leastSquares fits 1 = x·beta with the given noise and independent normal priors
// of beta, and returns the logarithm of the evidence, a constant aside (Bishop,
// Pattern Recognition and Machine Learning, 3.5.1).
func leastSquares(x [][3]float64, mean, sd [3]float64, noise float64) (beta [3]float64, evidence float64) {
	precision := mat.NewSymDense(3, nil)
	target := mat.NewVecDense(3, nil)
	for i := range 3 {
		w := 1 / (sd[i] * sd[i])
		precision.SetSym(i, i, w)
		target.SetVec(i, w*mean[i])
		evidence -= math.Log(sd[i])
	}
	w := 1 / (noise * noise)
	for _, row := range x {
		for i := range 3 {
			target.SetVec(i, target.AtVec(i)+w*row[i])
			for j := i; j < 3; j++ {
				precision.SetSym(i, j, precision.At(i, j)+w*row[i]*row[j])
			}
		}
	}
	var factor mat.Cholesky
	var solved mat.VecDense
	if !factor.Factorize(precision) || factor.SolveVecTo(&solved, target) != nil {
		return beta, math.Inf(-1)
	}
	for i := range beta {
		beta[i] = solved.AtVec(i)
		d := (beta[i] - mean[i]) / sd[i]
		evidence -= d * d / 2
	}
	for _, row := range x {
		left := (1 - row[0]*beta[0] - row[1]*beta[1] - row[2]*beta[2]) / noise
		evidence -= left*left/2 + math.Log(noise)
	}
	return beta, evidence - factor.LogDet()/2
}
