package model

import "fmt"

// Architecture spells out the child network of a path: the fixed first block,
// the active blocks of every stage and the fixed last convolution. It panics
// on a path that [Space.CheckPath] refuses.
func (s *Space) Architecture(p Path) Architecture {
	if err := s.CheckPath(p); err != nil {
		panic("model: " + err.Error())
	}
	arch := Architecture{{s.FirstBlock()}}
	for i, depth := range p.Depth {
		stage := make([]BlockCode, depth)
		for k := range stage {
			b := i*s.MaxDepth + k
			stage[k] = s.BlockCode(b, p.Option[b])
		}
		arch = append(arch, stage)
	}
	return append(arch, []BlockCode{s.LastBlock()})
}

// BlockCode is the code of one option of one searched block.
func (s *Space) BlockCode(block, option int) BlockCode {
	return s.Block(block).Code(s.Options[option])
}

// Code is the code of the block with an option.
func (b BlockShape) Code(o Option) BlockCode {
	return BlockCode{
		Type: InvertedResidual, Repeats: 1, Kernel: o.Kernel, Stride: b.Stride, Expansion: o.Expansion,
		Channels: b.OutChannels, SERatio: o.SERatio, Activation: b.Activation,
	}
}

// FirstBlock is the fixed block after the stem.
func (s *Space) FirstBlock() BlockCode {
	return BlockCode{Type: DepthwiseSep, Repeats: 1, Kernel: 3, Stride: 1, Expansion: 1, Channels: s.FirstChannels, Activation: ReLU}
}

// LastBlock is the fixed convolution after the searched stages.
func (s *Space) LastBlock() BlockCode {
	return BlockCode{Type: ConvBNAct, Repeats: 1, Kernel: 1, Stride: 1, Expansion: 1, Channels: s.LastChannels}
}

// Path is the inverse of [Space.Architecture]; switched-off blocks have the
// option Off. The error names the first stage or block that is not of the
// space.
func (s *Space) Path(a Architecture) (Path, error) {
	if len(a) != len(s.Stages)+2 {
		return Path{}, fmt.Errorf("architecture of %d stages: %s has %d", len(a), s.Name, len(s.Stages)+2)
	}
	fixed := func(i int, want BlockCode) error {
		if len(a[i]) != 1 || a[i][0] != want {
			return fmt.Errorf("stage %d is %v: %s has %s", i, a[i], s.Name, want)
		}
		return nil
	}
	if err := fixed(0, s.FirstBlock()); err != nil {
		return Path{}, err
	}
	if err := fixed(len(a)-1, s.LastBlock()); err != nil {
		return Path{}, err
	}
	p := Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
	for i := range s.Stages {
		blocks := Expanded(a[i+1])
		if p.Depth[i] = len(blocks); len(blocks) < s.MinDepth || len(blocks) > s.MaxDepth {
			return Path{}, fmt.Errorf("stage %d has %d blocks: %s has %d to %d", i+1, len(blocks), s.Name, s.MinDepth, s.MaxDepth)
		}
		for k := range s.MaxDepth {
			b := i*s.MaxDepth + k
			if p.Option[b] = Off; k >= len(blocks) {
				continue
			}
			c := blocks[k]
			o := s.OptionIndex(Option{c.Expansion, c.Kernel, c.SERatio})
			if o < 0 || s.BlockCode(b, o) != c {
				return Path{}, fmt.Errorf("stage %d block %d is %s: %s has nothing like it there, for example %s",
					i+1, k, c, s.Name, s.BlockCode(b, 0))
			}
			p.Option[b] = o
		}
	}
	return p, nil
}

// Expanded writes out the repeats of a stage: only the first block of a repeat
// has the stride.
func Expanded(stage []BlockCode) []BlockCode {
	var out []BlockCode
	for _, b := range stage {
		n := b.Repeats
		b.Repeats = 1
		for range n {
			out = append(out, b)
			b.Stride = 1
		}
	}
	return out
}

// SpaceOf finds the space an architecture belongs to, by trying both widths.
func SpaceOf(a Architecture, imageSize int) (*Space, Path, error) {
	var first error
	for _, name := range []string{MobileNASNet, MobileNASNetLarge} {
		s, err := NewSpace(name, imageSize)
		if err != nil {
			return nil, Path{}, err
		}
		p, err := s.Path(a)
		if err == nil {
			return s, p, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, Path{}, first
}
