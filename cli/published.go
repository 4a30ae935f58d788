package cli

import (
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
)

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
