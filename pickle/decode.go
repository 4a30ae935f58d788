package pickle

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/nlpodyssey/gopickle/pickle"
	"github.com/nlpodyssey/gopickle/types"
)

// The containers that [Decode] returns. A Dict keeps the order of the file and
// may hold a key twice; use [Entries] to read it.
type (
	List  = types.List
	Tuple = types.Tuple
	Dict  = types.Dict
)

// Decode reads one pickle of plain data, protocols 2 to 5, and returns nil,
// bool, int, *big.Int, float64, string, *List, *Tuple or *Dict. It never
// executes anything: a pickle that names a class or function is refused with
// [ErrForbidden]. Bytes after the pickle are refused too.
func Decode(data []byte) (any, error) {
	n, err := scan(data, false)
	if err != nil {
		return nil, err
	}
	if n != len(data) {
		return nil, fmt.Errorf("pickle: %w: %d bytes follow its end", ErrMalformed, len(data)-n)
	}
	u := pickle.NewUnpickler(bytes.NewReader(data))
	return run(&u)
}

// run lets the machine execute a pickle that scan has accepted.
func run(u *pickle.Unpickler) (v any, err error) {
	defer func() { // the library is young: its panics are malformed input here
		if r := recover(); r != nil {
			v, err = nil, fmt.Errorf("pickle: %w: %s", ErrMalformed, clip(fmt.Sprint(r)))
		}
	}()
	v, err = u.Load()
	if err != nil {
		return nil, fmt.Errorf("pickle: %w: %s", ErrMalformed, clip(err.Error()))
	}
	return v, nil
}

// clip keeps a message on one line of readable length: hostile files may put
// their content into it.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s[:min(len(s), 200)])
	return strings.ToValidUTF8(s, "?")
}

// Entry is one key and value of a dict.
type Entry struct {
	Key   string
	Value any
}

// Entries lists a dict or OrderedDict whose keys are strings, in the order of
// the file. A key that is there twice is an error.
func Entries(v any) ([]Entry, error) {
	var out []Entry
	seen := map[string]bool{}
	add := func(key, value any) error {
		k, ok := key.(string)
		if !ok {
			return fmt.Errorf("%w: a key of the dict is %s: expected a str", ErrMalformed, TypeName(key))
		}
		if seen[k] {
			return fmt.Errorf("%w: key %q is there twice", ErrMalformed, clip(k))
		}
		seen[k] = true
		out = append(out, Entry{k, value})
		return nil
	}
	switch d := v.(type) {
	case *types.Dict:
		for _, e := range *d {
			if err := add(e.Key, e.Value); err != nil {
				return nil, err
			}
		}
	case *types.OrderedDict:
		for e := d.List.Front(); e != nil; e = e.Next() {
			entry := e.Value.(*types.OrderedDictEntry)
			if err := add(entry.Key, entry.Value); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("%w: found %s, expected a dict", ErrMalformed, TypeName(v))
	}
	return out, nil
}

// Items lists a list or tuple; ok is false for anything else.
func Items(v any) (items []any, ok bool) {
	switch l := v.(type) {
	case *types.List:
		return *l, true
	case *types.Tuple:
		return *l, true
	}
	return nil, false
}

// Float returns a Python float or int; ok is false for anything else.
func Float(v any) (f float64, ok bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// TypeName is Python's name for the type of a decoded value.
func TypeName(v any) string {
	switch v.(type) {
	case nil:
		return "None"
	case bool:
		return "bool"
	case int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case *types.List:
		return "list"
	case *types.Tuple:
		return "tuple"
	case *types.Dict, *types.OrderedDict:
		return "dict"
	case *tensorRef:
		return "Tensor"
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", v), "*")
}
