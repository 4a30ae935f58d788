package dataset

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// CIFAR-10 in its binary version (Krizhevsky 2009): records of a label and
// 3x32x32 bytes, 10,000 in each of six files.
const (
	cifarSide    = 32
	cifarRecord  = 1 + 3*cifarSide*cifarSide
	cifarClasses = 10
	cifarMax     = 1 << 20 // records in a file at most
)

// cifarFiles are the files of the training and of the validation part.
var cifarFiles = [2][]string{
	{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
	{"test_batch.bin"},
}

// openCIFAR opens a folder with the files of CIFAR-10, or the one above it.
func openCIFAR(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	there, err := exists(filepath.Join(dir, cifarFiles[0][0]))
	if err != nil {
		return nil, nil, err
	}
	if !there {
		dir = filepath.Join(dir, "cifar-10-batches-bin")
		if there, err := exists(filepath.Join(dir, cifarFiles[0][0])); err != nil || !there {
			return nil, nil, errOther
		}
	}
	var images [2]memory
	for part, names := range cifarFiles {
		for _, name := range names {
			err := addCIFAR(ctx, &images[part], filepath.Join(dir, name))
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w: it has no file %s, expected data_batch_1.bin to data_batch_5.bin and test_batch.bin", ErrFormat, name)
			}
			if err != nil {
				return nil, nil, err
			}
		}
	}
	set := Set{
		Name: "cifar-10", Classes: cifarClasses, ClassNames: cifarNames(dir), Size: cifarSide,
		Mean: cifarMean, Std: cifarStd,
	}
	return newSet(set, "train", &images[0], o), newSet(set, "val", &images[1], o), nil
}

// addCIFAR adds the records of a file to images.
func addCIFAR(ctx context.Context, m *memory, path string) error {
	f, err := safefile.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := readCIFAR(bufio.NewReaderSize(stopping{ctx, f}, 1<<16), m); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

// readCIFAR reads records until the end and adds them to images.
func readCIFAR(r io.Reader, m *memory) error {
	m.channels, m.height, m.width = 3, cifarSide, cifarSide
	record := make([]byte, cifarRecord)
	for n := 0; ; n++ {
		got, err := io.ReadFull(r, record)
		switch {
		case err == io.EOF && n > 0:
			return nil
		case err == io.EOF || err == io.ErrUnexpectedEOF:
			return fmt.Errorf("%w: record %d has %d bytes, expected %d", ErrFormat, n, got, cifarRecord)
		case err != nil:
			return err
		case record[0] >= cifarClasses:
			return fmt.Errorf("%w: record %d has label %d, expected 0 to %d", ErrClasses, n, record[0], cifarClasses-1)
		case n == cifarMax:
			return fmt.Errorf("%w: more than %d records", ErrFormat, cifarMax)
		}
		m.labels = append(m.labels, record[0])
		m.pixels = append(m.pixels, record[1:]...)
	}
}

// cifarNames are the names of the classes, from batches.meta.txt where that is
// beside the files.
func cifarNames(dir string) []string {
	data, err := readText(filepath.Join(dir, "batches.meta.txt"))
	if names := strings.Fields(string(data)); err == nil && len(names) == cifarClasses {
		return names
	}
	return []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}
}

// stopping is a reader that ends with its context.
type stopping struct {
	ctx context.Context
	io.Reader
}

func (s stopping) Read(p []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(p)
}
