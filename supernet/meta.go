package supernet

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/safetensors"
)

// ReadMeta reads the metadata of a checkpoint file and none of its weights: that
// of safetensors, nil for other files. Errors wrap [ErrCheckpoint].
func ReadMeta(file string) (map[string]string, error) {
	meta, err := readMeta(file)
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %w: %w", ErrCheckpoint, err)
	}
	return meta, nil
}

func readMeta(file string) (map[string]string, error) {
	f, err := safefile.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	meta, err := safetensors.ReadMeta(f, maxHeader)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return meta, nil
}
