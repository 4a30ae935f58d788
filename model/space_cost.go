package model

// Costs are what the options of a space's blocks and its fixed parts cost: the
// cost of a network is that of the fixed parts and of the options of its
// active blocks, parameters and multiply-accumulates added up, of PeakBytes
// the greatest.
type Costs struct {
	Block []Cost // [block*NumOptions+option], stage-major
	Fixed Cost   // stem, first block, last convolution and head
}

// Costs returns the costs of a space for the given number of classes.
func (s *Space) Costs(classes int) Costs {
	var c Costs
	for b := range s.NumBlocks() {
		shape := s.Block(b)
		for o := range s.Options {
			c.Block = append(c.Block, s.BlockCode(b, o).Cost(shape.InChannels, shape.Resolution))
		}
	}
	half := c.Fixed.add(Stem(s.StemChannels), s.ImageSize)
	c.Fixed = c.Fixed.plus(s.FirstBlock().Cost(s.StemChannels, half))
	last := s.Stages[len(s.Stages)-1]
	c.Fixed = c.Fixed.plus(s.LastBlock().Cost(last.OutChannels, Downsample(last.Resolution, last.Stride)))
	c.Fixed.addHead(s.LastChannels, classes)
	return c
}

// Cost is the cost of a path.
func (c Costs) Cost(s *Space, p Path) Cost {
	out := c.Fixed
	for b, o := range p.Option {
		if s.Active(p, b) {
			out = out.plus(c.Block[b*s.NumOptions()+o])
		}
	}
	return out
}
