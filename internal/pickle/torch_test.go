package pickle

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"reflect"
	"strings"
	"testing"
)

// saved is a tensor of a torch file made for a test.
type saved struct {
	name, class, key string
	count, offset    int
	shape, stride    []int
}

func pushInt(n int) string { return "J" + string(binary.LittleEndian.AppendUint32(nil, uint32(n))) }

func pushText(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

func pushInts(n []int) string {
	s := "("
	for _, v := range n {
		s += pushInt(v)
	}
	return s + "t"
}

// stateStream pickles an OrderedDict of tensors as torch does; legacy storages
// have a sixth field.
func stateStream(views []saved, legacy bool) []byte {
	s := "\x80\x02ccollections\nOrderedDict\nq\x00)R("
	for _, v := range views {
		s += pushText(v.name) + "ctorch._utils\n_rebuild_tensor_v2\n((" + pushText("storage") + "ctorch\n" + v.class + "\n" +
			pushText(v.key) + pushText("cpu") + pushInt(v.count)
		if legacy {
			s += "N"
		}
		s += "tQ" + pushInt(v.offset) + pushInts(v.shape) + pushInts(v.stride) + "\x89h\x00)RtR"
	}
	return []byte(s + "u}" + pushText("_metadata") + "h\x00)Rsb.")
}

// archiveOf zips data.pkl and other entries as torch does: uncompressed.
func archiveOf(t testing.TB, stream []byte, entries map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	add := func(name string, data []byte) {
		w, err := z.CreateRaw(&zip.FileHeader{Name: "ckpt/" + name, Method: zip.Store, CRC32: crc32.ChecksumIEEE(data),
			CompressedSize64: uint64(len(data)), UncompressedSize64: uint64(len(data))})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	add("data.pkl", stream)
	for _, name := range []string{"data/0", "data/1", "data/2", "byteorder"} {
		if data, ok := entries[name]; ok {
			add(name, data)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func floats(order binary.AppendByteOrder, values ...float32) []byte {
	var b []byte
	for _, v := range values {
		b = order.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// TestViews reads tensors that share a storage at offsets and strides, in both
// formats and both byte orders.
func TestViews(t *testing.T) {
	f := func(name string, offset int, shape, stride []int) saved {
		return saved{name, "FloatStorage", "0", 8, offset, shape, stride}
	}
	views := []saved{
		f("all", 0, []int{8}, []int{1}),
		f("tail", 5, []int{1, 3}, []int{3, 1}),
		f("transposed", 0, []int{2, 4}, []int{1, 2}),
		f("every second", 1, []int{3}, []int{2}),
		f("repeated", 2, []int{2, 3}, []int{1, 0}),
		f("scalar", 7, nil, nil),
		f("empty", 8, []int{0, 9}, []int{9, 1}),
		f("one row, any stride", 4, []int{1, 2}, []int{1000, 1}),
	}
	want := [][]float64{{0, 1, 2, 3, 4, 5, 6, 7}, {5, 6, 7}, {0, 2, 4, 6, 1, 3, 5, 7}, {1, 3, 5}, {2, 2, 2, 3, 3, 3}, {7}, nil, {4, 5}}
	check := func(name string, data []byte) {
		t.Helper()
		got, err := DecodeTorch(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return
		}
		for i, v := range views {
			if got.Tensors[i].Name != v.name || got.Tensors[i].DType != "float32" || len(got.Tensors[i].Shape) != len(v.shape) || !reflect.DeepEqual(got.Tensors[i].Values, want[i]) {
				t.Errorf("%s: %s is read as %+v, expected %v", name, v.name, got.Tensors[i], want[i])
			}
		}
	}
	little, big := floats(binary.LittleEndian, 0, 1, 2, 3, 4, 5, 6, 7), floats(binary.BigEndian, 0, 1, 2, 3, 4, 5, 6, 7)
	stream := stateStream(views, false)
	check("zip", archiveOf(t, stream, map[string][]byte{"data/0": little}))
	check("little", archiveOf(t, stream, map[string][]byte{"data/0": little, "byteorder": []byte("little")}))
	check("big", archiveOf(t, stream, map[string][]byte{"data/0": big, "byteorder": []byte("big")}))
	for _, order := range []struct {
		name string
		flag byte
		put  binary.AppendByteOrder
		data []byte
	}{{"legacy", 0x88, binary.LittleEndian, little}, {"legacy big", 0x89, binary.BigEndian, big}} {
		check(order.name, legacyOf(views, order.flag, order.put, order.data))
	}
}

// legacyHead begins the older format.
const legacyHead = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."

func legacyOf(views []saved, flag byte, order binary.AppendByteOrder, storage []byte) []byte {
	data := []byte(legacyHead)
	data = append(data, "\x80\x02M\xe9\x03.\x80\x02}("+pushText("little_endian")...)
	data = append(data, flag, 'u', '.')
	data = append(data, stateStream(views, true)...)
	data = append(data, "\x80\x02]"+pushText("0")+"a."...)
	data = order.AppendUint64(data, uint64(len(storage)/4))
	return append(data, storage...)
}

func TestDTypes(t *testing.T) {
	raw := []byte{0x00, 0xc1, 0x00, 0x3c, 0xff, 0xff, 0xff, 0xff}
	for class, want := range map[string][]float64{
		"HalfStorage":     {-2.5, 1, math.NaN(), math.NaN()},
		"BFloat16Storage": {-8, 0.0078125, math.NaN(), math.NaN()},
		"LongStorage":     {-0xc3ff3f00},
		"IntStorage":      {0x3c00c100, -1},
		"ShortStorage":    {-0x3f00, 0x3c00, -1, -1},
		"CharStorage":     {0, -63, 0, 60, -1, -1, -1, -1},
		"ByteStorage":     {0, 193, 0, 60, 255, 255, 255, 255},
		"BoolStorage":     {0, 1, 0, 1, 1, 1, 1, 1},
		"DoubleStorage":   {math.NaN()},
	} {
		d := find(func(d dtype) bool { return d.storage == class })
		n := 8 / d.size
		got, err := DecodeTorch(archiveOf(t, stateStream([]saved{{"t", class, "0", n, 0, []int{n}, []int{1}}}, false), map[string][]byte{"data/0": raw}))
		if err != nil {
			t.Errorf("%s: %v", class, err)
			continue
		}
		if class == "LongStorage" {
			want[0] = float64(int64(binary.LittleEndian.Uint64(raw)))
		}
		for i, v := range got.Tensors[0].Values {
			if v != want[i] && !(math.IsNaN(v) && math.IsNaN(want[i])) {
				t.Errorf("%s: value %d is %v, expected %v", class, i, v, want[i])
			}
		}
	}
}

func TestDecodeTorchRefuses(t *testing.T) {
	storage := map[string][]byte{"data/0": floats(binary.LittleEndian, 1, 2, 3, 4)}
	one := func(count, offset int, shape, stride []int) []byte {
		return archiveOf(t, stateStream([]saved{{"t", "FloatStorage", "0", count, offset, shape, stride}}, false), storage)
	}
	good := one(4, 0, []int{4}, []int{1})
	if _, err := DecodeTorch(good); err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(good)
	damaged[bytes.Index(good, storage["data/0"])] ^= 1
	var deflated bytes.Buffer
	z := zip.NewWriter(&deflated)
	w, _ := z.Create("ckpt/data.pkl") // Deflate
	_, _ = w.Write(make([]byte, 1<<24))
	_ = z.Close()
	huge := 1 << 30
	old := legacyOf([]saved{{"t", "FloatStorage", "0", 4, 0, []int{4}, []int{1}}}, 0x88, binary.LittleEndian, storage["data/0"])
	count := append([]byte("a."), "\x04\x00\x00\x00\x00\x00\x00\x00"...)
	for name, c := range map[string]struct {
		data []byte
		want error
		text string
	}{
		"empty":          {nil, ErrMalformed, "neither a zip archive"},
		"text":           {[]byte("hello"), ErrMalformed, "neither a zip archive"},
		"cut":            {good[:len(good)-30], ErrMalformed, ""},
		"damaged":        {damaged, ErrMalformed, "check sum"},
		"compressed":     {deflated.Bytes(), ErrMalformed, "compressed"},
		"bytes after":    {archiveOf(t, append(stateStream(nil, false), 'N'), nil), ErrMalformed, "follow"},
		"no storage":     {archiveOf(t, stateStream([]saved{{"t", "FloatStorage", "7", 4, 0, []int{4}, []int{1}}}, false), storage), ErrMalformed, `no entry "data/7"`},
		"short storage":  {one(5, 0, []int{4}, []int{1}), ErrMalformed, "declares 5 values and has 4"},
		"past the end":   {one(4, 1, []int{4}, []int{1}), ErrMalformed, "offset 1"},
		"huge offset":    {one(4, huge, []int{1}, []int{1}), ErrMalformed, "offset"},
		"huge stride":    {one(4, 0, []int{4}, []int{huge}), ErrMalformed, "stride"},
		"huge shape":     {one(4, 0, []int{huge, huge, huge}, []int{0, 0, 0}), ErrTooLarge, "shape"},
		"repeated value": {one(4, 0, []int{huge}, []int{0}), ErrTooLarge, "shape"},
		"negative":       {one(4, -1, []int{1}, []int{1}), ErrMalformed, "tensor"},
		"code":           {archiveOf(t, []byte("cos\nsystem\n(X\x02\x00\x00\x00lstR."), nil), ErrForbidden, `found os.system`},
		"eval":           {archiveOf(t, []byte("c__builtin__\neval\n)R."), nil), ErrForbidden, "eval"},
		"not a dict":     {archiveOf(t, []byte("K\x01."), nil), ErrMalformed, "found int"},
		"not a tensor":   {archiveOf(t, []byte("}X\x01\x00\x00\x00aK\x01s."), nil), ErrMalformed, `"a" (int): expected a state dict`},
		"legacy cut":     {[]byte(legacyHead), ErrMalformed, ""},
		"legacy count":   {bytes.Replace(old, count, []byte("a.\x00\x00\x00\x00\x00\x00\x00\x10"), 1), ErrMalformed, "beyond the end"},
		"legacy ends":    {old[:len(old)-len(storage["data/0"])-3], ErrMalformed, "ends before storage"},
		"legacy key":     {bytes.Replace(old, []byte(pushText("0")+"a."), []byte(pushText("9")+"a."), 1), ErrMalformed, "belongs to no tensor"},
	} {
		d, err := DecodeTorch(c.data)
		if !errors.Is(err, c.want) || !strings.Contains(fmt.Sprint(err), c.text) {
			t.Errorf("%s: %v, %v, expected %v with %q", name, d, err, c.want, c.text)
		}
	}
}

// TestNestedStateDict finds a state dict inside a checkpoint.
func TestNestedStateDict(t *testing.T) {
	inner := stateStream([]saved{{"t", "FloatStorage", "0", 1, 0, []int{1}, []int{1}}}, false)
	inner = inner[2 : len(inner)-1]
	stream := "\x80\x02}(" + pushText("epoch") + "K\x03" + pushText("args") + "cargparse\nNamespace\n)\x81}" + pushText("lr") + "K\x01sb" +
		pushText("state_dict") + string(inner) + "u."
	data := archiveOf(t, []byte(stream), map[string][]byte{"data/0": floats(binary.LittleEndian, 9)})
	c, err := DecodeTorch(data)
	if err != nil || c.From != "state_dict" || len(c.Tensors) != 1 || c.Tensors[0].Values[0] != 9 {
		t.Errorf("%v, %v", c, err)
	}
}
