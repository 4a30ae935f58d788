package pickle

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors that callers can test for with errors.Is.
var (
	// ErrMalformed is wrapped where the bytes are not a well-formed file.
	ErrMalformed = errors.New("malformed")
	// ErrForbidden is wrapped where a pickle asks for more than data: a global
	// that is not on the list, or an opcode that only code needs.
	ErrForbidden = errors.New("not plain data")
	// ErrTooLarge is wrapped where reading would take far more memory than the
	// file has bytes.
	ErrTooLarge = errors.New("too large")
)

// Bounds of the memory a pickle may ask for: a factor times its length, and
// costBase more. BINAS's tables need 9 to 16 bytes per byte, the state dicts of
// torch about 20 (of the pickle alone, which is a small part of a file).
const (
	plainFactor = 24
	torchFactor = 40
	costBase    = 1 << 20
	maxMarks    = 64 // depth of open MARKs
	maxBuilds   = 64 // BUILD copies the attributes of an object
	maxLong     = 16 // bytes of a LONG1
	maxMemo     = 1 << 24
)

// What the machine allocates, in bytes, a little above what was measured.
const (
	costSlot        = 16  // a stack slot or list item
	costGroup       = 256 // the stack that MARK opens: 16 slots
	costMemo        = 130
	costBox         = 16
	costList        = 112
	costDict        = 184
	costTuple       = 48
	costObject      = 512
	costItem        = 5 * costSlot
	costPair        = 10 * costSlot
	costOrderedPair = 400
)

// globals that torch files may name; the machine makes data of them.
var globals = map[string]bool{
	"collections OrderedDict":         true,
	"torch._utils _rebuild_tensor_v2": true,
	"argparse Namespace":              true, // read as an opaque value
}

// scanner walks the opcodes of one pickle without making any value.
type scanner struct {
	data     []byte
	pos      int
	torch    bool // globals, REDUCE, BUILD and persistent ids are allowed
	frameEnd int  // 0 outside a frame
	groups   []group
	memo     map[uint32]bool
	builds   int
	cost     int
}

// group is the part of the stack above a MARK.
type group struct{ depth, capacity int }

// scan checks the pickle at the start of data and returns its length, STOP
// included. Bytes after it are not looked at.
func scan(data []byte, torch bool) (int, error) {
	s := scanner{data: data, torch: torch, groups: []group{{0, 16}}, memo: map[uint32]bool{}}
	limit := plainFactor*len(data) + costBase
	if torch {
		limit = torchFactor*len(data) + costBase
	}
	for {
		at := s.pos
		stop, err := s.opcode()
		if err != nil {
			return 0, fmt.Errorf("pickle: byte %d: %w", at, err)
		}
		if s.cost > limit {
			return 0, fmt.Errorf("pickle: byte %d: %w: it would need more than %d bytes of memory", at, ErrTooLarge, limit)
		}
		if stop {
			return s.pos, nil
		}
	}
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// take returns the next n bytes, which must lie within the current frame.
func (s *scanner) take(n uint64) ([]byte, error) {
	end := len(s.data)
	if s.frameEnd != 0 {
		end = s.frameEnd
	}
	if n > uint64(end-s.pos) {
		return nil, malformed("%d bytes are declared, %d remain", n, end-s.pos)
	}
	b := s.data[s.pos : s.pos+int(n)]
	s.pos += int(n)
	return b, nil
}

// uint reads a little-endian number of the given width.
func (s *scanner) uint(width int) (uint64, error) {
	b, err := s.take(uint64(width))
	if err != nil {
		return 0, err
	}
	var buf [8]byte
	copy(buf[:], b)
	return binary.LittleEndian.Uint64(buf[:]), nil
}

// line reads up to and over the next line feed.
func (s *scanner) line() (string, error) {
	n := bytes.IndexByte(s.data[s.pos:], '\n')
	if n < 0 || n > 256 {
		return "", malformed("a name is not ended by a line feed")
	}
	b, err := s.take(uint64(n + 1))
	if err != nil {
		return "", err
	}
	return string(b[:n]), nil
}

func (s *scanner) top() *group { return &s.groups[len(s.groups)-1] }

// push accounts for one more value on the stack.
func (s *scanner) push(bytes int) error {
	g := s.top()
	if g.depth++; g.depth > g.capacity {
		g.capacity += max(16, g.capacity/4)
		s.cost += costSlot * (g.capacity + g.capacity/8)
	}
	s.cost += bytes
	return nil
}

// pop takes n values of the current group.
func (s *scanner) pop(n int) error {
	g := s.top()
	if g.depth < n {
		return malformed("%d values are taken from a stack of %d", n, g.depth)
	}
	g.depth -= n
	return nil
}

// popMark closes the group above the last MARK and returns its size.
func (s *scanner) popMark() (int, error) {
	if len(s.groups) < 2 {
		return 0, malformed("there is no MARK")
	}
	n := s.top().depth
	s.groups = s.groups[:len(s.groups)-1]
	return n, nil
}

// text accounts for a string whose length is written in width bytes.
func (s *scanner) text(width int) error {
	n, err := s.uint(width)
	if err != nil {
		return err
	}
	if _, err := s.take(n); err != nil {
		return err
	}
	return s.push(int(2*n) + 3*costBox)
}

func (s *scanner) put(index uint64) error {
	if s.top().depth == 0 {
		return malformed("nothing is on the stack to remember")
	}
	if index > maxMemo {
		return malformed("memo %d: expected at most %d", index, maxMemo)
	}
	if !s.memo[uint32(index)] {
		s.memo[uint32(index)] = true
		s.cost += costMemo
	}
	return nil
}

func (s *scanner) get(width int) error {
	index, err := s.uint(width)
	if err != nil {
		return err
	}
	if index > maxMemo || !s.memo[uint32(index)] {
		return malformed("memo %d is read before it is written", index)
	}
	return s.push(0)
}
