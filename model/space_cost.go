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
	half := Downsample(s.ImageSize, 2)
	c.Fixed.conv(3, s.StemChannels, 3, 1, s.ImageSize, half, true)
	c.Fixed = c.Fixed.plus(s.firstBlock().Cost(s.StemChannels, half))
	last := s.Stages[len(s.Stages)-1]
	c.Fixed = c.Fixed.plus(s.lastBlock().Cost(last.OutChannels, Downsample(last.Resolution, last.Stride)))
	c.Fixed.conv(s.LastChannels, s.FeatureChannels, 1, 1, 1, 1, false)
	c.Fixed.conv(s.FeatureChannels, classes, 1, 1, 1, 1, false)
	c.Fixed.Params += int64(s.FeatureChannels + classes) // biases
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
