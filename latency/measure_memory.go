package latency

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/model"
)

// checkTableMemory refuses a table whose blocks, all open at once with their
// inputs, would take more memory than there is.
func checkTableMemory(s *model.Space, o MeasureOptions) error {
	values := 3 * float64(s.ImageSize) * float64(s.ImageSize)
	seen := map[string]bool{}
	for b := range s.NumBlocks() {
		shape := s.Block(b)
		for i, option := range s.Options {
			key := shape.LUTKey(option)
			if seen[key] {
				continue
			}
			seen[key] = true
			out := model.Downsample(shape.Resolution, shape.Stride)
			values += float64(shape.InChannels*shape.Resolution*shape.Resolution + s.BlockCode(b, i).Channels*out*out)
		}
	}
	return checkMemory("a table", s.ImageSize, o, 4*float64(o.Batch)*values)
}

// checkNetworkMemory refuses networks that would take more memory than there is.
func checkNetworkMemory(archs []model.Architecture, imageSize int, o MeasureOptions) error {
	var most float64
	for _, arch := range archs {
		cost, err := arch.Cost(imageSize, o.Classes)
		if err != nil {
			return err
		}
		most = max(most, cost.RunBytes(o.Batch))
	}
	return checkMemory("a network", imageSize, o, most)
}

func checkMemory(what string, imageSize int, o MeasureOptions, bytes float64) error {
	return memory.Check(fmt.Sprintf("measuring %s on batches of %d images of %d pixels", what, o.Batch, imageSize), bytes)
}
