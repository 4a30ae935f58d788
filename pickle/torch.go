package pickle

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// valueFactor bounds the values of a state dict: 8 bytes each as float64, at
// most this many bytes for each byte of the file. One byte per value (bool)
// needs 8; tensors that share a storage need more.
const valueFactor = 16

// Tensor is one entry of a state dict.
type Tensor struct {
	Name   string
	Shape  []int
	DType  string    // torch's name without the module: float32, int64, ...
	Values []float64 // row-major; integers beyond 2^53 are rounded
}

// StateDict is the tensors of a torch file in the order it lists them.
type StateDict []Tensor

// DecodeTorch reads a file that torch.save wrote, either the zip format of
// torch 1.6 and later or the older one, and returns the state dict in it.
// Where the file holds more, keys names the way to it, for example
// "state_dict". Tensors may be views: offset and stride are honoured.
//
// Nothing is executed; see [ErrForbidden], [ErrMalformed] and [ErrTooLarge].
func DecodeTorch(data []byte, keys ...string) (StateDict, error) {
	root, file, err := openTorch(data)
	if err != nil {
		return nil, fmt.Errorf("torch file: %w", err)
	}
	for _, key := range keys {
		if root, err = child(root, key); err != nil {
			return nil, fmt.Errorf("torch file: %w", err)
		}
	}
	d, err := file.stateDict(root)
	if err != nil {
		return nil, fmt.Errorf("torch file: %w", err)
	}
	return d, nil
}

// IsTorch reports whether data begins like a torch file of either format.
func IsTorch(data []byte) bool {
	return bytes.HasPrefix(data, []byte("PK\x03\x04")) || bytes.HasPrefix(data, legacyMagic)
}

// ErrNoEntry is wrapped by errors about a way into a torch file that it does
// not have.
var ErrNoEntry = errors.New("no such entry")

func child(v any, key string) (any, error) {
	entries, err := Entries(v)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Key == key {
			return e.Value, nil
		}
	}
	return nil, fmt.Errorf("%w: %w: it has no entry %q", ErrMalformed, ErrNoEntry, key)
}

// torchFile finds the bytes of storages.
type torchFile struct {
	size    int // of the file, in bytes
	values  int // float64s made so far
	big     bool
	storage func(*storageRef) ([]byte, error)
	loaded  map[string][]byte
}

func openTorch(data []byte) (any, *torchFile, error) {
	if bytes.HasPrefix(data, legacyMagic) {
		return openLegacy(data)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, nil, fmt.Errorf("%w: found neither a zip archive nor torch's older format: %s", ErrMalformed, clip(err.Error()))
	}
	archive, err := newArchive(data, z)
	if err != nil {
		return nil, nil, err
	}
	stream, err := archive.read("data.pkl")
	if err != nil {
		return nil, nil, err
	}
	if n, err := scan(stream, true); err != nil {
		return nil, nil, err
	} else if n != len(stream) {
		return nil, nil, fmt.Errorf("%w: %d bytes follow the end of data.pkl", ErrMalformed, len(stream)-n)
	}
	root, _, err := runTorch(stream)
	if err != nil {
		return nil, nil, err
	}
	file := &torchFile{size: len(data), loaded: map[string][]byte{}}
	file.storage = func(s *storageRef) ([]byte, error) { return archive.read("data/" + s.key) }
	if order, err := archive.read("byteorder"); err == nil {
		switch string(order) {
		case "little":
		case "big":
			file.big = true
		default:
			return nil, nil, fmt.Errorf("%w: byteorder is %q: expected little or big", ErrMalformed, clip(string(order)))
		}
	}
	return root, file, nil
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

// runTorch executes a scanned pickle with references in the place of tensors.
// It also returns the element type of each storage that was named.
func runTorch(stream []byte) (any, map[string]dtype, error) {
	u := pickle.NewUnpickler(bytes.NewReader(stream))
	u.FindClass = func(module, name string) (any, error) {
		switch {
		case module == "torch._utils" && name == "_rebuild_tensor_v2":
			return rebuildTensor{}, nil
		case module == "argparse" && name == "Namespace":
			return opaqueClass{}, nil
		case module == "torch" && dtypes[name].name != "":
			return storageClass(name), nil
		}
		return nil, fmt.Errorf("%w: it names %s.%s", ErrForbidden, module, name)
	}
	named := map[string]dtype{}
	u.PersistentLoad = func(id any) (any, error) {
		ref, err := newStorageRef(id)
		if err == nil {
			named[ref.key] = ref.dtype
		}
		return ref, err
	}
	root, err := run(&u)
	return root, named, err
}

// storageClass is a global such as torch.FloatStorage.
type storageClass string

// storageRef is a storage by name; its bytes are read when a tensor needs them.
type storageRef struct {
	key   string
	dtype dtype
	count int
}

// newStorageRef reads a persistent id: ('storage', class, key, device, count),
// and in the older format a view, which must be None.
func newStorageRef(id any) (*storageRef, error) {
	t, ok := id.(*types.Tuple)
	if !ok || t.Len() < 5 || t.Len() > 6 {
		return nil, fmt.Errorf("a persistent id is %s: expected a storage of 5 or 6 fields", TypeName(id))
	}
	kind, _ := t.Get(0).(string)
	class, okClass := t.Get(1).(storageClass)
	key, okKey := t.Get(2).(string)
	count, okCount := t.Get(4).(int)
	if kind != "storage" || !okClass || !okKey || !okCount || count < 0 {
		return nil, fmt.Errorf("a persistent id does not describe a storage")
	}
	if t.Len() == 6 && t.Get(5) != nil {
		return nil, fmt.Errorf("storage %q is a view of another: re-save the file with torch 1.6 or later", clip(key))
	}
	return &storageRef{key, dtypes[string(class)], count}, nil
}

// rebuildTensor is torch._utils._rebuild_tensor_v2.
type rebuildTensor struct{}

// maxDims bounds the dimensions of a tensor.
const maxDims = 8

// tensorRef is a tensor that has not been read.
type tensorRef struct {
	storage       *storageRef
	offset        int
	shape, stride []int
}

// Call makes a reference of (storage, offset, size, stride, ...).
func (rebuildTensor) Call(args ...any) (any, error) {
	if len(args) < 4 {
		return nil, fmt.Errorf("a tensor of %d fields: expected at least 4", len(args))
	}
	storage, okStorage := args[0].(*storageRef)
	offset, okOffset := args[1].(int)
	shape, okShape := dims(args[2])
	stride, okStride := dims(args[3])
	if !okStorage || !okOffset || !okShape || !okStride || offset < 0 || len(shape) != len(stride) {
		return nil, fmt.Errorf("a tensor whose storage, offset, size or stride is not one")
	}
	return &tensorRef{storage, offset, shape, stride}, nil
}

func dims(v any) ([]int, bool) {
	t, ok := v.(*types.Tuple)
	if !ok || t.Len() > maxDims {
		return nil, false
	}
	out := make([]int, t.Len())
	for i := range out {
		if out[i], ok = t.Get(i).(int); !ok || out[i] < 0 {
			return nil, false
		}
	}
	return out, true
}

// opaqueClass stands for a class whose objects are of no interest.
type opaqueClass struct{}

type opaque struct{}

// PyNew makes an object whose attributes are dropped.
func (opaqueClass) PyNew(...any) (any, error) { return opaque{}, nil }

// PyDictSet drops an attribute.
func (opaque) PyDictSet(any, any) error { return nil }

// stateDict reads every tensor of a dict.
func (f *torchFile) stateDict(v any) (StateDict, error) {
	entries, err := Entries(v)
	if err != nil {
		return nil, err
	}
	out := make(StateDict, 0, len(entries))
	for _, e := range entries {
		ref, ok := e.Value.(*tensorRef)
		if !ok {
			return nil, fmt.Errorf("%w: entry %q is %s: expected a tensor", ErrMalformed, clip(e.Key), TypeName(e.Value))
		}
		t, err := f.tensor(ref)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", clip(e.Key), err)
		}
		t.Name = e.Key
		out = append(out, t)
	}
	return out, nil
}

// bytes returns the contents of a storage.
func (f *torchFile) bytes(s *storageRef) ([]byte, error) {
	if b, ok := f.loaded[s.key]; ok {
		return b, nil
	}
	b, err := f.storage(s)
	if err == nil {
		f.loaded[s.key] = b
	}
	return b, err
}

func (f *torchFile) tensor(ref *tensorRef) (Tensor, error) {
	t := Tensor{Shape: ref.shape, DType: ref.storage.dtype.name}
	b, err := f.bytes(ref.storage)
	if err != nil {
		return t, err
	}
	size := ref.storage.dtype.size
	if have := len(b) / size; have < ref.storage.count {
		return t, fmt.Errorf("%w: storage %q declares %d values and has %d", ErrMalformed, clip(ref.storage.key), ref.storage.count, have)
	}
	limit := (valueFactor*f.size + costBase) / 8
	count, last := 1, ref.offset
	for i, n := range ref.shape {
		if n != 0 && count > limit/n {
			return t, fmt.Errorf("%w: shape %v in a file of %d bytes", ErrTooLarge, ref.shape, f.size)
		}
		count *= n
		if n > 1 {
			if ref.stride[i] > (ref.storage.count-last)/(n-1) {
				last = ref.storage.count // out of range
				break
			}
			last += (n - 1) * ref.stride[i]
		}
	}
	if count == 0 {
		return t, nil
	}
	if last >= ref.storage.count {
		return t, fmt.Errorf("%w: offset %d, shape %v, stride %v in a storage of %d values",
			ErrMalformed, ref.offset, ref.shape, ref.stride, ref.storage.count)
	}
	if f.values += count; f.values > limit {
		return t, fmt.Errorf("%w: more than %d values in a file of %d bytes", ErrTooLarge, limit, f.size)
	}
	t.Values = make([]float64, 0, count)
	gather(&t.Values, ref, b, f.big)
	return t, nil
}

// gather appends the values of a view in row-major order.
func gather(dst *[]float64, ref *tensorRef, b []byte, big bool) {
	index := make([]int, len(ref.shape))
	at := ref.offset
	for {
		*dst = append(*dst, ref.storage.dtype.value(b, at, big))
		d := len(index) - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < ref.shape[d] {
				at += ref.stride[d]
				break
			}
			at -= (ref.shape[d] - 1) * ref.stride[d]
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}
