package supernet

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safetensors"
	"github.com/binas-tui/binas-tui/onnx"
)

// maxHeader bounds the JSON header of safetensors, in bytes: a supernet's takes
// 150 thousand.
const maxHeader = 1 << 20

// counts reports whether a tensor is a count of batches, int64 in PyTorch.
func counts(name string) bool { return strings.HasSuffix(name, ".num_batches_tracked") }

// checksumKey is the entry of the metadata with the check sum of all else.
const checksumKey = "checksum"

// checksum is CRC-32C, in 8 hexadecimal digits, over metadata and tensors in the
// order of their names: name, shape and values as float32. A byte that changed
// anywhere, and means something, changes it.
func checksum(meta map[string]string, tensors onnx.StateDict) string {
	h := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if key != checksumKey {
			fmt.Fprintf(h, "%q=%q\n", key, meta[key])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(tensors)) {
		fmt.Fprintf(h, "%q%v\n", name, tensors[name].Shape)
		h.Write(safetensors.Float32s(tensors[name].Data))
	}
	return fmt.Sprintf("%08x", h.Sum32())
}

// file is what a checkpoint is written as: float32, and counts of batches as int64,
// as PyTorch has them.
func (c Checkpoint) file() (meta map[string]string, tensors []safetensors.Tensor, err error) {
	for name, t := range c.Weights {
		if len(t.Data) != onnx.Elements(t.Shape) {
			return nil, nil, fmt.Errorf("tensor %.80q: shape %v with %d values", name, t.Shape, len(t.Data))
		}
		written := safetensors.Tensor{Name: name, Type: safetensors.F32, Shape: t.Shape}
		if counts(name) {
			written.Type = safetensors.I64
			for _, v := range t.Data {
				written.Data = binary.LittleEndian.AppendUint64(written.Data, uint64(int64(v)))
			}
		} else {
			written.Data = safetensors.Float32s(t.Data)
		}
		tensors = append(tensors, written)
	}
	meta = map[string]string{"format": "pt"} // what the PyTorch world expects there
	maps.Copy(meta, c.Meta)
	meta[checksumKey] = checksum(meta, c.Weights)
	return meta, tensors, nil
}

// Write writes what [Encode] returns without a copy in memory, and without looking
// for values that are not finite.
func Write(w io.Writer, c Checkpoint) error {
	meta, tensors, err := c.file()
	if err != nil {
		return err
	}
	return safetensors.Write(w, meta, tensors)
}

func encodeSafetensors(c Checkpoint) ([]byte, error) {
	for _, name := range slices.Sorted(maps.Keys(c.Weights)) {
		if err := finite(name, c.Weights[name].Data); err != nil {
			return nil, err
		}
	}
	meta, tensors, err := c.file()
	if err != nil {
		return nil, err
	}
	return safetensors.Encode(meta, tensors, maxHeader)
}

func decodeSafetensors(data []byte) (Checkpoint, error) {
	if !safetensors.Is(data) {
		return Checkpoint{}, fmt.Errorf("found neither a file of torch.save nor safetensors")
	}
	meta, tensors, err := safetensors.Decode(data, maxHeader)
	if err != nil {
		return Checkpoint{}, err
	}
	c := Checkpoint{Weights: make(onnx.StateDict, len(tensors)), Meta: meta}
	for _, t := range tensors {
		values, err := safetensors.Values[float32](t)
		if err != nil {
			return c, fmt.Errorf("tensor %.80q: %w", t.Name, err)
		}
		if err := c.add(t.Name, t.Shape, values); err != nil {
			return c, err
		}
	}
	if want, ok := c.Meta[checksumKey]; ok {
		if have := checksum(c.Meta, c.Weights); have != want {
			return c, fmt.Errorf("%w: its check sum is %s: expected %.20q", ErrDamaged, have, want)
		}
		c.Checked = true
	}
	return c, nil
}
