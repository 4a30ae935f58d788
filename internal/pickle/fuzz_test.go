package pickle

import (
	"archive/zip"
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
	nested := legacyHead + "M\xe9\x03.}." + strings.Repeat("N0", 500) + "N.]."
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
		"text ints":   rep("(", "I1\n", "l.", 100000),
		"text":        rep("(", "V\n", "l.", 100000),
		"names":       rep("(", "ca\nb\n", "l.", 50000),
		"puts":        rep("N", "r\xff\xff\x00\x00", ".", 50000),
		"sparse memo": []byte("Nr" + "\xff\xff\xff\x00" + strings.Repeat("N0", 1<<16) + "."),
		"sets":        rep("(", "\x8f(NN\x90", "l.", 50000),
		"copies":      rep("cbuiltins\ndict\nq\x00}(KaNKbNKcNKdNu\x85q\x01", "h\x00h\x01R0", ".", 50000),
		"long names":  rep("X\xf0\x00\x00\x00"+strings.Repeat("m", 240)+"q\x00", "h\x00h\x00\x930", ".", 50000),
		"encodings":   rep("c_codecs\nencode\nq\x00X\x00\x10\x00\x00"+strings.Repeat("\xc3\xbf", 2048)+"X\x06\x00\x00\x00latin1\x86q\x01", "h\x00h\x01R0", ".", 50000),
		"numpy texts": rep("cnumpy.core.multiarray\nscalar\nq\x00cnumpy\ndtype\n(U\x02U1NNtRB\x00\x10\x00\x00"+strings.Repeat("a\x00\x00\x00", 1024)+"\x86q\x01", "h\x00h\x01R0", ".", 50000),
		"arrays":      rep("cnumpy.core.multiarray\n_reconstruct\nq\x00cnumpy\ndtype\n(U\x02u1NNtRq\x01(K\x01K\x04\x85h\x01\x89U\x04aaaatq\x020", "h\x00)Rh\x02b0", "N.", 50000),
		"storages":    rep("ctorch.storage\n_load_from_bytes\nq\x00B"+string(binary.LittleEndian.AppendUint32(nil, uint32(len(nested))))+nested+"\x85q\x01", "h\x00h\x01R0", "N.", 50000),
		"tensors":     rep("ctorch._utils\n_rebuild_tensor_v2\nq\x00(NK\x00))tq\x01", "h\x00h\x01R0", "N.", 50000),
		"from type":   rep("ctorch._tensor\n_rebuild_from_type_v2\nq\x00)", "h\x00N\x87q\x01h\x00h\x01R0h\x01", "0N.", 50000),
		"legacy":      append([]byte(legacyHead), rep("M\xe9\x03.", "]0", "N.", 100000)...),
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
			decode func()
		}{
			"pickle": {data, func() { _, _ = Decode(data) }},
			"torch":  {inZip, func() { _, _ = DecodeTorch(inZip) }},
			"legacy": {data, func() { _, _ = DecodeTorch(data) }},
		} {
			if got, limit := allocated(c.decode), memoryFactor*len(c.data)+2<<20; got > uint64(limit) {
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

// FuzzDecode checks that what decodes can be listed, and written where it is
// plain.
func FuzzDecode(f *testing.F) {
	for _, data := range hostile() {
		f.Add(data[:min(len(data), 300)])
	}
	for _, data := range forms(f, "plain") {
		f.Add(data)
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
		use(v)
		if items, ok := Items(v); ok {
			for _, item := range items {
				use(item)
			}
		}
		entries, err := Entries(v)
		if err != nil {
			return
		}
		if len(entries) != Len(v) {
			t.Fatalf("%d entries of %d", len(entries), Len(v))
		}
		for i, e := range entries {
			use(e.Value)
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

// use reads a value in every way.
func use(v any) {
	TypeName(v)
	_, _ = Items(v)
	_, _ = Float(v)
	_, _ = Int(v)
}

// FuzzDecodeTorch checks that every tensor that is read has the values its
// shape says.
func FuzzDecodeTorch(f *testing.F) {
	storage := floats(binary.LittleEndian, 1, 2, 3, 4)
	views := []saved{{"a", "FloatStorage", "0", 4, 1, []int{1, 3}, []int{3, 1}}, {"b", "HalfStorage", "0", 8, 0, []int{2, 4}, []int{1, 2}}}
	good := archiveOf(f, stateStream(views, false), map[string][]byte{"data/0": storage, "byteorder": []byte("big")})
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(legacyOf(views[:1], 0x88, binary.LittleEndian, storage))
	f.Add(archiveOf(f, []byte("cos\nsystem\n(X\x02\x00\x00\x00lstR."), nil))
	for name, data := range forms(f, "torch") {
		if strings.HasPrefix(name, "legacy") || strings.HasPrefix(name, "refused") {
			f.Add(data)
		}
		if z, err := zip.NewReader(bytes.NewReader(data), int64(len(data))); err == nil { // the pickle alone, which has no check sum here
			if archive, err := newArchive(data, z); err == nil {
				if stream, err := archive.read("data.pkl"); err == nil {
					f.Add(stream)
				}
			}
		}
	}
	check := func(t *testing.T, c Checkpoint) {
		for _, tensor := range c.Tensors {
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
