package published

import (
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// ImageSize is the side in pixels of the images that the published accuracies
// are about.
const ImageSize = 224

// Ablations of MnasNet (arXiv 1807.11626, table 6 and the A1 and B1 networks),
// in points of ImageNet top-1 accuracy.
const (
	mnasnetBlocks     = 16          // inverted-residual blocks of the ablated networks
	mnasnetGroups     = 7           // first blocks among them
	mnasnetSEBlocks   = 8           // blocks of A1 with squeeze-excite
	mnasnetKernel5    = 72.5 - 71.8 // kernel 5 for 3 throughout (at expansion 6: 75.6 - 74.9)
	mnasnetExpansion6 = 74.9 - 71.8 // expansion 6 for 3 throughout (at kernel 5: 75.6 - 72.5)
	mnasnetSE         = 75.2 - 74.5 // A1, with squeeze-excite, over B1, without
	firstBlockWidth   = 1.5         // weight of width where the resolution changes; by hand
)

// The three features of a block, in the order of the weights.
const (
	depthFeature = iota
	widthFeature
	detailFeature
	numFeatures
)

// contribution is the vector of a block's features.
type contribution [numFeatures]float64

// features computes D, W and E of the package comment.
type features struct {
	space         *model.Space
	referenceSize float64 // cheapest option of a later block of stage 2, width 1
}

func newFeatures(space *model.Space) (features, error) {
	base, err := model.NewSpace(model.MobileNASNet, ImageSize)
	if err != nil {
		return features{}, err
	}
	return features{space, smallestParams(base, base.MaxDepth+1)}, nil
}

// smallestParams is the number of parameters of a block's cheapest option.
func smallestParams(s *model.Space, block int) float64 {
	shape, least := s.Block(block), math.Inf(1)
	for o := range s.Options {
		cost := s.BlockCode(block, o).Cost(shape.InChannels, shape.Resolution)
		least = min(least, float64(cost.Params))
	}
	return least
}

// optional reports whether a block can be switched off.
func (f features) optional(block int) bool { return block%f.space.MaxDepth >= f.space.MinDepth }

// of returns the features of one option of one active block.
func (f features) of(block, option int) contribution {
	var c contribution
	k, o := block%f.space.MaxDepth, f.space.Options[option]
	if f.optional(block) {
		size := smallestParams(f.space, block) / f.referenceSize
		c[depthFeature] = math.Log(float64(k+1)/float64(k)) * max(0, math.Log(size))
	}
	c[widthFeature] = math.Log(o.Expansion / 3)
	if k == 0 {
		c[widthFeature] *= firstBlockWidth
	}
	if o.Kernel == 5 {
		c[detailFeature] += mnasnetKernel5 / mnasnetBlocks
	}
	if o.SERatio > 0 {
		c[detailFeature] += mnasnetSE / mnasnetSEBlocks
	}
	return c
}

// sum adds the features of the active blocks of a path.
func (f features) sum(p model.Path) []float64 {
	total := make([]float64, numFeatures)
	for b, o := range p.Option {
		if !f.space.Active(p, b) {
			continue
		}
		for i, v := range f.of(b, o) {
			total[i] += v
		}
	}
	return total
}

// priorMeans are the weights that the ablations of MnasNet imply; 0 stands for
// a weight without prior.
func priorMeans() []float64 {
	width := mnasnetExpansion6 / (math.Ln2 * (mnasnetBlocks + (firstBlockWidth-1)*mnasnetGroups))
	return []float64{depthFeature: 0, widthFeature: width, detailFeature: 1}
}
