package pickle

import "fmt"

// The opcodes that are read (Python's pickletools has the full list).
const (
	opMark         = '('
	opStop         = '.'
	opPop          = '0'
	opPopMark      = '1'
	opDup          = '2'
	opBinFloat     = 'G'
	opBinInt       = 'J'
	opBinInt1      = 'K'
	opBinInt2      = 'M'
	opNone         = 'N'
	opBinPersID    = 'Q'
	opReduce       = 'R'
	opBinString    = 'T'
	opShortString  = 'U'
	opUnicode      = 'X'
	opAppend       = 'a'
	opBuild        = 'b'
	opGlobal       = 'c'
	opDict         = 'd'
	opAppends      = 'e'
	opBinGet       = 'h'
	opLongGet      = 'j'
	opList         = 'l'
	opBinPut       = 'q'
	opLongPut      = 'r'
	opSetItem      = 's'
	opTuple        = 't'
	opSetItems     = 'u'
	opEmptyTuple   = ')'
	opEmptyList    = ']'
	opEmptyDict    = '}'
	opProto        = 0x80
	opNewObj       = 0x81
	opTuple1       = 0x85
	opTuple2       = 0x86
	opTuple3       = 0x87
	opTrue         = 0x88
	opFalse        = 0x89
	opLong1        = 0x8a
	opShortUnicode = 0x8c
	opUnicode8     = 0x8d
	opMemoize      = 0x94
	opFrame        = 0x95
)

// opcode checks one opcode and its argument; stop is true at STOP.
func (s *scanner) opcode() (stop bool, err error) {
	if s.frameEnd != 0 && s.pos == s.frameEnd {
		s.frameEnd = 0
	}
	b, err := s.take(1)
	if err != nil {
		return false, malformed("it ends without STOP")
	}
	switch op := b[0]; op {
	case opProto, opFrame, opStop:
		return op == opStop, s.control(op)
	case opMark, opPop, opPopMark, opDup, opBinGet, opLongGet, opBinPut, opLongPut, opMemoize:
		return false, s.stackOp(op)
	case opAppend, opAppends, opSetItem, opSetItems, opList, opDict, opTuple, opTuple1, opTuple2, opTuple3:
		return false, s.containerOp(op)
	case opGlobal, opReduce, opBuild, opNewObj, opBinPersID:
		if !s.torch {
			return false, fmt.Errorf("%w: opcode %q makes objects: expected numbers, strings, lists and dicts", ErrForbidden, op)
		}
		return false, s.objectOp(op)
	default:
		return false, s.valueOp(op)
	}
}

// control checks PROTO, FRAME and STOP.
func (s *scanner) control(op byte) error {
	switch op {
	case opProto:
		v, err := s.uint(1)
		if err == nil && (v < 2 || v > 5) {
			err = malformed("protocol %d: expected 2 to 5", v)
		}
		return err
	case opFrame:
		n, err := s.uint(8)
		if err != nil {
			return err
		}
		if s.frameEnd != 0 || n > uint64(len(s.data)-s.pos) {
			return malformed("a frame of %d bytes where %d remain", n, len(s.data)-s.pos)
		}
		if n > 0 {
			s.frameEnd = s.pos + int(n)
		}
		s.cost += int(n) + costBox
		return nil
	}
	if len(s.groups) != 1 || s.top().depth != 1 {
		return malformed("STOP with %d values and %d open MARKs: expected one value", s.top().depth, len(s.groups)-1)
	}
	return nil
}

// valueOp checks the opcodes that push one value.
func (s *scanner) valueOp(op byte) error {
	fixed := func(n uint64) error {
		if _, err := s.take(n); err != nil {
			return err
		}
		return s.push(2 * costBox)
	}
	switch op {
	case opNone, opTrue, opFalse:
		return s.push(0)
	case opBinInt1:
		return fixed(1)
	case opBinInt2:
		return fixed(2)
	case opBinInt:
		return fixed(4)
	case opBinFloat:
		return fixed(8)
	case opLong1:
		n, err := s.uint(1)
		if err != nil {
			return err
		}
		if n < 1 || n > maxLong {
			return malformed("an integer of %d bytes: expected 1 to %d", n, maxLong)
		}
		s.cost += 48 * int(n)
		return fixed(n)
	case opShortUnicode, opShortString:
		return s.text(1)
	case opUnicode, opBinString:
		return s.text(4)
	case opUnicode8:
		return s.text(8)
	case opEmptyTuple:
		return s.push(costTuple)
	case opEmptyList:
		return s.push(costList)
	case opEmptyDict:
		return s.push(costDict)
	}
	return fmt.Errorf("%w: opcode %q (0x%02x) is not one that plain data or tensors need (protocols 2 to 5)", ErrForbidden, op, op)
}

// stackOp checks what moves values between stack and memo.
func (s *scanner) stackOp(op byte) error {
	switch op {
	case opMark:
		if len(s.groups) > maxMarks {
			return malformed("more than %d open MARKs", maxMarks)
		}
		s.groups = append(s.groups, group{0, 16})
		s.cost += costGroup
		return nil
	case opPop:
		return s.pop(1)
	case opPopMark:
		_, err := s.popMark()
		return err
	case opDup:
		if s.top().depth == 0 {
			return malformed("nothing is on the stack to repeat")
		}
		return s.push(0)
	case opBinGet:
		return s.get(1)
	case opLongGet:
		return s.get(4)
	case opMemoize:
		return s.put(uint64(len(s.memo)))
	}
	width := 1
	if op == opLongPut {
		width = 4
	}
	index, err := s.uint(width)
	if err != nil {
		return err
	}
	return s.put(index)
}

// containerOp checks what fills lists, dicts and tuples.
func (s *scanner) containerOp(op byte) error {
	pair := costPair
	if s.torch {
		pair = costOrderedPair
	}
	n := 0
	var err error
	switch op {
	case opTuple1, opTuple2, opTuple3:
		n = int(op-opTuple1) + 1
		err = s.pop(n)
	case opAppend:
		n, err = 1, s.pop(1)
	case opSetItem:
		n, err = 2, s.pop(2)
	default:
		n, err = s.popMark()
	}
	if err != nil {
		return err
	}
	switch op {
	case opTuple, opList:
		return s.push(costTuple)
	case opTuple1, opTuple2, opTuple3:
		return s.push(costTuple + n*costSlot)
	case opAppend, opAppends:
		s.cost += n * costItem
	default:
		if n%2 != 0 {
			return malformed("%d values for the keys and values of a dict", n)
		}
		s.cost += n / 2 * pair
	}
	if op == opDict {
		return s.push(costDict)
	}
	if s.top().depth == 0 {
		return malformed("items for a list or dict that is not there")
	}
	return nil
}

// objectOp checks what torch files need to name storages and make tensors.
func (s *scanner) objectOp(op byte) error {
	switch op {
	case opGlobal:
		module, err := s.line()
		if err != nil {
			return err
		}
		name, err := s.line()
		if err != nil {
			return err
		}
		if _, storage := dtypes[name]; !globals[module+" "+name] && !(module == "torch" && storage) {
			return fmt.Errorf("%w: it names %q %q: expected OrderedDict and torch's tensors", ErrForbidden, module, name)
		}
		return s.push(costObject)
	case opBuild:
		if s.builds++; s.builds > maxBuilds {
			return malformed("more than %d objects with attributes", maxBuilds)
		}
		if s.top().depth < 2 {
			return malformed("attributes for an object that is not there")
		}
		return s.pop(1)
	case opBinPersID:
		if err := s.pop(1); err != nil {
			return err
		}
	default: // REDUCE, NEWOBJ
		if err := s.pop(2); err != nil {
			return err
		}
	}
	return s.push(costObject)
}
