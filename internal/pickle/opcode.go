package pickle

import (
	"math"
	"math/bits"
	"strings"
)

// opcodes are those of protocols 0 to 5, as Python's pickletools names them. It is
// filled by init since a pickle may hold another.
var opcodes [256]func(m *machine)

func init() {
	opcodes = [256]func(m *machine){
		// What the stream is made of
		0x80: func(m *machine) { m.protocol(m.uint(1)) }, // PROTO
		0x95: func(m *machine) { m.uint(8) },             // FRAME: how much to read ahead
		'.':  (*machine).stop,

		// Values
		'N':  func(m *machine) { m.push(nil) },                                                  // NONE
		0x88: func(m *machine) { m.push(true) },                                                 // NEWTRUE
		0x89: func(m *machine) { m.push(false) },                                                // NEWFALSE
		'I':  func(m *machine) { m.push(m.integer(m.line(), true)) },                            // INT
		'L':  func(m *machine) { m.push(m.integer(strings.TrimSuffix(m.line(), "L"), false)) },  // LONG
		'J':  func(m *machine) { m.push(int(int32(m.uint(4)))) },                                // BININT
		'K':  func(m *machine) { m.push(int(m.uint(1))) },                                       // BININT1
		'M':  func(m *machine) { m.push(int(m.uint(2))) },                                       // BININT2
		0x8a: func(m *machine) { m.push(m.long(m.uint(1))) },                                    // LONG1
		0x8b: func(m *machine) { m.push(m.long(m.uint(4))) },                                    // LONG4
		'F':  func(m *machine) { m.push(m.float(m.line())) },                                    // FLOAT
		'G':  func(m *machine) { m.push(math.Float64frombits(bits.ReverseBytes64(m.uint(8)))) }, // BINFLOAT
		'S':  func(m *machine) { m.push(m.unescape(m.line(), false)) },                          // STRING
		'V':  func(m *machine) { m.push(m.unescape(m.line(), true)) },                           // UNICODE
		'U':  func(m *machine) { m.push(m.text(m.uint(1))) },                                    // SHORT_BINSTRING
		'T':  func(m *machine) { m.push(m.text(m.uint(4))) },                                    // BINSTRING
		0x8c: func(m *machine) { m.push(m.text(m.uint(1))) },                                    // SHORT_BINUNICODE
		'X':  func(m *machine) { m.push(m.text(m.uint(4))) },                                    // BINUNICODE
		0x8d: func(m *machine) { m.push(m.text(m.uint(8))) },                                    // BINUNICODE8
		'C':  func(m *machine) { m.push(blob(m.take(m.uint(1)))) },                              // SHORT_BINBYTES
		'B':  func(m *machine) { m.push(blob(m.take(m.uint(4)))) },                              // BINBYTES
		0x8e: func(m *machine) { m.push(blob(m.take(m.uint(8)))) },                              // BINBYTES8
		0x96: func(m *machine) { m.push(blob(m.take(m.uint(8)))) },                              // BYTEARRAY8
		0x97: func(m *machine) { m.push(m.opaque("out-of-band buffer", "")) },                   // NEXT_BUFFER
		0x98: func(*machine) {},                                                                 // READONLY_BUFFER

		// Containers
		')':  func(m *machine) { m.push(m.collect("tuple", nil)) },             // EMPTY_TUPLE
		0x85: func(m *machine) { m.push(m.collect("tuple", m.pop(1))) },        // TUPLE1
		0x86: func(m *machine) { m.push(m.collect("tuple", m.pop(2))) },        // TUPLE2
		0x87: func(m *machine) { m.push(m.collect("tuple", m.pop(3))) },        // TUPLE3
		't':  func(m *machine) { m.push(m.collect("tuple", m.popMark())) },     // TUPLE
		']':  func(m *machine) { m.push(m.collect("list", nil)) },              // EMPTY_LIST
		'l':  func(m *machine) { m.push(m.collect("list", m.popMark())) },      // LIST
		'a':  func(m *machine) { m.addTo("list", m.pop(1)) },                   // APPEND
		'e':  func(m *machine) { m.addTo("list", m.popMark()) },                // APPENDS
		'}':  func(m *machine) { m.push(m.collect("dict", nil)) },              // EMPTY_DICT
		'd':  func(m *machine) { m.push(m.collect("dict", m.popMark())) },      // DICT
		's':  func(m *machine) { m.addTo("dict", m.pop(2)) },                   // SETITEM
		'u':  func(m *machine) { m.addTo("dict", m.popMark()) },                // SETITEMS
		0x8f: func(m *machine) { m.push(m.collect("set", nil)) },               // EMPTY_SET
		0x90: func(m *machine) { m.addTo("set", m.popMark()) },                 // ADDITEMS
		0x91: func(m *machine) { m.push(m.collect("frozenset", m.popMark())) }, // FROZENSET

		// Stack and memo
		'(':  (*machine).mark,
		'0':  (*machine).drop,                                 // POP
		'1':  func(m *machine) { m.popMark() },                // POP_MARK
		'2':  func(m *machine) { m.push(m.top()) },            // DUP
		'p':  func(m *machine) { m.put(m.index()) },           // PUT
		'q':  func(m *machine) { m.put(m.uint(1)) },           // BINPUT
		'r':  func(m *machine) { m.put(m.uint(4)) },           // LONG_BINPUT
		0x94: func(m *machine) { m.put(uint64(len(m.memo))) }, // MEMOIZE
		'g':  func(m *machine) { m.get(m.index()) },           // GET
		'h':  func(m *machine) { m.get(m.uint(1)) },           // BINGET
		'j':  func(m *machine) { m.get(m.uint(4)) },           // LONG_BINGET

		// Objects
		'c':  func(m *machine) { m.push(m.named()) },                                                          // GLOBAL
		0x93: func(m *machine) { names := m.pop(2); m.push(m.global(names[0], names[1])) },                    // STACK_GLOBAL
		'R':  func(m *machine) { call := m.pop(2); m.push(m.call(call[0], call[1])) },                         // REDUCE
		0x81: func(m *machine) { call := m.pop(2); m.push(m.call(call[0], call[1])) },                         // NEWOBJ
		0x92: func(m *machine) { call := m.pop(3); m.push(m.call(call[0], call[1])) },                         // NEWOBJ_EX: arguments by name are dropped
		'i':  func(m *machine) { class := m.named(); m.push(m.call(class, m.collect("tuple", m.popMark()))) }, // INST
		'o':  func(m *machine) { m.object(m.popMark()) },                                                      // OBJ
		'b':  func(m *machine) { state := m.pop(1)[0]; m.build(m.top(), state) },                              // BUILD
		'P':  func(m *machine) { m.push(m.persistent(m.line())) },                                             // PERSID
		'Q':  func(m *machine) { m.push(m.persistent(m.pop(1)[0])) },                                          // BINPERSID
		0x82: func(m *machine) { m.extension(m.uint(1)) },                                                     // EXT1
		0x83: func(m *machine) { m.extension(m.uint(2)) },                                                     // EXT2
		0x84: func(m *machine) { m.extension(m.uint(4)) },                                                     // EXT4
	}
}
