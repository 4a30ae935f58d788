package cli

import (
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/published"
)

// publishedPaths are the published networks that belong to a space.
func publishedPaths(s *model.Space) []model.Path {
	var out []model.Path
	for _, n := range published.Networks() {
		if p, err := s.Path(n.Architecture); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// publishedName is the name an architecture was published under, or "".
func publishedName(a model.Architecture) string {
	text := a.String()
	for _, n := range published.Networks() {
		if n.Architecture.String() == text {
			return n.Name
		}
	}
	return ""
}
