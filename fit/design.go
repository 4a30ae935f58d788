package fit

import "github.com/binas-tui/binas-tui/model"

// absent is the level of a block that is switched off and is given the mean
// over its options: it adds nothing.
const absent = -1

// design is samples as what they are to a linear predictor: for every group, a
// searched block or a stage's depth, which of its levels was drawn. Groups are
// in the order of the predictor's input.
type design struct {
	sizes   []int // levels of every group: options of a block, depths of a stage
	offsets []int // of a group in the predictor's input
	blocks  int   // the first groups are blocks, the rest depths
	rows    int
	levels  []int8 // [rows][groups]; absent where a block adds nothing
}

func newDesign(s *model.Space, paths []model.Path, inactive model.InactiveBlocks) *design {
	d := emptyDesign(s, len(paths))
	for i, p := range paths {
		d.levels = appendLevels(d.levels, s, p, inactive)
		d.rows = i + 1
	}
	return d
}

func emptyDesign(s *model.Space, capacity int) *design {
	d := &design{blocks: s.NumBlocks()}
	offset := 0
	add := func(size int) {
		d.sizes, d.offsets = append(d.sizes, size), append(d.offsets, offset)
		offset += size
	}
	for range s.NumBlocks() {
		add(s.NumOptions())
	}
	for range s.Stages {
		add(s.NumDepths())
	}
	d.levels = make([]int8, 0, capacity*len(d.sizes))
	return d
}

// appendLevels adds the levels of one path: what model.Space.Encode writes as
// one-hot is its index, what it writes as uniform is absent.
func appendLevels(dst []int8, s *model.Space, p model.Path, inactive model.InactiveBlocks) []int8 {
	for b, o := range p.Option {
		if o == model.Off || (inactive == model.InactiveMean && !s.Active(p, b)) {
			o = absent
		}
		dst = append(dst, int8(o))
	}
	for _, depth := range p.Depth {
		dst = append(dst, int8(depth-s.MinDepth))
	}
	return dst
}

func (d *design) groups() int { return len(d.sizes) }

// inputs is the length of the predictor's input.
func (d *design) inputs() int {
	last := d.groups() - 1
	return d.offsets[last] + d.sizes[last]
}

func (d *design) row(i int) []int8 { return d.levels[i*d.groups() : (i+1)*d.groups()] }

// subset is the rows named.
func (d *design) subset(rows []int) *design {
	out := *d
	out.rows, out.levels = len(rows), make([]int8, 0, len(rows)*d.groups())
	for _, i := range rows {
		out.levels = append(out.levels, d.row(i)...)
	}
	return &out
}

// similarity is how alike two rows are to the prior of the weights: the inner
// products of their linear features and of their products, all centred.
// Within a group the inner product of two one-hot vectors, less the mean over
// levels, is [same level] - 1/levels; an absent group has none. That the sum
// of all products of groups follows from sums over groups is what makes a
// Gram matrix of thousands of products cheap.
func (d *design) similarity(kind string, a, b []int8) (linear, products float64) {
	var blocks, depths, squares float64
	for g, la := range a {
		lb := b[g]
		if la == absent || lb == absent {
			continue
		}
		v := -1 / float64(d.sizes[g])
		if la == lb {
			v++
		}
		if g < d.blocks {
			blocks += v
		} else {
			depths += v
		}
		squares += v * v
	}
	linear = blocks + depths
	if kind == Quadratic {
		return linear, (linear*linear - squares) / 2
	}
	return linear, blocks * depths
}
