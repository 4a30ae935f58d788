package pickle

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

// plain turns what Decode returns into what Encode takes.
func plain(t *testing.T, v any) any {
	t.Helper()
	if items, ok := Items(v); ok {
		out := make([]any, len(items))
		for i, item := range items {
			out[i] = plain(t, item)
		}
		return out
	}
	if c, ok := v.(*collection); ok && c.kind == "dict" {
		entries, err := Entries(v)
		if err != nil {
			t.Fatal(err)
		}
		for i := range entries {
			entries[i].Value = plain(t, entries[i].Value)
		}
		return entries
	}
	return v
}

func randomValue(r *rand.Rand, depth int) any {
	kinds := 8
	if depth == 0 {
		kinds = 6
	}
	switch r.IntN(kinds) {
	case 0:
		return nil
	case 1:
		return r.IntN(2) == 0
	case 2:
		return int(int32(r.Uint32())) >> r.IntN(32)
	case 3:
		return r.NormFloat64()
	case 4:
		return strings.Repeat("ü", r.IntN(400))
	case 5:
		return math.Inf(1)
	case 6:
		out := make([]any, r.IntN(5))
		for i := range out {
			out[i] = randomValue(r, depth-1)
		}
		return out
	}
	var out []Entry
	for i := range r.IntN(5) {
		out = append(out, Entry{strings.Repeat("k", i), randomValue(r, depth-1)})
	}
	return out
}

func TestRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	long := make([]any, 2*batch+1)
	for i := range long {
		long[i] = i
	}
	values := []any{long, []any{}, math.MinInt32, ""}
	for range 300 {
		values = append(values, randomValue(r, 4))
	}
	for _, v := range values {
		data, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(data)
		if err != nil {
			t.Fatalf("%#v: %v", v, err)
		}
		if got := plain(t, got); !reflect.DeepEqual(got, v) {
			t.Fatalf("%#v came back as %#v", v, got)
		}
		if again, err := Encode(v); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%#v: two encodings differ", v)
		}
	}
	for _, v := range []any{struct{}{}, 1 << 40, []byte("x"), map[string]int{}} {
		if _, err := Encode(v); err == nil {
			t.Errorf("%#v was encoded", v)
		}
	}
}

// The streams below were written by Python's pickle module.
func TestDecodePython(t *testing.T) {
	for stream, want := range map[string]any{
		"\x80\x04\x95\x19\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x01a\x94K\x01\x8c\x01b\x94]\x94(M\x00\x01J\xff\xff\xff\xffeu.": []Entry{{"a", 1}, {"b", []any{256, -1}}},
		"\x80\x02}q\x00X\x01\x00\x00\x00aq\x01G?\xe0\x00\x00\x00\x00\x00\x00s.":                                                []Entry{{"a", 0.5}},
		"\x80\x02(K\x01\x88\x89Ntq\x00.":        []any{1, true, false, nil},
		"\x80\x02\x8a\x05\x00\x00\x00\x00\x01.": 1 << 32,
	} {
		v, err := Decode([]byte(stream))
		if err != nil {
			t.Errorf("%q: %v", stream, err)
			continue
		}
		if got := plain(t, v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, expected %#v", stream, got, want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for stream, want := range map[string]error{
		"":                      ErrMalformed,
		"\x80\x04":              ErrMalformed,
		"\x80\x09N.":            ErrMalformed,
		"N.N.":                  ErrMalformed,
		".":                     ErrMalformed,
		"NN.":                   ErrMalformed,
		"(N.":                   ErrMalformed,
		"0N.":                   ErrMalformed,
		"t.":                    ErrMalformed,
		"(Kd.":                  ErrMalformed,
		"(K\x01d.":              ErrMalformed,
		"h\x00.":                ErrMalformed,
		"q\x00.":                ErrMalformed,
		"\x8a\xffaaa.":          ErrMalformed,
		"NNa.":                  ErrMalformed,
		"NNNs.":                 ErrMalformed,
		"a.":                    ErrMalformed,
		"X\xff\xff\xff\xffabc.": ErrMalformed,
		"\x8d\xff\xff\xff\xff\xff\xff\xff\xffabc.": ErrMalformed,
		"r\xff\xff\xff\xff.":                       ErrMalformed,
		strings.Repeat("(", 100) + ".":             ErrMalformed,
		"\xff.":                                    ErrMalformed,
		"\x83\x01.":                                ErrMalformed,
		"I\n.":                                     ErrMalformed,
		"I1x\n.":                                   ErrMalformed,
		"I1":                                       ErrMalformed,
		"Fx\n.":                                    ErrMalformed,
		"S'a\n.":                                   ErrMalformed,
		"S'\\q'\n.":                                ErrMalformed,
		"Sa\n.":                                    ErrMalformed,
		"g0\n.":                                    ErrMalformed,
		"Npx\n.":                                   ErrMalformed,
		"Np9999\n.":                                ErrMalformed, // far beyond what a pickle of this length numbers
		"cos\n.":                                   ErrMalformed,
		"NN\x93.":                                  ErrMalformed,
		"(o.":                                      ErrMalformed,
		"N)R.":                                     ErrMalformed,
		"cos\nsystem\nNR.":                         ErrMalformed,
		"\x8fNa.":                                  ErrMalformed, // a list's item for a set
		"])(Ne.":                                   ErrMalformed,
	} {
		v, err := Decode([]byte(stream))
		if !errors.Is(err, want) {
			t.Errorf("%q: %v, %v, expected %v", stream, v, err, want)
		}
	}
}

// What only code can make is opaque: it does no harm, and is refused by name where
// it is needed.
func TestOpaque(t *testing.T) {
	for stream, name := range map[string]string{
		"cos\nsystem\n(X\x02\x00\x00\x00lstR.": "os.system",
		"\x8c\x02os\x8c\x06system\x93.":        "reference to os.system",
		"(i__main__\nX\n.":                     "__main__.X",
		"(c__main__\nX\nNo.":                   "__main__.X",
		"c__main__\nX\n)\x81}(NNub.":           "__main__.X",
		"c__main__\nX\n)}\x92.":                "__main__.X",
		"c__main__\nX\n)R)R(NNeNa.":            "__main__.X",
		"P1\n.":                                "a persistent id",
		"NQ.":                                  "a persistent id",
		"\x82\x01.":                            "extension of another program",
		"\x97\x98.":                            "out-of-band buffer",
		"L18446744073709551616L\n.":            "int",
		"\x8b\x09\x00\x00\x00" + strings.Repeat("a", 9) + ".":     "int",
		"cnumpy.core.multiarray\nscalar\n(NNtR.":                  "numpy._core.multiarray.scalar",
		"cnumpy\ndtype\n(U\x02O8\x89\x88tR.":                      "numpy.dtype",
		"cnumpy\ndtype\n(U\x02V2\x89\x88tR.":                      "numpy.dtype", // two bytes of anything
		"ctorch.storage\n_load_from_bytes\n(C\x01NtR.":            "torch.storage._load_from_bytes",
		"ctorch._tensor\n_rebuild_from_type_v2\nq\x00(h\x00N)tR.": "torch._tensor._rebuild_from_type_v2",
		"ccollections\nOrderedDict\n(]NatR.":                      "collections.OrderedDict",
	} {
		v, err := Decode([]byte(stream))
		if err != nil || TypeName(v) != name {
			t.Errorf("%q: %s, %v; expected %s", stream, TypeName(v), err, name)
			continue
		}
		if _, ok := Float(v); ok {
			t.Errorf("%q is a number", stream)
		}
		if _, ok := Items(v); ok {
			t.Errorf("%q is a list", stream)
		}
		if _, err := Entries(v); !errors.Is(err, ErrForbidden) || !strings.Contains(err.Error(), "found "+name) {
			t.Errorf("%q as a dict: %v", stream, err)
		}
		if _, err := DecodeTorch(archiveOf(t, []byte(stream), nil)); err == nil {
			t.Errorf("%q is a checkpoint", stream)
		}
	}
}

// Protocols 0 and 1 as Python 2 and 3 write them by hand.
func TestText(t *testing.T) {
	for stream, want := range map[string]any{
		"I01\n.": true, "I00\n.": false, "I-7\n.": -7, "L-7L\n.": -7, "L7\n.": 7, "F0.5\n.": 0.5, "F-inf\n.": math.Inf(-1), "F1e999\n.": math.Inf(1),
		"\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.": math.MinInt64, "\x8a\x00.": 0, "\x8a\x01\xff.": -1,
		`S'it\'s\x20\\a "b"\n'` + "\n.": "it's \\a \"b\"\n", `S"don't"` + "\n.": "don't",
		`V\u00fc\U0001f600 \x \` + "\xfc\n.": "ü😀 \\x \\ü",
		"(lp0\nI1\naI2\na.":                  []any{1, 2}, "(dp0\nVa\np1\nI1\ns.": []Entry{{"a", 1}}, "(Va\nI1\nd.": []Entry{{"a", 1}},
		"(I1\nI2\nt.": []any{1, 2}, "(lp1\n0g1\n.": []any{}, "}C\x01aI1\ns.": []Entry{{"a", 1}},
		"ccollections\nOrderedDict\n((lp1\n(lp2\nS'a'\naI1\naatR.": []Entry{{"a", 1}}, // Python 2's
		"c__builtin__\ndict\n(}Va\nI1\nstR.":                       []Entry{{"a", 1}}, "cbuiltins\nlist\n((I1\nttR.": []any{1},
		"(0N.": nil,
	} {
		v, err := Decode([]byte(stream))
		if err != nil {
			t.Errorf("%q: %v", stream, err)
		} else if got := plain(t, v); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %#v, expected %#v", stream, got, want)
		}
	}
}

// A value may contain itself; reading it one level at a time ends.
func TestSelfReference(t *testing.T) {
	v, err := Decode([]byte("]q\x00h\x00a."))
	if err != nil {
		t.Fatal(err)
	}
	items, ok := Items(v)
	if !ok || len(items) != 1 || items[0] != v {
		t.Errorf("found %d items", len(items))
	}
	v, err = Decode([]byte("}q\x00\x8c\x01ah\x00s."))
	if err != nil {
		t.Fatal(err)
	}
	entries, err := Entries(v)
	if err != nil || len(entries) != 1 || entries[0].Value != v {
		t.Errorf("entries %v: %v", len(entries), err)
	}
	// As a function to call, and as the id of a storage.
	for _, stream := range []string{"]q\x00h\x00a)R.", "]q\x00h\x00aQ.", "(tq\x00h\x00R."} {
		if _, err := DecodeTorch(archiveOf(t, []byte(stream), nil)); err == nil {
			t.Errorf("%q was accepted", stream)
		} else if len(err.Error()) > 500 {
			t.Errorf("%q: an error of %d bytes", stream, len(err.Error()))
		}
	}
}

func TestEntriesRefuses(t *testing.T) {
	for stream, want := range map[string]string{
		"}(\x8c\x01aN\x8c\x01aNu.": "twice",
		"}K\x01Ns.":                "expected a str",
		"].":                       "expected a dict",
		"N.":                       "found None",
	} {
		v, err := Decode([]byte(stream))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Entries(v); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected it to hold %q", stream, err, want)
		}
	}
}
