package pickle

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Errors that callers can test for with errors.Is.
var (
	// ErrMalformed is wrapped where the bytes are not a well-formed file, or hold
	// another value than is needed.
	ErrMalformed = errors.New("malformed")
	// ErrForbidden is wrapped where what is needed is no data, but something that
	// only Python code can make.
	ErrForbidden = errors.New("not plain data")
	// ErrTooLarge is wrapped where reading would take far more memory than the
	// file has bytes.
	ErrTooLarge = errors.New("too large")
)

// collection is a list, tuple, set, frozenset or dict; a dict has keys and
// values in turn.
type collection struct {
	kind  string
	items []any
}

// blob is bytes or a bytearray: a part of the input.
type blob []byte

// global is a class or function by its full name.
type global struct{ name string }

// object is what a class or function that is not known here would have made.
type object struct {
	class  string
	remedy string // of a tensor that cannot be read; "" where it is none
}

// TypeName is Python's name for the type of a decoded value.
func TypeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case blob:
		return "bytes"
	case *collection:
		return v.kind
	case *view:
		return "tensor"
	case *numpyType:
		return "numpy.dtype"
	case *storage:
		return "torch.Storage"
	case *global:
		return "reference to " + clip(v.name)
	case *object:
		if v.remedy != "" {
			return "tensor (" + clip(v.class) + ")"
		}
		return clip(v.class)
	}
	return fmt.Sprintf("%T", v) // bool
}

// mismatch says what v is where something else is needed.
func mismatch(v any, want string) error {
	switch v.(type) {
	case *object, *global:
		return fmt.Errorf("%w: found %s, which only Python can make: expected %s", ErrForbidden, TypeName(v), want)
	}
	return malformed("found %s, expected %s", TypeName(v), want)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// clip keeps text from a file on one line of readable length.
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

// Entries lists a dict, OrderedDict or defaultdict whose keys are str or bytes, in
// the order of the file. A key that is there twice is an error.
func Entries(v any) ([]Entry, error) {
	d, ok := v.(*collection)
	if !ok || d.kind != "dict" {
		return nil, mismatch(v, "a dict")
	}
	out := slices.Grow([]Entry(nil), len(d.items)/2)
	seen := make(map[string]bool, len(d.items)/2)
	for i := 0; i < len(d.items); i += 2 {
		key, ok := d.items[i].(string)
		if b, bytes := d.items[i].(blob); bytes {
			key, ok = string(b), true
		}
		if !ok {
			return nil, malformed("a key of the dict is %s: expected a str", TypeName(d.items[i]))
		}
		if seen[key] {
			return nil, malformed("key %q is there twice", clip(key))
		}
		seen[key] = true
		out = append(out, Entry{key, d.items[i+1]})
	}
	return out, nil
}

// Len is the number of entries of a dict, 0 for anything else: what [Entries] would
// list.
func Len(v any) int {
	if d, ok := v.(*collection); ok && d.kind == "dict" {
		return len(d.items) / 2
	}
	return 0
}

// Items lists a list, a tuple or an array of one dimension; ok is false for
// anything else. The caller does not change the result.
func Items(v any) (items []any, ok bool) {
	switch v := v.(type) {
	case *collection:
		return v.items, v.kind == "list" || v.kind == "tuple"
	case *view:
		items, err := v.items()
		return items, err == nil && len(v.shape) == 1
	}
	return nil, false
}

// Float returns a float or int, of Python or numpy, or the value of a tensor or
// array that has one; ok is false for anything else.
func Float(v any) (f float64, ok bool) {
	switch n := scalar(v).(type) {
	case float64:
		return n, true
	case int:
		return float64(n), true
	}
	return 0, false
}

// Int is [Float] for whole numbers of an integer type.
func Int(v any) (n int, ok bool) {
	n, ok = scalar(v).(int)
	return n, ok
}

// scalar takes the value out of a tensor or array that has one.
func scalar(v any) any {
	if t, ok := v.(*view); ok {
		if items, err := t.items(); err == nil && len(items) == 1 {
			return items[0]
		}
	}
	return v
}
