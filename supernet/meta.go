package supernet

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/internal/safefile"
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
	var start [9]byte
	if _, err := io.ReadFull(f, start[:]); err != nil || start[8] != '{' {
		return nil, nil // what it is else, decoding it says
	}
	n := binary.LittleEndian.Uint64(start[:])
	if n > maxHeader {
		return nil, nil
	}
	header := make([]byte, n)
	copy(header, start[8:])
	if _, err := io.ReadFull(f, header[1:]); err != nil {
		return nil, fmt.Errorf("%s: it ends in its header", file)
	}
	var decoded struct {
		Meta map[string]string `json:"__metadata__"`
	}
	if err := json.Unmarshal(header, &decoded); err != nil {
		return nil, fmt.Errorf("%s: its header: %w", file, err)
	}
	return decoded.Meta, nil
}
