package fit

import "slices"

// run is samples that have the same depths and the same blocks on. For all of
// them a block's option adds the same sum of weights, its own and that of its
// product with every depth, so that sums are added up once for the run instead
// of for every sample: with the bilinear predictor a sample is 21 sums of 6
// weights, not 126 weights.
type run struct {
	samples []int
	weights []int32 // of the sums, one after the other
	ends    []int32 // of every sum, in weights; the first sum is part of all samples
	uses    []int32 // [samples][blocks that are on]: the other sums of each sample
	own     []int32 // [samples][pairs of blocks]: weights that are in no sum
}

// newRuns sorts samples into runs, none of which crosses from one of the
// chunks of samples to the next.
func newRuns(f *features) (chunked [chunks][]*run) {
	d := f.d
	order := make([]int, d.rows)
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return compareShape(d, d.row(i), d.row(j)) })
	for c := range chunked {
		part := order[c*d.rows/chunks : (c+1)*d.rows/chunks]
		for len(part) > 0 {
			n := 1
			for n < len(part) && compareShape(d, d.row(part[0]), d.row(part[n])) == 0 {
				n++
			}
			chunked[c] = append(chunked[c], newRun(f, part[:n]))
			part = part[n:]
		}
	}
	return chunked
}

// compareShape orders rows by their depths and by which blocks are on.
func compareShape(d *design, a, b []int8) int {
	if c := slices.Compare(a[d.blocks:], b[d.blocks:]); c != 0 {
		return c
	}
	for g, la := range a[:d.blocks] {
		if lb := b[g]; (la == absent) != (lb == absent) {
			if la == absent {
				return -1
			}
			return 1
		}
	}
	return 0
}

func newRun(f *features, samples []int) *run {
	r := &run{samples: samples}
	numbers := map[int32]int32{} // of sums, by the linear weight in them
	sums := make([][]int32, f.d.blocks)
	for n, i := range samples {
		for g := range sums {
			sums[g] = sums[g][:0]
		}
		f.terms(f.d.row(i), func(block int, weight int32) {
			switch {
			case block >= 0:
				sums[block] = append(sums[block], weight)
			case block == pairOfBlocks:
				r.own = append(r.own, weight)
			case n == 0: // of depths alone: in the first sum
				r.weights = append(r.weights, weight)
			}
		})
		if n == 0 {
			r.ends = append(r.ends, int32(len(r.weights)))
		}
		for _, sum := range sums {
			if len(sum) == 0 {
				continue
			}
			number, ok := numbers[sum[0]]
			if !ok {
				number = int32(len(r.ends))
				numbers[sum[0]] = number
				r.weights = append(r.weights, sum...)
				r.ends = append(r.ends, int32(len(r.weights)))
			}
			r.uses = append(r.uses, number)
		}
	}
	return r
}

// of is the part of a list that belongs to the run's nth sample.
func (r *run) of(list []int32, n int) []int32 {
	width := len(list) / len(r.samples)
	return list[n*width : (n+1)*width]
}

// predict adds up the weights of every sample of the run.
func (r *run) predict(w, out []float64, sums [][columns]float64) {
	at := int32(0)
	for j, end := range r.ends {
		sums[j] = addUp(w, r.weights[at:end])
		at = end
	}
	for n, i := range r.samples {
		own := addUp(w, r.of(r.own, n))
		first, second := own[0]+sums[0][0], own[1]+sums[0][1]
		for _, j := range r.of(r.uses, n) {
			first += sums[j][0]
			second += sums[j][1]
		}
		out[i*columns], out[i*columns+1] = first, second
	}
}

// collect is the transpose of predict: it adds every sample's values to the
// weights that predict adds up for it.
func (r *run) collect(values, w []float64, sums [][columns]float64) {
	clear(sums[:len(r.ends)])
	for n, i := range r.samples {
		v := (*[columns]float64)(values[i*columns:])
		spread(w, r.of(r.own, n), v)
		add(&sums[0], v)
		for _, j := range r.of(r.uses, n) {
			add(&sums[j], v)
		}
	}
	at := int32(0)
	for j, end := range r.ends {
		spread(w, r.weights[at:end], &sums[j])
		at = end
	}
}

// addUp has a variable for each column: those are kept in registers.
func addUp(w []float64, weights []int32) [columns]float64 {
	first, second := 0.0, 0.0
	for _, k := range weights {
		v := (*[columns]float64)(w[int(k)*columns:])
		first += v[0]
		second += v[1]
	}
	return [columns]float64{first, second}
}

func spread(w []float64, weights []int32, v *[columns]float64) {
	for _, k := range weights {
		add((*[columns]float64)(w[int(k)*columns:]), v)
	}
}

func add(to, v *[columns]float64) {
	to[0] += v[0]
	to[1] += v[1]
}
