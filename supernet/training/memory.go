package training

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// mapCopies is how often a step keeps a map: as the convolution gives it,
// normalised, activated, and its gradient. Measured were 5 to 6.
const mapCopies = 4

// fittingCopies is that of settings that are chosen to fit.
const fittingCopies = 6

// copies is how often a step keeps a map of so many in floats: rounding keeps what it
// rounds beside that.
func (s Settings) copies(floats int) int {
	if s.Quantize != "" {
		return 2 * floats
	}
	return floats
}

// cost is that of the largest network that the settings train.
func (s Settings) cost() (model.Cost, error) {
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return model.Cost{}, err
	}
	arch := space.Architecture(space.HeaviestPath())
	if s.Stage == FineTune && s.Arch != "" {
		if arch, err = model.ParseArchitecture(s.Arch); err != nil {
			return model.Cost{}, err
		}
	}
	return arch.Cost(s.ImageSize, s.Classes)
}

// fittingBatch is how many images at once so many bytes hold, 0 where that is not
// known.
func (s Settings) fittingBatch(bytes float64) int {
	s.Classes = max(s.Classes, 2)
	cost, err := s.cost()
	if err != nil || bytes <= 0 {
		return 0
	}
	fixed, image := cost.TrainBytes(0), cost.TrainBytes(s.copies(fittingCopies))-cost.TrainBytes(0)
	return max(int((bytes-fixed)/image), 1)
}

// CheckMemory refuses settings whose steps would take more memory than there is,
// and says which would fit. What a card has it says itself, when it is full.
func (s Settings) CheckMemory(on onnx.Target) error {
	if on.Kind() != onnx.CPU {
		return nil
	}
	cost, err := s.cost()
	if err != nil {
		return err
	}
	err = memory.Check(fmt.Sprintf("a step of %s on %d images of %d pixels and %d classes", s.Stage, s.BatchSize, s.ImageSize, s.Classes),
		cost.TrainBytes(s.copies(mapCopies)*s.engineBatch()))
	if err == nil {
		return nil
	}
	most := s.fittingBatch(memory.Total())
	if most < 2 {
		return fmt.Errorf("%w; not even 2 images at once would fit, smaller ones do (image-size)", err)
	}
	for parts := s.micro() + 1; parts <= s.BatchSize/2; parts++ {
		if m := s; s.BatchSize/parts <= most {
			if m.MicroBatches = parts; m.checkMicro() == nil {
				return fmt.Errorf("%w; micro-batches %d would fit, or batch-size %d", err, parts, most)
			}
		}
	}
	return fmt.Errorf("%w; batch-size %d would fit", err, most)
}
