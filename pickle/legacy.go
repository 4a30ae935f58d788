package pickle

import "fmt"

// legacyMagic begins the format of torch before 1.6: a pickled integer.
var legacyMagic = []byte("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")

// legacyProtocol is the version that follows it.
const legacyProtocol = 1001

// openLegacy reads the older format: pickles of magic number, version, system,
// object and list of storage keys, then for each key its count and values.
func openLegacy(data []byte) (any, *torchFile, error) {
	rest := data[len(legacyMagic):]
	next := func(torch bool) ([]byte, error) {
		n, err := scan(rest, torch)
		if err != nil {
			return nil, err
		}
		stream := rest[:n]
		rest = rest[n:]
		return stream, nil
	}
	plain := func() (any, error) {
		stream, err := next(false)
		if err != nil {
			return nil, err
		}
		return Decode(stream)
	}
	version, err := plain()
	if err != nil {
		return nil, nil, err
	}
	if version != legacyProtocol {
		return nil, nil, fmt.Errorf("%w: older format of version %v: expected %d", ErrMalformed, version, legacyProtocol)
	}
	system, err := plain()
	if err != nil {
		return nil, nil, err
	}
	stream, err := next(true)
	if err != nil {
		return nil, nil, err
	}
	root, named, err := runTorch(stream)
	if err != nil {
		return nil, nil, err
	}
	keys, err := plain()
	if err != nil {
		return nil, nil, err
	}
	f := &torchFile{size: len(data), loaded: map[string][]byte{}}
	if little, err := child(system, "little_endian"); err == nil && little == false {
		f.big = true
	}
	if err := f.legacyStorages(rest, keys, named); err != nil {
		return nil, nil, err
	}
	f.storage = func(s *storageRef) ([]byte, error) {
		return nil, fmt.Errorf("%w: the file has no storage %q", ErrMalformed, clip(s.key))
	}
	return root, f, nil
}

// legacyStorages finds the storages that follow the pickles.
func (f *torchFile) legacyStorages(rest []byte, keys any, named map[string]dtype) error {
	names, ok := Items(keys)
	if !ok {
		return fmt.Errorf("%w: the storage keys are %s: expected a list", ErrMalformed, TypeName(keys))
	}
	for i, name := range names {
		key, ok := name.(string)
		if !ok {
			return fmt.Errorf("%w: storage key %d is %s: expected a str", ErrMalformed, i, TypeName(name))
		}
		size := named[key].size
		if size == 0 {
			return fmt.Errorf("%w: storage %q belongs to no tensor", ErrMalformed, clip(key))
		}
		if len(rest) < 8 {
			return fmt.Errorf("%w: the file ends before storage %q", ErrMalformed, clip(key))
		}
		count := unsigned(rest, 0, 8, f.big)
		rest = rest[8:]
		if count > uint64(len(rest)/size) {
			return fmt.Errorf("%w: storage %q declares %d values beyond the end of the file", ErrMalformed, clip(key), count)
		}
		f.loaded[key] = rest[:int(count)*size]
		rest = rest[int(count)*size:]
	}
	return nil
}
