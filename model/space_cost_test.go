package model

import (
	"math/rand/v2"
	"testing"
)

// The cost of a path by parts is that of its architecture string.
func TestCostsAddUp(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{MobileNASNet, MobileNASNetLarge} {
		for _, size := range []int{32, 224} {
			s, err := NewSpace(name, size)
			if err != nil {
				t.Fatal(err)
			}
			costs := s.Costs(10)
			for range 20 {
				p := Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())}
				for i := range p.Depth {
					p.Depth[i] = s.MinDepth + r.IntN(s.NumDepths())
				}
				for b := range p.Option {
					p.Option[b] = r.IntN(s.NumOptions())
				}
				want, err := s.Architecture(p).Cost(size, 10)
				if got := costs.Cost(s, p); err != nil || got != want {
					t.Fatalf("%s at %d: %+v, the string says %+v, %v", name, size, got, want, err)
				}
			}
		}
	}
}

// A peak by hand: the widest map of stage 1 is between expansion and depthwise
// convolution, or inside a block of 6 times 24 channels at 56 pixels.
func TestPeakBytes(t *testing.T) {
	b := BlockCode{Type: InvertedResidual, Repeats: 1, Kernel: 3, Stride: 2, Expansion: 6, Channels: 24}
	if got, want := b.Cost(16, 112).PeakBytes, int64(4*(96*112*112+96*56*56)); got != want {
		t.Errorf("first block of stage 1: %d bytes, want %d", got, want)
	}
	b.Stride = 1
	if got, want := b.Cost(24, 56).PeakBytes, int64(4*2*144*56*56); got != want {
		t.Errorf("second block: %d bytes, want %d", got, want)
	}
	s, _ := NewSpace(MobileNASNet, 224)
	if got, want := s.Costs(1000).Fixed.PeakBytes, int64(4*(3*224*224+32*112*112)); got != max(want, 4*2*32*112*112) {
		t.Errorf("fixed parts: %d bytes", got)
	}
}
