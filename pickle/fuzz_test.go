package pickle

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// hostile are streams that ask for much, or for what is not there.
func hostile() map[string][]byte {
	rep := func(head, unit, tail string, n int) []byte { return []byte(head + strings.Repeat(unit, n) + tail) }
	out := map[string][]byte{
		"marks":       rep("", "(", ".", 200000),
		"mark pairs":  rep("N", "(1", ".", 100000),
		"lists":       rep("", "]0", "N.", 100000),
		"open lists":  rep("(", "]", "l.", 100000),
		"dicts":       rep("(", "}", "l.", 100000),
		"tuples":      rep("N", "\x85", ".", 100000),
		"memo":        rep("N", "\x94", ".", 200000),
		"none":        rep("(", "N", "l.", 200000),
		"dup":         rep("N(N", "2", "t0.", 200000),
		"appends":     rep("]", "(NNNNe", ".", 50000),
		"append":      rep("]", "Na", ".", 100000),
		"set items":   rep("}", "(NNNNu", ".", 50000),
		"ints":        rep("(", "M\x00\x01", "l.", 100000),
		"longs":       rep("(", "\x8a\x10aaaaaaaaaaaaaaaa", "l.", 20000),
		"strings":     rep("(", "\x8c\x00", "l.", 100000),
		"frames":      rep("", "\x95\x01\x00\x00\x00\x00\x00\x00\x00(", ".", 20000),
		"frame":       []byte("\x95\x00\x00\x00\x00\x00\x00\x00\x40N."),
		"long string": []byte("X\xff\xff\xff\x7f"),
		"objects":     rep("ccollections\nOrderedDict\nq\x00", "h\x00)R0", ".", 50000),
		"builds":      rep("ccollections\nOrderedDict\n)R}q\x01", "h\x01b", ".", 50000),
		"classes":     rep("(", "ctorch\nFloatStorage\n", "t.", 20000),
		"laughs":      rep("]q\x00", "]q\x01(h\x00h\x00h\x00h\x00h\x00h\x00eq\x00", ".", 5000),
		"legacy":      append(bytes.Clone(legacyMagic), rep("M\xe9\x03.", "]0", "N.", 100000)...),
	}
	var doubled []byte // lists of the list before, twice: 2^60 leaves
	doubled = append(doubled, "]\x94"...)
	for i := range 60 {
		doubled = append(doubled, ']', 0x94, '(', 'h', byte(i), 'h', byte(i), 'e')
	}
	out["doubled"] = append(doubled, '.')
	var deep []byte
	for range 100000 {
		deep = append(deep, "]a"...)
	}
	out["deep"] = append(append([]byte("]"), deep...), '.')
	return out
}

// TestBounded checks that neither decoder allocates more than a small multiple
// of what it is given, whatever that claims.
func TestBounded(t *testing.T) {
	for name, data := range hostile() {
		inZip := archiveOf(t, data, map[string][]byte{"data/0": data})
		for what, c := range map[string]struct {
			data   []byte
			factor int
			decode func()
		}{
			"pickle": {data, plainFactor, func() { _, _ = Decode(data) }},
			"torch":  {inZip, torchFactor, func() { _, _ = DecodeTorch(inZip) }},
			"legacy": {data, torchFactor, func() { _, _ = DecodeTorch(data) }},
		} {
			if got, limit := allocated(c.decode), c.factor*len(c.data)+2<<20; got > uint64(limit) {
				t.Errorf("%s as %s: %d bytes were allocated for %d, expected at most %d", name, what, got, len(c.data), limit)
			}
		}
	}
}

// allocated is how many bytes f allocates, garbage included.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestCostIsHonest checks that the memory the scan predicts is what the machine
// then takes or more, on the part of each stream that the scan accepts.
func TestCostIsHonest(t *testing.T) {
	for name, data := range hostile() {
		s := scanner{data: data, torch: true, groups: []group{{0, 16}}, memo: map[uint32]bool{}}
		accepted, cost := 0, 0
		for s.pos < len(data) {
			if _, err := s.opcode(); err != nil {
				break
			}
			accepted, cost = s.pos, s.cost
		}
		got := allocated(func() { _, _, _ = runTorch(data[:accepted]) })
		if limit := cost + cost/4 + 64<<10; got > uint64(limit) {
			t.Errorf("%s: %d bytes were allocated for the first %d bytes, %d were predicted", name, got, accepted, cost)
		}
	}
}

// FuzzDecode checks that what decodes can be listed, and written where it is
// plain.
func FuzzDecode(f *testing.F) {
	for _, data := range hostile() {
		f.Add(data[:min(len(data), 300)])
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		data, err := Encode(randomValue(r, 3))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := Decode(data)
		if err != nil {
			return
		}
		TypeName(v)
		_, _ = Items(v)
		entries, err := Entries(v)
		if err != nil {
			return
		}
		for i, e := range entries {
			switch e.Value.(type) {
			case nil, bool, float64, string:
			default:
				entries[i].Value = TypeName(e.Value)
			}
		}
		written, err := Encode(entries)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Entries(again)
		if err != nil || len(back) != len(entries) {
			t.Fatalf("%d entries came back as %d: %v", len(entries), len(back), err)
		}
	})
}

// FuzzDecodeTorch checks that every tensor that is read has the values its
// shape says.
func FuzzDecodeTorch(f *testing.F) {
	storage := floats(binary.LittleEndian, 1, 2, 3, 4)
	views := []view{{"a", "FloatStorage", "0", 4, 1, []int{1, 3}, []int{3, 1}}, {"b", "HalfStorage", "0", 8, 0, []int{2, 4}, []int{1, 2}}}
	good := archiveOf(f, stateStream(views, false), map[string][]byte{"data/0": storage, "byteorder": []byte("big")})
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(legacyOf(views[:1], opTrue, binary.LittleEndian, storage))
	f.Add(archiveOf(f, []byte("cos\nsystem\n(X\x02\x00\x00\x00lstR."), nil))
	check := func(t *testing.T, d StateDict) {
		for _, tensor := range d {
			n := 1
			for _, dim := range tensor.Shape {
				n *= dim
			}
			if n != len(tensor.Values) {
				t.Fatalf("tensor %q of shape %v has %d values", tensor.Name, tensor.Shape, len(tensor.Values))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := DecodeTorch(data); err == nil {
			check(t, d)
		}
		// The bytes as data.pkl: past the check sums of the archive.
		if d, err := DecodeTorch(archiveOf(t, data, map[string][]byte{"data/0": storage})); err == nil {
			check(t, d)
		}
	})
}

// TestPythonReads lets Python, where there is one, load what Encode writes.
func TestPythonReads(t *testing.T) {
	python := needed.Program(t, "python3")
	data, err := Encode([]Entry{{"a", 0.1}, {"list", []int{1, 300, -70000}}, {"dict", []Entry{{"ü", "x"}, {"none", nil}, {"yes", true}}}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-c", "import pickle,sys; print(ascii(pickle.load(sys.stdin.buffer)))")
	cmd.Stdin = bytes.NewReader(data)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	want := `{'a': 0.1, 'list': [1, 300, -70000], 'dict': {'\xfc': 'x', 'none': None, 'yes': True}}`
	if got := strings.TrimSpace(string(out)); !reflect.DeepEqual(got, want) {
		t.Errorf("Python reads %s, expected %s", got, want)
	}
}
