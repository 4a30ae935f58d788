package explore

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/binas-tui/binas-tui/model"
)

// ParseArchitecture reads an architecture string, or what search --json prints with
// one in it.
func ParseArchitecture(text string) (model.Architecture, error) {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	if strings.HasPrefix(text, "{") {
		var result SearchReport
		if err := json.Unmarshal([]byte(text), &result); err != nil || result.Architecture == nil {
			return nil, errors.New("JSON without an architecture: expected what search --json prints")
		}
		text = *result.Architecture
	}
	return model.ParseArchitecture(text)
}
