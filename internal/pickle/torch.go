package pickle

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
)

// valueFactor bounds the values of a state dict: 8 bytes each as float64, at
// most this many bytes for each byte of the file. One byte per value (bool)
// needs 8; tensors that share a storage need more.
const valueFactor = 16

// torchFile finds the bytes of storages.
type torchFile struct {
	room    int            // values that may still be read
	named   map[string]int // size of a value, of each storage that the pickle names
	big     bool
	storage func(key string) ([]byte, error)
}

func newTorchFile(size int) *torchFile {
	return &torchFile{room: (valueFactor*size + memoryBase) / 8, named: map[string]int{}}
}

// IsTorch reports whether data begins like a torch file of either format.
func IsTorch(data []byte) bool { return bytes.HasPrefix(data, []byte("PK\x03\x04")) || isLegacy(data) }

// openTorch runs the pickle of a torch file.
func openTorch(data []byte) (root any, f *torchFile, err error) {
	if isLegacy(data) {
		return openLegacy(data, budget(len(data)), false)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, malformed("found neither a zip archive nor torch's older format: %s", clip(err.Error()))
	}
	archive, err := newArchive(data, z)
	if err != nil {
		return nil, nil, err
	}
	stream, err := archive.read("data.pkl")
	if err != nil {
		return nil, nil, err
	}
	f = newTorchFile(len(data))
	loaded := map[string][]byte{}
	f.storage = func(key string) (b []byte, err error) {
		b, ok := loaded[key]
		if !ok {
			if b, err = archive.read("data/" + key); err == nil {
				loaded[key] = b
			}
		}
		return b, err
	}
	if order, err := archive.read("byteorder"); err == nil {
		if f.big = string(order) == "big"; !f.big && string(order) != "little" {
			return nil, nil, malformed("byteorder is %q: expected little or big", clip(string(order)))
		}
	}
	m := machine{data: stream, free: budget(len(stream)), file: f}
	if root, err = m.run(); err == nil && m.pos != len(stream) {
		err = malformed("%d bytes follow the end of data.pkl", len(stream)-m.pos)
	}
	return root, f, err
}

// legacyMagic is the number that begins the format of torch before 1.6, pickled
// under protocols 2 and later, and before them.
var legacyMagic = [][]byte{[]byte("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."), []byte("L119547037146038801333356L\n.")}

// legacyProtocol is the version that follows.
const legacyProtocol = 1001

func isLegacy(data []byte) bool {
	head := data[:min(len(data), 32)]
	return bytes.Contains(head, legacyMagic[0]) || bytes.Contains(head, legacyMagic[1])
}

// openLegacy reads the older format: pickles of magic number, version, system,
// object and list of storage keys, then for each key its count and values.
func openLegacy(data []byte, free *int, nested bool) (root any, f *torchFile, err error) {
	f = newTorchFile(len(data))
	m := machine{data: data, free: free, nested: nested}
	var values [5]any
	for i := range values {
		if i == 3 {
			m.file = f
			f.big = entry(values[2], "little_endian") == false
		}
		if values[i], err = m.run(); err != nil {
			return nil, nil, err
		}
	}
	if !isLegacy(data) || values[1] != legacyProtocol {
		return nil, nil, malformed("older format of version %v: expected %d", values[1], legacyProtocol)
	}
	names, ok := Items(values[4])
	if !ok {
		return nil, nil, malformed("the storage keys are %s: expected a list", TypeName(values[4]))
	}
	loaded, rest := map[string][]byte{}, data[m.pos:]
	for i, name := range names {
		key, ok := name.(string)
		if !ok {
			return nil, nil, malformed("storage key %d is %s: expected a str", i, TypeName(name))
		}
		size := f.named[key]
		if size == 0 {
			return nil, nil, malformed("storage %q belongs to no tensor that can be read", clip(key))
		}
		if len(rest) < 8 {
			return nil, nil, malformed("the file ends before storage %q", clip(key))
		}
		count := unsigned(rest, 0, 8, f.big)
		rest = rest[8:]
		if count > uint64(len(rest)/size) {
			return nil, nil, malformed("storage %q declares %d values beyond the end of the file", clip(key), count)
		}
		loaded[key] = rest[:int(count)*size]
		rest = rest[int(count)*size:]
	}
	f.storage = func(key string) ([]byte, error) {
		b, ok := loaded[key]
		if !ok {
			return nil, malformed("the file has no storage %q", clip(key))
		}
		return b, nil
	}
	return values[3], f, nil
}

// entry is an entry of a dict, nil where there is none.
func entry(v any, key string) any {
	entries, _ := Entries(v)
	for _, e := range entries {
		if e.Key == key {
			return e.Value
		}
	}
	return nil
}

// archive is the zip of a torch file: all entries lie in one folder.
type archive struct {
	data   []byte
	prefix string
	files  map[string]*zip.File
	budget int // bytes that may still be read: entries may not overlap
}

func newArchive(data []byte, z *zip.Reader) (*archive, error) {
	a := &archive{data: data, files: make(map[string]*zip.File, len(z.File)), budget: len(data)}
	found := false
	for _, f := range z.File {
		if _, twice := a.files[f.Name]; twice {
			return nil, fmt.Errorf("%w: %q is in the archive twice", ErrMalformed, clip(f.Name))
		}
		a.files[f.Name] = f
		folder, base, ok := strings.Cut(f.Name, "/")
		switch {
		case !ok:
			continue
		case base == "constants.pkl":
			return nil, fmt.Errorf("%w: it is a TorchScript program: expected a state dict saved with torch.save", ErrForbidden)
		case base == "data.pkl":
			a.prefix, found = folder+"/", true
		}
	}
	if !found {
		return nil, fmt.Errorf("%w: a zip archive without data.pkl: expected a file of torch.save", ErrMalformed)
	}
	return a, nil
}

// read returns the bytes of an entry, which share memory with the file: torch
// stores entries as they are, so nothing can grow.
func (a *archive) read(name string) ([]byte, error) {
	f := a.files[a.prefix+name]
	if f == nil {
		return nil, fmt.Errorf("%w: the archive has no entry %q", ErrMalformed, clip(name))
	}
	if f.Method != zip.Store || f.UncompressedSize64 != f.CompressedSize64 {
		return nil, fmt.Errorf("%w: entry %q is compressed: torch stores entries as they are", ErrMalformed, clip(name))
	}
	at, err := f.DataOffset()
	size := f.UncompressedSize64
	if err != nil || at < 0 || at > int64(len(a.data)) || size > uint64(int64(len(a.data))-at) {
		return nil, fmt.Errorf("%w: entry %q declares %d bytes beyond the end of the file", ErrMalformed, clip(name), size)
	}
	if a.budget -= int(size); a.budget < 0 {
		return nil, fmt.Errorf("%w: the entries overlap", ErrMalformed)
	}
	b := a.data[at : at+int64(size)]
	if f.CRC32 != 0 && crc32.ChecksumIEEE(b) != f.CRC32 {
		return nil, fmt.Errorf("%w: the check sum of entry %q does not hold: the file is damaged", ErrMalformed, clip(name))
	}
	return b, nil
}
