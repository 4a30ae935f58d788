package training

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/model"
)

// mapCopies is how often a step keeps a map: as the convolution gives it,
// normalised, activated, and its gradient. Measured were 5 to 6.
const mapCopies = 4

// CheckMemory refuses settings whose steps would take more memory than there is.
func (s Settings) CheckMemory() error {
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return err
	}
	arch := space.Architecture(space.HeaviestPath())
	if s.Stage == FineTune && s.Arch != "" {
		if arch, err = model.ParseArchitecture(s.Arch); err != nil {
			return err
		}
	}
	cost, err := arch.Cost(s.ImageSize, s.Classes)
	if err != nil {
		return err
	}
	images := s.engineBatch()
	return memory.Check(fmt.Sprintf("a step of %s on %d images of %d pixels and %d classes", s.Stage, s.BatchSize, s.ImageSize, s.Classes),
		cost.TrainBytes(mapCopies*images))
}
