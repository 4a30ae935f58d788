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
	for _, d := range distinctBlocks(s) {
		shape := s.Block(d.block)
		out := model.Downsample(shape.Resolution, shape.Stride)
		values += float64(shape.InChannels*shape.Resolution*shape.Resolution + shape.OutChannels*out*out)
	}
	return checkMemory("a table", s.ImageSize, o, 4*float64(o.Batch)*values)
}

// checkNetworkMemory refuses networks each of which would take more memory than
// there is.
func checkNetworkMemory(archs []model.Architecture, imageSize int, o MeasureOptions) error {
	for _, arch := range archs {
		cost, err := arch.Cost(imageSize, o.Classes)
		if err == nil {
			err = checkMemory("a network", imageSize, o, cost.RunBytes(o.Batch))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// checkMeterMemory refuses networks of a space beside sessions of the reference
// that would take more memory than there is.
func (m *Machine) checkMeterMemory(s *model.Space) error {
	o := MeasureOptions{Batch: m.o.Batch, Classes: m.o.Classes}
	reference, err := s.Architecture(ReferenceNetwork(s)).Cost(s.ImageSize, o.Classes)
	if err != nil {
		return err
	}
	most, err := s.Architecture(s.HeaviestPath()).Cost(s.ImageSize, o.Classes)
	if err != nil {
		return err
	}
	return checkMemory("networks beside a reference", s.ImageSize, o, meterSessions*reference.RunBytes(o.Batch)+most.RunBytes(o.Batch))
}

func checkMemory(what string, imageSize int, o MeasureOptions, bytes float64) error {
	return memory.Check(fmt.Sprintf("measuring %s on batches of %d images of %d pixels", what, o.Batch, imageSize), bytes)
}
