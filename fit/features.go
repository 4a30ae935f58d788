package fit

import "github.com/binas-tui/binas-tui/model"

// features numbers the weights of a linear predictor and says which of them a
// sample touches: the bias, one weight of every group that is present, and one
// product of every pair of groups that both are, some 100 of 3,856 for the
// bilinear predictor.
//
// Weights of a group sum to 0 over its levels, and so do the products of a
// pair over the levels of either. That loses nothing, since a constant can
// move to the bias, the linear weights or, for products, to a lower order;
// and it makes the mean over a block's options add exactly 0, which is what a
// block that is switched off adds.
type features struct {
	d     *design
	kind  string
	pairs [][2]int // groups whose levels are multiplied
	base  []int    // per pair, the number of its first weight
	size  int      // number of weights
}

func newFeatures(kind string, d *design) *features {
	f := &features{d: d, kind: kind, size: 1 + d.inputs()}
	for g := range d.groups() {
		for h := g + 1; h < d.groups(); h++ {
			if kind == Quadratic || (g < d.blocks && h >= d.blocks) {
				f.pairs, f.base = append(f.pairs, [2]int{g, h}), append(f.base, f.size)
				f.size += d.sizes[g] * d.sizes[h]
			}
		}
	}
	return f
}

// active appends the numbers of the weights that a row adds up.
func (f *features) active(dst []int32, row []int8) []int32 {
	dst = append(dst, 0)
	for g, l := range row {
		if l != absent {
			dst = append(dst, int32(1+f.d.offsets[g]+int(l)))
		}
	}
	for i, p := range f.pairs {
		if a, b := row[p[0]], row[p[1]]; a != absent && b != absent {
			dst = append(dst, int32(f.base[i]+int(a)*f.d.sizes[p[1]]+int(b)))
		}
	}
	return dst
}

// activeRows are the weights that each row of the design adds up.
type activeRows struct {
	weights []int32
	ends    []int
}

func (f *features) activeRows() (t activeRows) {
	for i := range f.d.rows {
		t.weights = f.active(t.weights, f.d.row(i))
		t.ends = append(t.ends, len(t.weights))
	}
	return t
}

func (t *activeRows) row(i int) []int32 {
	if i == 0 {
		return t.weights[:t.ends[0]]
	}
	return t.weights[t.ends[i-1]:t.ends[i]]
}

// tables calls f for every group of weights that sums to 0 over its rows and
// over its columns; a table of one row is linear.
func (f *features) tables(visit func(start, rows, columns int, product bool)) {
	for g, size := range f.d.sizes {
		visit(1+f.d.offsets[g], 1, size, false)
	}
	for i, p := range f.pairs {
		visit(f.base[i], f.d.sizes[p[0]], f.d.sizes[p[1]], true)
	}
}

// center makes weights sum to 0 as features says. width values lie side by
// side for every weight, and are centred each on its own.
func (f *features) center(w []float64, width int) {
	sum := make([]float64, width)
	subtractMean := func(start, count, step int) {
		clear(sum)
		for i := range count {
			for c, v := range w[(start+i*step)*width : (start+i*step+1)*width] {
				sum[c] += v
			}
		}
		for i := range count {
			row := w[(start+i*step)*width : (start+i*step+1)*width]
			for c := range row {
				row[c] -= sum[c] / float64(count)
			}
		}
	}
	f.tables(func(start, rows, columns int, product bool) {
		for r := range rows {
			subtractMean(start+r*columns, columns, 1)
		}
		for c := range columns {
			if product {
				subtractMean(start+c, rows, columns)
			}
		}
	})
}

// predictor is the predictor with the given weights.
func (f *features) predictor(w []float64) model.Predictor {
	n := f.d.inputs()
	linear := append([]float64(nil), w[1:1+n]...)
	if f.kind == Quadratic {
		q := &model.Quadratic{Inputs: n, Bias: w[0], Linear: linear, W: make([]float64, n*n)}
		f.products(func(weight, i, j int) { q.W[i*n+j], q.W[j*n+i] = w[weight]/2, w[weight]/2 })
		return q
	}
	alphas := f.d.offsets[f.d.blocks]
	b := &model.Bilinear{Alphas: alphas, Betas: n - alphas, Bias: w[0], Linear: linear, Q: make([]float64, alphas*(n-alphas))}
	f.products(func(weight, i, j int) { b.Q[i*b.Betas+j-alphas] = w[weight] })
	return b
}

// products calls visit for every product of two inputs with its weight.
func (f *features) products(visit func(weight, i, j int)) {
	for k, p := range f.pairs {
		for a := range f.d.sizes[p[0]] {
			for b := range f.d.sizes[p[1]] {
				visit(f.base[k]+a*f.d.sizes[p[1]]+b, f.d.offsets[p[0]]+a, f.d.offsets[p[1]]+b)
			}
		}
	}
}
