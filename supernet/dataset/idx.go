package dataset

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// maxBytes is what the values of one file may take: 20 times MNIST.
const maxBytes = 1 << 30

// maxSide is the greatest side of an image that is read.
const maxSide = 1 << 14

// idx is an IDX file of bytes: http://yann.lecun.com/exdb/mnist.
type idx struct {
	shape []int
	data  []byte
}

// readIDX reads an IDX file of unsigned bytes with 1 to 4 dimensions. Memory is
// taken as data comes, so a header that promises more than there is costs
// nothing.
func readIDX(r io.Reader) (idx, error) {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return idx{}, fmt.Errorf("IDX header: %w: the file has fewer than 4 bytes", ErrFormat)
	}
	if head[0] != 0 || head[1] != 0 {
		return idx{}, fmt.Errorf("IDX header: %w: it starts with %#02x %#02x, expected 0 0", ErrFormat, head[0], head[1])
	}
	if head[2] != 0x08 {
		return idx{}, fmt.Errorf("IDX header: %w: element type %#02x, expected 0x08 (unsigned bytes)", ErrFormat, head[2])
	}
	if head[3] < 1 || head[3] > 4 {
		return idx{}, fmt.Errorf("IDX header: %w: %d dimensions, expected 1 to 4", ErrFormat, head[3])
	}
	f := idx{shape: make([]int, head[3])}
	total := int64(1)
	for i := range f.shape {
		var size [4]byte
		if _, err := io.ReadFull(r, size[:]); err != nil {
			return idx{}, fmt.Errorf("IDX header: %w: it ends before dimension %d of %d", ErrFormat, i+1, len(f.shape))
		}
		n := int64(binary.BigEndian.Uint32(size[:]))
		if total *= n; n == 0 || total > maxBytes {
			return idx{}, fmt.Errorf("IDX header: %w: dimension %d is %d, expected 1 to 1 GiB of values in all", ErrFormat, i+1, n)
		}
		f.shape[i] = int(n)
	}
	var err error
	if f.data, err = readGrowing(r, int(total)); err != nil {
		return idx{}, fmt.Errorf("IDX values: %w: %w", ErrFormat, err)
	}
	if len(f.data) < int(total) {
		return idx{}, fmt.Errorf("IDX values: %w: found %d, expected %d for shape %v", ErrFormat, len(f.data), total, f.shape)
	}
	// One byte more is asked for: the end of a packed file holds its checksum.
	if extra, err := io.CopyN(io.Discard, r, 1); extra > 0 {
		return idx{}, fmt.Errorf("IDX values: %w: found more than the %d of shape %v", ErrFormat, total, f.shape)
	} else if err != io.EOF {
		return idx{}, fmt.Errorf("IDX values: %w: %w", ErrFormat, err)
	}
	return f, nil
}

// readGrowing reads n bytes, fewer where there are no more. It takes at most
// twice the memory of what has come.
func readGrowing(r io.Reader, n int) ([]byte, error) {
	data := make([]byte, 0, min(n, 1<<20))
	for len(data) < n {
		if len(data) == cap(data) {
			data = append(make([]byte, 0, min(n, 2*cap(data))), data...)
		}
		got, err := io.ReadFull(r, data[len(data):cap(data)])
		data = data[:len(data)+got]
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return data, nil
		}
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// unpacked reads what is packed with gzip, whatever it is called, and anything
// else as it is.
func unpacked(r *bufio.Reader) (io.Reader, error) {
	if head, err := r.Peek(2); err != nil || head[0] != 0x1f || head[1] != 0x8b {
		return r, nil
	}
	return gzip.NewReader(r)
}

// openIDX reads an IDX file, plain or packed.
func openIDX(ctx context.Context, path string) (idx, error) {
	file, err := safefile.Open(path)
	if err != nil {
		return idx{}, err
	}
	defer file.Close()
	r, err := unpacked(bufio.NewReaderSize(stopping{ctx, file}, 1<<16))
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w: %w", path, ErrFormat, err)
	}
	f, err := readIDX(r)
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// writeIDX writes an IDX file of unsigned bytes.
func writeIDX(w io.Writer, shape []int, data []byte) error {
	head := []byte{0, 0, 0x08, byte(len(shape))}
	for _, n := range shape {
		head = binary.BigEndian.AppendUint32(head, uint32(n))
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}
