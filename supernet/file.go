package supernet

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// Load reads a checkpoint file of at most [MaxCheckpoint] bytes; see [Decode].
func Load(file string) (Checkpoint, error) {
	data, err := readFile(file)
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
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return maybe.WriteFile(file, data, 0o644)
}

func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name) // first: opening a pipe would wait
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info.Size() > MaxCheckpoint {
		return nil, fmt.Errorf("%s is larger than %d MiB", name, MaxCheckpoint>>20)
	}
	data := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, fmt.Errorf("%s: %w", name, err)
		case len(data) == cap(data):
			return nil, fmt.Errorf("%s grew while it was read", name)
		}
	}
}
