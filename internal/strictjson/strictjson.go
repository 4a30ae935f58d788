// Package strictjson decodes JSON that this program wrote: a field that is
// missing, unknown or left over says that something else did, or that it is
// damaged.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Decode decodes one JSON value. Fields that v does not have are refused, and so
// are values without a field of v, unless it is tagged omitempty. A byte order mark is left out.
func Decode(data []byte, v any) error {
	data = sanitize.TrimBOM(data)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the JSON ends too soon")
		}
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return complete(data, reflect.TypeOf(v), "")
}

// complete looks for the fields of a type in a value that could be decoded to it.
func complete(data json.RawMessage, t reflect.Type, where string) error {
	if string(data) == "null" {
		return nil
	}
	switch t.Kind() {
	case reflect.Pointer:
		return complete(data, t.Elem(), where)
	case reflect.Struct:
		var have map[string]json.RawMessage
		if err := json.Unmarshal(data, &have); err != nil {
			return nil // it has a form of its own
		}
		return completeFields(have, t, where)
	case reflect.Map:
		var have map[string]json.RawMessage
		if err := json.Unmarshal(data, &have); err != nil {
			return err
		}
		for name, value := range have {
			if err := complete(value, t.Elem(), where+name+"."); err != nil {
				return err
			}
		}
	}
	return nil
}

func completeFields(have map[string]json.RawMessage, t reflect.Type, where string) error {
	for _, f := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous || !f.IsExported() || name == "-" {
			continue // fields of what is embedded are visible themselves
		}
		if name == "" {
			name = f.Name
		}
		value, there := have[name]
		if !there {
			if slices.Contains(strings.Split(options, ","), "omitempty") {
				continue
			}
			return fmt.Errorf("field %q is missing", where+name)
		}
		if err := complete(value, f.Type, where+name+"."); err != nil {
			return err
		}
	}
	return nil
}
