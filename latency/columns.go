package latency

import (
	"math/rand/v2"

	"github.com/binas-tui/binas-tui/model"
)

// columns are what a table of a space has entries for: its distinct blocks, in
// the order of the space, then the fixed part.
type columns struct {
	space *model.Space
	keys  []string // by column, FixedKey last
	of    []int    // column of block*options+option
	block []int    // by column but the last, one block that has it
	shape []int    // by column but the last: equal for options of one shape
}

func newColumns(s *model.Space) *columns {
	c := &columns{space: s}
	at, shapes := map[string]int{}, map[model.BlockShape]int{}
	for i, d := range distinctBlocks(s) {
		shape := s.Block(d.block)
		if _, ok := shapes[shape]; !ok {
			shapes[shape] = len(shapes)
		}
		at[d.key] = i
		c.keys, c.block, c.shape = append(c.keys, d.key), append(c.block, d.block), append(c.shape, shapes[shape])
	}
	for b := range s.NumBlocks() {
		for _, o := range s.Options {
			c.of = append(c.of, at[s.Block(b).LUTKey(o)])
		}
	}
	c.keys = append(c.keys, FixedKey)
	return c
}

// blockOption is an option of a block: the first with its key.
type blockOption struct {
	key           string
	block, option int
}

// distinctBlocks are the blocks that a table of a space has entries for, in the
// order of the space.
func distinctBlocks(s *model.Space) []blockOption {
	var out []blockOption
	seen := map[string]bool{}
	for b := range s.NumBlocks() {
		for o, option := range s.Options {
			if key := s.Block(b).LUTKey(option); !seen[key] {
				seen[key] = true
				out = append(out, blockOption{key, b, o})
			}
		}
	}
	return out
}

// fixed is the column of the fixed part.
func (c *columns) fixed() int { return len(c.keys) - 1 }

// column is that of a block of a path, fixedBlock included.
func (c *columns) column(p model.Path, block int) int {
	if block == fixedBlock {
		return c.fixed()
	}
	return c.of[block*c.space.NumOptions()+p.Option[block]]
}

// row is how often a path has each column.
func (c *columns) row(p model.Path) []float64 {
	row := make([]float64, len(c.keys))
	for b := range p.Option {
		if c.space.Active(p, b) {
			row[c.column(p, b)]++
		}
	}
	row[c.fixed()] = 1
	return row
}

// networksToTime draws n networks in which every option of every block is: the
// depths of a stage are from a shuffled deck, and so are the options, from one
// deck for the first block of a stage and one for the others, which share their
// latencies. Of 48 networks an option of a first block is in 4, of others in
// about 8. The first of n are those of a smaller n that is a multiple of 12.
func networksToTime(s *model.Space, n int, seed uint64) []model.Path {
	var out []model.Path
	for part := 0; len(out) < n; part++ {
		out = append(out, dealt(s, designPart, rand.New(rand.NewPCG(seed, uint64(part)<<32|0x6c6174)))...)
	}
	return out[:n]
}

// designPart is how many networks are dealt at once: a full deck of options for
// the first blocks.
const designPart = 12

func dealt(s *model.Space, n int, rng *rand.Rand) []model.Path {
	out := make([]model.Path, n)
	for i := range out {
		out[i] = model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
		for b := range out[i].Option {
			out[i].Option[b] = model.Off
		}
	}
	for stage := range s.Stages {
		depths, first, others := deck{n: s.NumDepths(), rng: rng}, deck{n: s.NumOptions(), rng: rng}, deck{n: s.NumOptions(), rng: rng}
		for i := range out {
			out[i].Depth[stage] = s.MinDepth + depths.draw()
		}
		rng.Shuffle(n, func(a, b int) { out[a].Depth[stage], out[b].Depth[stage] = out[b].Depth[stage], out[a].Depth[stage] })
		for i := range out {
			for k := range out[i].Depth[stage] {
				d := &others
				if k == 0 {
					d = &first
				}
				out[i].Option[stage*s.MaxDepth+k] = d.draw()
			}
		}
	}
	return out
}

// deck deals the numbers below n in random order, again and again.
type deck struct {
	n    int
	rng  *rand.Rand
	left []int
}

func (d *deck) draw() int {
	if len(d.left) == 0 {
		d.left = d.rng.Perm(d.n)
	}
	v := d.left[0]
	d.left = d.left[1:]
	return v
}
