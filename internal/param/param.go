// Package param describes the parameters of a piece of work in one table: what
// each is called, what it is, its unit, bounds and choices. Flags, forms, checks
// and documents are made of the table; the values are fields of a struct whose
// JSON names are the keys.
package param

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Param is one parameter.
type Param struct {
	Key   string // in JSON, such as batch_size
	Name  string // of the flag; "" is Key with - for _
	Label string // in forms; "" is Name with spaces for -
	Usage string // what it is; its placeholder in back quotes
	Unit  string // in forms, such as %
	Zero  string // what 0, "" or false stands for, such as "the preset's"

	Choices     []string           // of a text
	Valid       func(string) error // of a text that is not one of a few: what is wrong with it
	Least, Most float64            // of a number; Most of 0 is none
	Above       bool               // Least itself is too little
	Below       bool               // Most itself is too much

	Free   bool   // what comes out does not depend on it: it may change when work is resumed
	Rare   bool   // forms show it only among all parameters
	NoForm string // why forms do not have it; "" is where they do
}

// Flag is the name of its flag, without the dashes.
func (p Param) Flag() string {
	if p.Name != "" {
		return p.Name
	}
	return strings.ReplaceAll(p.Key, "_", "-")
}

// FormLabel is its label in forms.
func (p Param) FormLabel() string {
	if p.Label != "" {
		return p.Label
	}
	return strings.ReplaceAll(p.Flag(), "-", " ")
}

// Seldom is the parameter as a rare one.
func (p Param) Seldom() Param {
	p.Rare = true
	return p
}

// Expected says what values there are.
func (p Param) Expected() string {
	least := fmt.Sprint(p.Least)
	if p.Least == math.Trunc(p.Least) {
		least = strconv.FormatFloat(p.Least, 'f', -1, 64)
	}
	most := strconv.FormatFloat(p.Most, 'f', -1, 64)
	switch {
	case len(p.Choices) > 0:
		return either(p.Choices)
	case p.Most == 0 && p.Above:
		return "a number above " + least
	case p.Most == 0:
		return "at least " + least
	case p.Above:
		return "a number above " + least + " up to " + most
	case p.Below:
		return least + " to less than " + most
	}
	return least + " to " + most
}

// either lists choices.
func either(choices []string) string {
	if n := len(choices); n > 1 {
		return strings.Join(choices[:n-1], ", ") + " or " + choices[n-1]
	}
	return strings.Join(choices, "")
}

// Table is the parameters of a piece of work.
type Table []Param

// Value is a parameter and the field that has its value.
type Value struct {
	Param
	field reflect.Value
}

// Values are the parameters of a table and their fields in the first of the
// structs, given by pointers, that has them. A parameter without a field is a
// mistake of the program.
type Values []Value

// In finds the fields of the parameters.
func (t Table) In(structs ...any) Values {
	out := make(Values, len(t))
	for i, p := range t {
		for _, s := range structs {
			if f, ok := find(reflect.ValueOf(s).Elem(), p.Key); ok && !out[i].field.IsValid() {
				out[i] = Value{p, f}
			}
		}
		if !out[i].field.IsValid() {
			panic("no field for the parameter " + p.Key)
		}
	}
	return out
}

// find is the field with a name in JSON, of a struct or of those in it.
func find(s reflect.Value, key string) (reflect.Value, bool) {
	t := s.Type()
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name == key {
			return s.Field(i), true
		}
	}
	for i := range t.NumField() {
		if f := t.Field(i); f.Anonymous && f.Type.Kind() == reflect.Struct {
			if v, ok := find(s.Field(i), key); ok {
				return v, true
			}
		}
	}
	return reflect.Value{}, false
}

// Keys are the names in JSON of the fields of a struct.
func Keys(s any) (keys []string) {
	for f := range reflect.TypeOf(s).Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			keys = append(keys, name)
		}
	}
	return keys
}

// Named is the value with a key.
func (vs Values) Named(key string) (Value, bool) {
	i := slices.IndexFunc(vs, func(v Value) bool { return v.Key == key })
	if i < 0 {
		return Value{}, false
	}
	return vs[i], true
}

// Check names the first value out of its range; by says how a parameter is called.
// Zero values that stand for something pass.
func (vs Values) Check(by func(Param) string) error {
	for _, v := range vs {
		if err := v.Check(by); err != nil {
			return err
		}
	}
	return nil
}

// Copy takes from others the values whose keys are chosen.
func (vs Values) Copy(from Values, chosen func(key string) bool) {
	for _, v := range from {
		if to, ok := vs.Named(v.Key); ok && chosen(v.Key) {
			to.field.Set(v.field)
		}
	}
}

// Pointer is the field as a pointer to int, uint64, float64, bool, string or
// time.Duration.
func (v Value) Pointer() any {
	p := v.field.Addr()
	switch v.field.Kind() {
	case reflect.String:
		return p.Convert(reflect.TypeFor[*string]()).Interface()
	case reflect.Int, reflect.Uint64, reflect.Float64, reflect.Bool, reflect.Int64:
		return p.Interface()
	}
	panic(fmt.Sprintf("the parameter %s is a %s", v.Key, v.field.Type()))
}

// Get is the value.
func (v Value) Get() any { return v.field.Interface() }

// IsZero says whether the value is 0, "" or false.
func (v Value) IsZero() bool { return v.field.IsZero() }

// String is the value as it is typed.
func (v Value) String() string {
	if v.field.Kind() == reflect.Bool {
		return map[bool]string{true: "yes", false: "no"}[v.field.Bool()]
	}
	return fmt.Sprint(v.field.Interface())
}

// Shown is the value as forms show it: with its unit, or what it stands for.
func (v Value) Shown() string {
	text := v.String()
	switch {
	case v.Zero != "" && v.IsZero():
		return v.Zero
	case v.Unit != "":
		return text + " " + v.Unit
	}
	return text
}

// FlagUsage is the usage of its flag: with the choices and what leaving it out
// means.
func (v Value) FlagUsage() string {
	text := v.Usage
	if len(v.Choices) > 0 && !strings.Contains(text, v.Choices[0]) {
		text += ": " + either(v.Choices)
	}
	if v.Zero != "" && v.IsZero() {
		text += " (default: " + v.Zero + ")"
	}
	return text
}

// Default is the value as documents show that of a parameter that was not given.
func (v Value) Default() string {
	if v.Zero == "" && v.IsZero() && v.field.Kind() == reflect.String {
		return ""
	}
	return v.Shown()
}

// Range is what values there are; "" is where any will do.
func (v Value) Range() string {
	switch v.field.Kind() {
	case reflect.Bool:
		return ""
	case reflect.String:
		if v.Choices == nil {
			return ""
		}
	case reflect.Int64:
		return fmt.Sprintf("at least %v", time.Duration(v.Least*float64(time.Second)))
	}
	return v.Expected()
}

// Options are the values that can be stepped through; nil where there are too
// many.
func (v Value) Options() []string {
	if v.field.Kind() == reflect.Bool {
		return []string{"no", "yes"}
	}
	return v.Choices
}

// Set parses a text, with or without the unit. An error leaves the value as it
// was; it says what was expected.
func (v Value) Set(text string) error {
	number := strings.TrimSpace(strings.TrimSuffix(text, v.Unit))
	if v.Zero != "" && text == v.Zero {
		v.field.SetZero()
		return nil
	}
	was := reflect.ValueOf(v.field.Interface())
	var err error
	want := ""
	switch p := v.Pointer().(type) {
	case *int:
		*p, err = strconv.Atoi(number)
		want = "a whole number"
	case *uint64:
		*p, err = strconv.ParseUint(number, 10, 64)
		want = "a whole number of at least 0"
	case *float64:
		*p, err = strconv.ParseFloat(number, 64)
		want = "a number"
	case *time.Duration:
		*p, err = time.ParseDuration(number)
		want = "a time such as 5s"
	case *bool:
		*p = text == "yes"
		if text != "yes" && text != "no" {
			err, want = strconv.ErrSyntax, "yes or no"
		}
	case *string:
		*p = text
	}
	if err != nil {
		err = fmt.Errorf("%.40q: expected %s", sanitize.Line(text), want)
	} else {
		err = v.Check(Param.FormLabel)
	}
	if err != nil {
		v.field.Set(was)
	}
	return err
}

// Check says what is expected of a value that is out of its range.
func (v Value) Check(by func(Param) string) error {
	ok, shown := true, fmt.Sprint(v.Get())
	switch x := v.Pointer().(type) {
	case *int:
		ok = v.within(float64(*x))
	case *float64:
		ok = v.within(*x)
	case *string:
		if v.Valid != nil {
			if err := v.Valid(*x); err != nil {
				return fmt.Errorf("%s: %w", by(v.Param), err)
			}
		}
		ok = v.Choices == nil || slices.Contains(v.Choices, *x)
		shown = fmt.Sprintf("%.40q", *x)
	case *time.Duration:
		if least := time.Duration(v.Least * float64(time.Second)); *x < least && (*x != 0 || v.Zero == "") {
			return fmt.Errorf("%s %v: expected at least %v", by(v.Param), *x, least)
		}
	}
	if ok || v.Zero != "" && v.IsZero() {
		return nil
	}
	return fmt.Errorf("%s %s: expected %s", by(v.Param), shown, v.Expected())
}

// within says whether a number is within the bounds; none are 0 and 0, and every
// number is then.
func (p Param) within(x float64) bool {
	switch {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return false
	case x < p.Least || p.Above && x == p.Least:
		return false
	case p.Most == 0:
		return true
	}
	return x < p.Most || !p.Below && x == p.Most
}
