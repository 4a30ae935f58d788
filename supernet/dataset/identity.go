package dataset

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
)

// Identity says which data a run works on. It is kept with the run, and every
// step compares the data it is given with it ([Identity.Differs]). Name and Root
// are for people: data that was moved or renamed is the same.
type Identity struct {
	Name       string     `json:"name"`
	Root       string     `json:"root"`                  // absolute folder
	Classes    []string   `json:"classes"`               // names by label
	ClassOrder ClassOrder `json:"class_order,omitempty"` // "" where files hold the labels
	Train      int        `json:"train"`                 // images
	Val        int        `json:"val"`
	Bytes      int64      `json:"bytes"` // of all images
	Mean       [3]float64 `json:"mean"`  // per channel, of values in 0 to 1
	Std        [3]float64 `json:"std"`
	// Fingerprint is 32 hexadecimal digits of a SHA-256 over classes, names, labels
	// and sizes of the images in their order, and over contents: all of them where
	// the set is in memory, else of 256 files spread over each part.
	Fingerprint string `json:"fingerprint"`
}

// ErrOtherData says that data is not what a run was begun with.
var ErrOtherData = errors.New("other data")

// Bounds of the contents that a fingerprint reads of a folder of images. Of a
// file that is larger than both ends, the middle does not count.
const (
	sampledFiles = 256
	sampledEnd   = 512 << 10 // bytes, at the beginning and at the end of a file
)

// Identify returns the identity of the sets that [Open] returned; one may be nil.
// It asks for the size of every image file: 0.6 s for 100,000 on a local disk. The
// error is that of the context, or names a file that is gone.
func Identify(ctx context.Context, train, val *Set) (Identity, error) {
	about := cmp.Or(train, val)
	id := Identity{
		Name: about.Name, Root: about.Root, Classes: slices.Clone(about.ClassNames), ClassOrder: about.ClassOrder,
		Mean: about.Mean, Std: about.Std,
	}
	h := sha256.New()
	writeText(h, "binas-tui data")
	for _, class := range id.Classes {
		writeText(h, class)
	}
	for _, v := range slices.Concat(id.Mean[:], id.Std[:]) {
		writeNumber(h, math.Float64bits(v))
	}
	for _, part := range []struct {
		set    *Set
		images *int
	}{{train, &id.Train}, {val, &id.Val}} {
		writeText(h, "part")
		if part.set == nil {
			continue
		}
		*part.images = part.set.images.len()
		bytes, err := part.set.images.digest(ctx, h)
		if err != nil {
			return Identity{}, fmt.Errorf("data set %s: %w", about.Name, err)
		}
		id.Bytes += bytes
	}
	id.Fingerprint = hex.EncodeToString(h.Sum(nil))[:32]
	return id, nil
}

// identityKey is where the metadata of a model file has the identity as JSON.
const identityKey = "data_identity"

// maxClassNames bounds the names of classes in metadata, in bytes as JSON: headers
// of checkpoints have no room for more.
const maxClassNames = 200 << 10

// Metadata says of the data, in a checkpoint or an ONNX file, what who goes on with
// the network has to know: for this program ([IdentityOf]), and in words for others
// the classes by label and how images are normalised. The folder is left out: a
// file is given away. Nil says nothing.
func (id *Identity) Metadata() map[string]string {
	if id == nil {
		return nil
	}
	text := func(v any) string {
		data, _ := json.Marshal(v) // text and finite numbers: cannot fail
		return string(data)
	}
	data := *id
	data.Root = ""
	if len(text(data.Classes)) > maxClassNames {
		data.Classes = nil
	}
	meta := map[string]string{
		"data": data.Name, "data_fingerprint": data.Fingerprint, "mean": text(data.Mean), "std": text(data.Std), identityKey: text(data),
	}
	if data.Classes != nil {
		meta["class_names"] = text(data.Classes)
	}
	if data.ClassOrder != "" {
		meta["class_order"] = string(data.ClassOrder)
	}
	return meta
}

// IdentityOf reads what Metadata wrote; nil where it is not there.
func IdentityOf(meta map[string]string) (*Identity, error) {
	text, there := meta[identityKey]
	if !there {
		return nil, nil
	}
	id := new(Identity)
	if err := strictjson.Decode([]byte(text), id); err != nil {
		return nil, fmt.Errorf("its %s: %w", identityKey, err)
	}
	if err := checkMoments(id.Mean[:], id.Std[:]); err != nil {
		return nil, fmt.Errorf("its %s: %w", identityKey, err)
	}
	return id, nil
}

// Check returns an error that wraps [ErrOtherData] and says what differs, or nil
// where both are the same data.
func (id Identity) Check(now Identity) error {
	what := id.Differs(now)
	if what == "" {
		return nil
	}
	return fmt.Errorf("%w than %s: %s", ErrOtherData, id.where(), what)
}

// where names the data and its folder.
func (id Identity) where() string {
	if id.Root == "" || filepath.Base(id.Root) == id.Name {
		return cmp.Or(id.Root, id.Name)
	}
	return fmt.Sprintf("%s in %s", id.Name, id.Root)
}

// Differs says in a few words what distinguishes the data that something was
// begun with from that of now, or is "" where both are the same data.
func (id Identity) Differs(now Identity) string {
	if id.Fingerprint == now.Fingerprint {
		return ""
	}
	known := id.Classes // nil where a checkpoint had no room for them
	if known != nil && len(known) != len(now.Classes) {
		return fmt.Sprintf("%d classes there, %d now", len(known), len(now.Classes))
	}
	for i, class := range known {
		if class == now.Classes[i] {
			continue
		}
		what := fmt.Sprintf("class %d is %.40q there, %.40q now", i, class, now.Classes[i])
		if slices.Equal(slices.Sorted(slices.Values(known)), slices.Sorted(slices.Values(now.Classes))) {
			what = "the classes are in another order: " + what
		}
		if id.ClassOrder != now.ClassOrder {
			what += fmt.Sprintf(" (class order %s there, %s now)", cmp.Or(id.ClassOrder, "none"), cmp.Or(now.ClassOrder, "none"))
		}
		return what
	}
	for _, n := range []struct {
		what       string
		there, now int64
	}{
		{"training images", int64(id.Train), int64(now.Train)}, {"validation images", int64(id.Val), int64(now.Val)}, {"bytes", id.Bytes, now.Bytes},
	} {
		if n.there != n.now {
			return fmt.Sprintf("%d %s there, %d now", n.there, n.what, n.now)
		}
	}
	there, here := fmt.Sprintf("mean %.4f and deviation %.4f", id.Mean, id.Std), fmt.Sprintf("mean %.4f and deviation %.4f", now.Mean, now.Std)
	if there != here {
		return fmt.Sprintf("as many images and bytes, of other contents or normalised otherwise: by %s there, %s now", there, here)
	}
	return "as many images and bytes, of other names or contents"
}

func writeText(h io.Writer, s string) {
	writeNumber(h, uint64(len(s)))
	io.WriteString(h, s)
}

func writeNumber(h io.Writer, n uint64) { h.Write(binary.LittleEndian.AppendUint64(nil, n)) }

// digest adds all images to h.
func (m *memory) digest(ctx context.Context, h io.Writer) (bytes int64, err error) {
	for _, n := range []int{m.channels, m.height, m.width, len(m.labels)} {
		writeNumber(h, uint64(n))
	}
	if m.interleaved {
		writeText(h, "interleaved")
	}
	for _, data := range [][]byte{m.labels, m.pixels} {
		for block := range slices.Chunk(data, 1<<20) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			h.Write(block)
		}
	}
	return int64(len(m.labels) + len(m.pixels)), nil
}

// digest adds names, labels and sizes of all files to h, and contents of some.
func (f *folder) digest(ctx context.Context, h io.Writer) (bytes int64, err error) {
	sizes, times, err := f.stat(ctx)
	if err != nil {
		return 0, err
	}
	files := sha256.New()                                     // beside names, labels and sizes, of times
	w := bufio.NewWriterSize(io.MultiWriter(h, files), 1<<16) // a hash takes many bytes at once better
	for i, name := range f.names {
		writeText(w, filepath.ToSlash(name))
		writeNumber(w, uint64(f.labels[i]))
		writeNumber(w, uint64(sizes[i]))
		bytes += sizes[i]
	}
	w.Flush() // a hash never fails
	binary.Write(files, binary.LittleEndian, times)
	sum := [32]byte(files.Sum(nil))
	f.files.Store(&sum)
	n := min(sampledFiles, len(f.names))
	for i := range n {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		if err := addContents(h, filepath.Join(f.root, f.names[i*len(f.names)/n])); err != nil {
			return 0, err
		}
	}
	return bytes, nil
}

// stat asks for the sizes of all files, and when they were changed, in ns; what is
// no regular file has neither.
func (f *folder) stat(ctx context.Context) (sizes, times []int64, err error) {
	sizes, times = make([]int64, len(f.names)), make([]int64, len(f.names))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4 * runtime.GOMAXPROCS(0)) // a network's answers take longer than their work
	const block = 256
	for from := 0; from < len(sizes); from += block {
		group.Go(func() error {
			for i := from; i < min(from+block, len(sizes)); i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				info, err := os.Stat(filepath.Join(f.root, f.names[i]))
				switch {
				case errors.Is(err, os.ErrNotExist): // a link that leads nowhere
					sizes[i] = -1
				case err != nil:
					return err
				case info.Mode().IsRegular():
					sizes[i], times[i] = info.Size(), info.ModTime().UnixNano()
				}
			}
			return nil
		})
	}
	return sizes, times, group.Wait()
}

// addContents adds the contents of a file, or where it is long of both its ends.
// What cannot be read, as when it is opened as an image, counts as empty.
func addContents(h io.Writer, path string) error {
	f, err := safefile.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if _, err := io.Copy(h, io.LimitReader(f, sampledEnd)); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	at, err := f.Seek(0, io.SeekEnd)
	if err != nil || at <= sampledEnd {
		return err
	}
	if _, err := f.Seek(max(sampledEnd, at-sampledEnd), io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(h, io.LimitReader(f, sampledEnd))
	return err
}

// absolute is a folder's path from the root of the file system.
func absolute(dir string) string {
	if abs, err := filepath.Abs(dir); err == nil {
		return abs
	}
	return dir
}
