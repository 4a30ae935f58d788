package explore

import (
	"fmt"

	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// SpaceOf is the search space of a latency table: the one it was measured for
// where it says so, else that of the profile.
func SpaceOf(l *latency.LUT, p Profile) (*model.Space, error) {
	name, size := p.Space, p.ImageSize
	if from := l.Provenance; from.Space != "" && from.ImageSize != 0 {
		name, size = from.Space, from.ImageSize
	}
	s, err := model.NewSpace(name, size)
	if err != nil {
		return nil, fmt.Errorf("latency table %s: %w: %w", l.Provenance.Name, ErrUnreadable, err)
	}
	return s, nil
}
