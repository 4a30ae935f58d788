package supernet

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Load reads a checkpoint file of at most [MaxCheckpoint] bytes; see [Decode].
func Load(file string) (Checkpoint, error) {
	data, err := safefile.Read(file, MaxCheckpoint)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint: %w: %w", ErrCheckpoint, err)
	}
	c, err := Decode(data)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %s: %w", file, err)
	}
	return c, nil
}

// Save writes a checkpoint as safetensors, beside the file first and then by
// rename: a crash leaves the old file or the new one. The folder is made where
// there is none.
func Save(file string, c Checkpoint) error {
	data, err := Encode(c)
	if err != nil {
		return err
	}
	return safefile.Write(file, data)
}
