package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
)

// architectureHelp says what commands take as an architecture.
const architectureHelp = `ARCH is an architecture string such as search prints, or a file that holds one,
or - for standard input. What search --json prints will do too, and so will the
name of a published network, such as "HardCoRe-NAS F" or binas-a.`

// maxArchitectureInput bounds what is read as an architecture, in bytes; the
// parser refuses less.
const maxArchitectureInput = 1 << 20

// architecture reads the argument ARCH. A text that begins with a bracket is
// the string itself; a file that is there counts before a published network.
func (a *app) architecture(arg string) (model.Architecture, error) {
	text, from := arg, "ARCH"
	switch {
	case strings.HasPrefix(strings.TrimSpace(arg), "["):
	case arg == "-":
		from = "standard input"
		data, err := io.ReadAll(io.LimitReader(a.In, maxArchitectureInput))
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", from, explore.ErrUnreadable, err)
		}
		text = string(data)
	default:
		from = arg
		data, err := explore.ReadFile(arg)
		if errors.Is(err, fs.ErrNotExist) {
			if n, known := published.Find(arg); known {
				return n.Architecture, nil
			}
			return nil, usagef("ARCH %.200q: neither a string like [['ds_r1_k3_s1_e1_c16_nre'], ...] nor a file that is there, nor one of the published networks: %s",
				arg, strings.Join(published.Names(), ", "))
		}
		if err != nil {
			return nil, err
		}
		text = string(data)
	}
	arch, err := explore.ParseArchitecture(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("%s: %w", from, err)}
	}
	return arch, nil
}
