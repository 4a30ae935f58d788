package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Bounds of the memory a pickle may ask for: a factor times its length, and
// memoryBase more. BINAS's tables need 2 to 6 bytes per byte, torch's state dicts
// about 10 (of the pickle alone, which is a small part of a file).
const (
	memoryFactor = 32
	memoryBase   = 1 << 20
	maxMarks     = 1000 // open MARKs: Python itself nests less deep
	maxName      = 512  // bytes of the name of a class or function
)

// What values take, in bytes.
const (
	costSlot   = 16 // of a slice
	costValue  = 16 // a number or the header of a string
	costObject = 64
	costTensor = 384
)

// machine runs one pickle. It ends at the first error (see fail); what takes
// memory asks charge first.
type machine struct {
	data    []byte
	pos     int
	stopped bool
	stack   []any // all of it; marks are heights of it
	marks   []int
	memo    []any
	free    *int       // bytes of memory that may still be taken
	file    *torchFile // that the pickle belongs to; nil for plain pickles
	nested  bool       // inside a tensor of a plain pickle
	err     error
}

// budget is the memory that reading n bytes may take.
func budget(n int) *int { return new(memoryFactor*n + memoryBase) }

// Decode reads one pickle of protocols 0 to 5 and returns its value: nil, bool,
// int, float64, string, or one of this package's own types, to be read
// with [Entries], [Items], [Float] and [Int] and named with [TypeName]. Nothing is
// executed. Bytes after the pickle are refused.
func Decode(data []byte) (any, error) {
	m := machine{data: data, free: budget(len(data))}
	v, err := m.run()
	if err == nil && m.pos != len(data) {
		err = fmt.Errorf("pickle: %w", malformed("%d bytes follow its end", len(data)-m.pos))
	}
	return v, err
}

// run runs the pickle at pos and leaves pos behind its STOP.
func (m *machine) run() (any, error) {
	m.stack, m.marks, m.memo, m.stopped = nil, nil, nil, false
	for !m.stopped {
		at := m.pos
		if at == len(m.data) {
			m.fail("it ends without STOP")
		} else if op := m.uint(1); m.err == nil {
			if do := opcodes[op]; do != nil {
				do(m)
			} else {
				m.fail("0x%02x is no opcode of protocols 0 to 5", op)
			}
		}
		if m.err != nil {
			return nil, fmt.Errorf("pickle: byte %d: %w", at, m.err)
		}
	}
	return m.stack[0], nil
}

func (m *machine) stop() {
	if m.stopped = true; len(m.stack) != 1 || len(m.marks) > 0 {
		m.fail("STOP with %d values and %d open MARKs: expected one value", len(m.stack), len(m.marks))
	}
}

func (m *machine) protocol(version uint64) {
	if version > 5 {
		m.fail("protocol %d: expected 0 to 5", version)
	}
}

// fail ends the machine, unless it has ended.
func (m *machine) fail(format string, args ...any) {
	if m.err == nil {
		m.err = malformed(format, args...)
	}
}

// charge pays for n bytes of memory and reports whether they may be taken.
func (m *machine) charge(n int) bool {
	if m.err == nil && n > *m.free {
		m.err = fmt.Errorf("%w: it would need more than %d times its length in memory", ErrTooLarge, memoryFactor)
	}
	if m.err == nil {
		*m.free -= n
	}
	return m.err == nil
}

// extend appends to a slice, paying for its growth.
func (m *machine) extend(s []any, items ...any) []any {
	if n := len(s) + len(items); n > cap(s) {
		n = max(n, cap(s)*3/2, 4)
		if !m.charge(n * costSlot) {
			return s
		}
		s = append(make([]any, 0, n), s...)
	}
	return append(s, items...)
}

// take returns the next n bytes.
func (m *machine) take(n uint64) []byte {
	if left := len(m.data) - m.pos; n > uint64(left) {
		m.fail("%d bytes are declared, %d remain", n, left)
	}
	if m.err != nil {
		return nil
	}
	m.pos += int(n)
	return m.data[m.pos-int(n) : m.pos]
}

// uint reads a little-endian number of the given width.
func (m *machine) uint(width int) uint64 {
	var b [8]byte
	copy(b[:], m.take(uint64(width)))
	return binary.LittleEndian.Uint64(b[:])
}

// line reads up to and over the next line feed.
func (m *machine) line() string {
	n := bytes.IndexByte(m.data[m.pos:], '\n')
	if n < 0 {
		m.fail("a line has no end")
		return ""
	}
	return strings.TrimSuffix(m.text(uint64(n+1)), "\n")
}

// text reads n bytes as a string.
func (m *machine) text(n uint64) string {
	if b := m.take(n); m.charge(len(b)) {
		return string(b)
	}
	return ""
}

func (m *machine) push(v any) {
	cost := costValue
	switch v := v.(type) {
	case nil, bool, *collection, *object, *global, *view:
		cost = 0 // what has no box of its own, or has paid
	case int:
		if v >= 0 && v < 1<<8 {
			cost = 0
		}
	}
	if m.charge(cost) {
		m.stack = m.extend(m.stack, v)
	}
}

// floor is the height of the stack at the last MARK.
func (m *machine) floor() int {
	if n := len(m.marks); n > 0 {
		return m.marks[n-1]
	}
	return 0
}

// pop takes n values off the stack; they are valid until the next push.
func (m *machine) pop(n int) []any {
	if len(m.stack)-n < m.floor() {
		m.fail("%d values are taken from a stack of %d", n, len(m.stack)-m.floor())
	}
	if m.err != nil {
		return make([]any, 3)[:min(n, 3)]
	}
	m.stack = m.stack[:len(m.stack)-n]
	return m.stack[len(m.stack) : len(m.stack)+n]
}

// popMark takes what is above the last MARK, and the MARK.
func (m *machine) popMark() []any {
	if len(m.marks) == 0 {
		m.fail("there is no MARK")
		return nil
	}
	items := m.pop(len(m.stack) - m.floor())
	m.marks = m.marks[:len(m.marks)-1]
	return items
}

// top is the value on top of the stack.
func (m *machine) top() any {
	if len(m.stack) <= m.floor() {
		m.fail("nothing is on the stack")
		return nil
	}
	return m.stack[len(m.stack)-1]
}

func (m *machine) mark() {
	if m.marks = append(m.marks, len(m.stack)); len(m.marks) > maxMarks {
		m.fail("more than %d open MARKs", maxMarks)
	}
}

// drop takes one value off the stack, or a MARK.
func (m *machine) drop() {
	if n := len(m.marks); n > 0 && len(m.stack) == m.floor() {
		m.marks = m.marks[:n-1]
	} else {
		m.pop(1)
	}
}

// index reads the number of a memo as text.
func (m *machine) index() uint64 {
	n, err := strconv.ParseUint(m.line(), 10, 32)
	if err != nil {
		m.fail("a memo without a number")
	}
	return n
}

// put remembers the value on top of the stack under a number.
func (m *machine) put(index uint64) {
	v := m.top()
	if index > uint64(len(m.data)) {
		m.fail("memo %d in a pickle of %d bytes", index, len(m.data))
	}
	for m.err == nil && uint64(len(m.memo)) <= index {
		m.memo = m.extend(m.memo, unset{})
	}
	if m.err == nil {
		m.memo[index] = v
	}
}

// unset is in the places of the memo that nothing was put into.
type unset struct{}

func (m *machine) get(index uint64) {
	if index >= uint64(len(m.memo)) || m.memo[index] == (unset{}) {
		m.fail("memo %d is read before it is written", index)
		return
	}
	m.push(m.memo[index])
}

// collect makes a collection of values of the stack.
func (m *machine) collect(kind string, items []any) *collection {
	c := &collection{kind: kind}
	if m.charge(costObject) && len(items) > 0 {
		c.items = m.extend(nil, items...)
	}
	if kind == "dict" && len(items)%2 != 0 {
		m.fail("%d values for the keys and values of a dict", len(items))
	}
	return c
}

// addTo adds values to the list, set or dict on top of the stack; an opaque
// object drops them.
func (m *machine) addTo(kind string, items []any) {
	if kind == "dict" && len(items)%2 != 0 {
		m.fail("%d values for the keys and values of a dict", len(items))
	}
	switch c := m.top().(type) {
	case *object:
	case *collection:
		if c.kind != kind {
			m.fail("items of a %s for a %s", kind, c.kind)
		}
		if m.err == nil {
			c.items = m.extend(c.items, items...)
		}
	default:
		m.fail("items of a %s for a %s", kind, TypeName(c))
	}
}

// integer reads the digits of an integer, or one of the ways in which protocols 0
// and 1 write a bool. One beyond 64 bits is opaque.
func (m *machine) integer(digits string, orBool bool) any {
	if orBool && (digits == "00" || digits == "01") {
		return digits == "01"
	}
	n, err := strconv.Atoi(digits)
	if errors.Is(err, strconv.ErrRange) {
		return m.opaque("int", "")
	} else if err != nil {
		m.fail("%q: expected an integer", clip(digits))
	}
	return n
}

// long reads a little-endian integer of n bytes in two's complement.
func (m *machine) long(n uint64) any {
	b := m.take(n)
	if len(b) > 8 {
		return m.opaque("int", "")
	}
	var v uint64
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return int(signed(v, len(b)))
}

func (m *machine) float(text string) any {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		m.fail("%q: expected a number", clip(text))
	}
	return f
}

// unescape reads the text of protocol 0: a raw one is Latin-1 with the escapes \u
// and \U alone, another a quoted literal.
func (m *machine) unescape(s string, raw bool) string {
	if !raw {
		if len(s) < 2 || s[0] != s[len(s)-1] || (s[0] != '\'' && s[0] != '"') {
			m.fail("a string without quotes")
			return ""
		}
		s = s[1 : len(s)-1]
	}
	var out strings.Builder
	if !m.charge(2 * len(s)) {
		return ""
	}
	for s != "" {
		c, rest, wide := rune(s[0]), s[1:], raw
		switch {
		case c == '\\' && !raw && strings.HasPrefix(rest, "'"):
			c, rest = '\'', rest[1:]
		case c == '\\' && (!raw || strings.HasPrefix(rest, "u") || strings.HasPrefix(rest, "U")):
			var err error
			if c, wide, rest, err = strconv.UnquoteChar(s, '"'); err != nil {
				m.fail("%q: expected an escape", clip(s[:min(len(s), 12)]))
				return ""
			}
		}
		if wide {
			out.WriteRune(c)
		} else {
			out.WriteByte(byte(c))
		}
		s = rest
	}
	return out.String()
}
