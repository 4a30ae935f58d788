package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// writeJSON writes v as indented JSON. Angle brackets and ampersands stay as
// they are.
func writeJSON(w io.Writer, v any) error {
	return encodeJSON(w, v, "  ")
}

func writeJSONLine(w io.Writer, v any) error { return encodeJSON(w, v, "") }

// encodeJSON is the one way of JSON to the output: names in it come from outside
// and may hold what a terminal would obey.
func encodeJSON(w io.Writer, v any, indent string) error {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	err := enc.Encode(v)
	if err == nil {
		_, err = w.Write(sanitize.JSON(text.Bytes()))
	}
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}
