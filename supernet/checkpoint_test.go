package supernet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/nlpodyssey/safetensors"

	"github.com/binas-tui/binas-tui/internal/npytest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

var nan = math.NaN()

func abs(v float64) float64 { return math.Abs(v) }

// expected reads the tensors of ckpt_expected.npz whose names begin with prefix.
func expected(t testing.TB, prefix string) onnx.StateDict {
	t.Helper()
	out := onnx.StateDict{}
	for key, a := range npytest.ReadZip(t, "testdata/ckpt_expected.npz") {
		name, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		out[name] = onnx.TensorData{Shape: a.Shape, Data: a.Floats}
		if counts(name) {
			out[name] = onnx.TensorData{Shape: a.Shape, Data: []float32{float32(a.Ints[0])}}
		}
	}
	return out
}

type checkpointInfo struct {
	Arch    string `json:"mobilenet_string"`
	Classes int    `json:"num_classes"`
}

// Every form that the original's trainer saves gives its averaged weights, and
// they answer as PyTorch does.
func TestCheckpointsInEveryForm(t *testing.T) {
	want := expected(t, "ema/")
	if len(want) < 50 {
		t.Fatalf("%d tensors expected", len(want))
	}
	var info checkpointInfo
	readJSON(t, "ckpt_info.json", &info)
	arch, err := model.ParseArchitecture(info.Arch)
	if err != nil {
		t.Fatal(err)
	}
	images, shape := array(t, "x32.npy")
	logits := expected(t, "logits_ema_x32")[""].Data
	for _, c := range []struct{ file, from string }{
		{"ckpt_wrapper.pth.tar", "state_dict_ema"}, {"ckpt_wrapper_legacy.pth.tar", "state_dict_ema"},
		{"ckpt_wrapper_module.pth.tar", "state_dict_ema"}, {"ckpt_tiny_raw.pth", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			have, err := Load(filepath.Join("testdata", c.file))
			if err != nil {
				t.Fatal(err)
			}
			if have.From != c.from || have.Meta != nil || !reflect.DeepEqual(have.Weights, want) {
				t.Errorf("%d tensors from %q, expected PyTorch's %d from %q", len(have.Weights), have.From, len(want), c.from)
			}
			if d := distance(answer(t, arch, have.Weights, images, shape), logits); d > 1e-5 {
				t.Errorf("%g from PyTorch's logits", d)
			}
		})
	}
}

func TestChoice(t *testing.T) {
	for want, c := range map[string]Checkpoint{
		"": {From: "state_dict"},
		"weights from state_dict_ema, not state_dict, model":                    {From: "state_dict_ema", Others: []string{"state_dict", "model"}},
		"no tensors, left out: step (int)":                                      {LeftOut: []string{"step (int)"}},
		"weights from a, not b; no tensors, left out: 1, 2, 3, 4, 5 and 1 more": {From: "a", Others: []string{"b"}, LeftOut: []string{"1", "2", "3", "4", "5", "6"}},
	} {
		if have := c.Choice(); have != want {
			t.Errorf("%q, expected %q", have, want)
		}
	}
}

// What is written reads back, equal to the last bit, and is safetensors to other
// programs: float32, and int64 for counts.
func TestSafetensorsRoundTrip(t *testing.T) {
	want := Checkpoint{Weights: rawSupernet(t), Meta: map[string]string{"space": "mobilenasnet", "note": "a \"b\"\nü"}}
	file := filepath.Join(t.TempDir(), "folder", "supernet.safetensors")
	if err := Save(file, want); err != nil {
		t.Fatal(err)
	}
	have, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(have.Weights, want.Weights) {
		t.Error("weights changed")
	}
	if have.Meta["note"] != want.Meta["note"] || have.Meta["format"] != "pt" || have.From != "" {
		t.Errorf("%q, %q", have.Meta, have.From)
	}
	first, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Encode(have); err != nil || !bytes.Equal(again, first) {
		t.Errorf("written again the file differs: %v", err)
	}
	_, header, err := safetensors.ReadMetadata(first)
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range Layout(space(t, model.MobileNASNet, 32), 10) {
		info := header.Tensors()[tensor.Name]
		dtype := safetensors.F32
		if tensor.Kind == Batches {
			dtype = safetensors.I64
		}
		if info == nil || info.DType != dtype || len(info.Shape) != len(tensor.Shape) {
			t.Errorf("%s is %+v", tensor.Name, info)
		}
	}
}

// Half precision and float64 are read, as clusters save them.
func TestSafetensorsTypes(t *testing.T) {
	values := []float64{0, 1, -2.5, 65504, 6.103515625e-05, 5.9604644775390625e-08}
	for _, c := range []struct {
		dtype safetensors.DType
		size  int
		bits  []uint64
		want  []float64
	}{
		{safetensors.F16, 2, []uint64{0, 0x3c00, 0xc100, 0x7bff, 0x0400, 1}, values},
		{safetensors.BF16, 2, []uint64{0, 0x3f80, 0xc020}, values[:3]},
		{safetensors.F64, 8, []uint64{math.Float64bits(-2.5)}, values[2:3]},
		{safetensors.I64, 8, []uint64{7, math.MaxUint64}, []float64{7, -1}},
		{safetensors.I32, 4, []uint64{7, math.MaxUint32}, []float64{7, -1}},
	} {
		var raw []byte
		for _, b := range c.bits {
			raw = append(raw, binary.LittleEndian.AppendUint64(nil, b)[:c.size]...)
		}
		have, err := Decode(serialize(t, "x", c.dtype, []uint64{uint64(len(c.bits))}, raw))
		if err != nil {
			t.Errorf("%v: %v", c.dtype, err)
			continue
		}
		for i, want := range c.want {
			if float64(have.Weights["x"].Data[i]) != want {
				t.Errorf("%v: %v, expected %v", c.dtype, have.Weights["x"].Data, c.want)
			}
		}
	}
}

func serialize(t testing.TB, name string, dtype safetensors.DType, shape []uint64, raw []byte) []byte {
	t.Helper()
	v, err := safetensors.NewTensorView(dtype, shape, raw)
	if err != nil {
		t.Fatal(err)
	}
	data, err := safetensors.Serialize(map[string]safetensors.TensorView{name: v}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// withHeader is safetensors with a header of one's own.
func withHeader(header string, body int) []byte {
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, body)...)
}

// poisoned is a checkpoint in which the first value of a tensor is v.
func poisoned(t testing.TB, name string, v float32) []byte {
	t.Helper()
	tensor := expected(t, "ema/")[name]
	var bits []byte
	for _, x := range tensor.Data {
		bits = binary.LittleEndian.AppendUint32(bits, math.Float32bits(x))
	}
	data := read(t, "ckpt_wrapper_legacy.pth.tar") // it has no check sums
	at := bytes.Index(data, bits)
	if at < 0 {
		t.Fatalf("%s was not found", name)
	}
	binary.LittleEndian.PutUint32(data[at:], math.Float32bits(v))
	return data
}

// Files that are no use say so in one line.
func TestBadCheckpoints(t *testing.T) {
	tiny, legacy := read(t, "ckpt_tiny_raw.pth"), read(t, "ckpt_wrapper_legacy.pth.tar")
	good, err := Encode(Checkpoint{Weights: onnx.StateDict{"a.weight": {Shape: []int{2}, Data: []float32{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	inf := float32(math.Inf(1))
	floats := func(v ...float32) []byte {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		return raw
	}
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "neither"},
		{"text", []byte("weights, please, and thank you"), "neither"},
		{"half a zip", tiny[:len(tiny)/2], "zip"},
		{"half a legacy file", legacy[:len(legacy)/2], "declares"},
		{"damaged zip", damaged(tiny), "check sum"},
		{"half of safetensors", good[:len(good)-4], "safetensors"},
		{"longer safetensors", append(bytes.Clone(good), 0), "safetensors"},
		{"NaN", poisoned(t, "conv_stem.weight", float32(nan)), "conv_stem.weight[0] is NaN"},
		{"infinity", poisoned(t, "blocks.1.0.bn2.running_mean", -inf), "blocks.1.0.bn2.running_mean[0] is -Inf"},
		{"variance", poisoned(t, "bn1.running_var", -1), "bn1.running_var[0] is -1"},
		{"NaN in safetensors", serialize(t, "a.b", safetensors.F32, []uint64{2}, floats(1, float32(nan))), "a.b[1] is NaN"},
		{"float64 beyond float32", serialize(t, "a.b", safetensors.F64, []uint64{1}, binary.LittleEndian.AppendUint64(nil, math.Float64bits(1e300))), "a.b[0] is +Inf"},
		{"half infinity", serialize(t, "a.b", safetensors.F16, []uint64{1}, []byte{0, 0x7c}), "a.b[0] is +Inf"},
		{"bytes", serialize(t, "a.b", safetensors.U8, []uint64{1}, []byte{1}), `"a.b": U8`},
		{"header", withHeader(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), "safetensors"},
		{"wrap", withHeader(`{"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}}`, 0), "safetensors"},
		{"endless header", append(binary.LittleEndian.AppendUint64(nil, 1<<40), '{', '}'), "header of 1099511627776 bytes"},
	} {
		_, err := Decode(c.data)
		if !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") || len(err.Error()) > 400 {
			t.Errorf("%s: %v; want one line with %q", c.name, err, c.want)
		}
	}
	dir := t.TempDir()
	for _, c := range []struct{ file, want string }{{dir, "not a regular file"}, {dir + "/none", "no such file"}, {"checkpoint_test.go", "checkpoint_test.go"}} {
		if _, err := Load(c.file); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.file, err)
		}
	}
	if _, err := Decode(withHeader(`{"module.a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8)); !errors.Is(err, ErrCheckpoint) || !strings.Contains(err.Error(), "module.") {
		t.Error(err)
	}
}

// damaged changes a byte in the middle of the last quarter, where tensors lie.
func damaged(data []byte) []byte {
	data = bytes.Clone(data)
	data[len(data)/2] ^= 1
	return data
}

// Training must not replace a good checkpoint by one that is of no use.
func TestEncodeRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "w.safetensors")
	if err := Save(file, Checkpoint{Weights: onnx.StateDict{"a": {Shape: []int{1}, Data: []float32{1}}}}); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		c    Checkpoint
		want string
	}{
		{Checkpoint{Weights: onnx.StateDict{"a.b": {Shape: []int{2}, Data: []float32{1, float32(nan)}}}}, "a.b[1] is NaN"},
		{Checkpoint{Weights: onnx.StateDict{"a.b": {Shape: []int{3}, Data: []float32{1}}}}, "shape [3] with 1 values"},
		{Checkpoint{Meta: map[string]string{"x": strings.Repeat("y", maxHeader)}}, "metadata"},
	} {
		if err := Save(file, c.c); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: want %q", err, c.want)
		}
	}
	if after, err := os.ReadFile(file); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file changed: %v", err)
	}
}

// Hostile headers take no more memory than maxHeader says.
func TestDecodeIsBounded(t *testing.T) {
	for name, unit := range map[string]string{
		"tensors": `"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},`,
		"shapes":  `"%d":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,0]},`,
		"objects": `"%d":{},`,
		"lists":   `"%d":{"a":[[[[[[[[[[]]]]]]]]],[],[],[],[]]},`,
	} {
		var b strings.Builder
		b.WriteByte('{')
		for i := 0; b.Len() < maxHeader-200; i++ {
			fmt.Fprintf(&b, unit, i)
		}
		data := withHeader(strings.TrimSuffix(b.String(), ",")+"}", 0)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(data)
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 150*maxHeader {
			t.Errorf("%s: %d bytes were allocated for %d (%v)", name, got, len(data), err)
		}
	}
}

// legacyFile is a state dict of one tensor "a" of two float32 as torch before 1.6
// wrote it.
func legacyFile() []byte {
	text := func(s string) string {
		return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
	}
	object := "\x80\x02}" + text("a") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") +
		"K\x02NtQK\x00K\x02\x85K\x01\x85\x89NtRs."
	data := "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19." + "\x80\x02M\xe9\x03." + "\x80\x02}." + object + "\x80\x02]" + text("0") + "a."
	return append([]byte(data), 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)
}

// FuzzSupernetDecode checks that what decodes is whole, and is the same when it
// was written and read again.
func FuzzSupernetDecode(f *testing.F) {
	legacy := legacyFile()
	if c, err := Decode(legacy); err != nil || !slices.Equal(c.Weights["a"].Data, []float32{1, 2}) {
		f.Fatal(c, err)
	}
	good, err := Encode(Checkpoint{Weights: onnx.StateDict{
		"module.a.weight": {Shape: []int{1, 2}, Data: []float32{1, 2}}, "b.num_batches_tracked": {Shape: []int{}, Data: []float32{3}},
	}, Meta: map[string]string{"space": "x"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(legacy)
	f.Add(good)
	f.Add(good[:len(good)-3])
	f.Add(withHeader(`{"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]}}`, 2))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrCheckpoint) {
				t.Fatal(err)
			}
			return
		}
		for name, tensor := range c.Weights {
			if len(tensor.Data) != onnx.Elements(tensor.Shape) {
				t.Fatalf("%q: shape %v with %d values", name, tensor.Shape, len(tensor.Data))
			}
			for i, v := range tensor.Data { // a count is a whole number within int64
				if counts(name) && (float64(v) != math.Trunc(float64(v)) || abs(float64(v)) > 1e18) {
					tensor.Data[i] = 0
				}
			}
		}
		IsSupernet(c.Weights)
		_, _, _ = SpaceOf(c.Weights, 32)
		written, err := Encode(c)
		if err != nil {
			return // names that JSON cannot hold, a long header
		}
		again, err := Decode(written)
		if err != nil {
			t.Fatal(err)
		}
		for name, tensor := range again.Weights {
			if have, ok := c.Weights[name]; ok && !slices.Equal(have.Data, tensor.Data) {
				t.Fatalf("%q changed", name)
			}
		}
	})
}

// A bit that changed anywhere in what this program wrote is found out.
func TestChangedBitsAreFoundOut(t *testing.T) {
	c := Checkpoint{
		Weights: onnx.StateDict{
			"a.weight":                {Shape: []int{2, 2}, Data: []float32{1, -0.5, 0, 3}},
			"bn1.num_batches_tracked": {Shape: []int{}, Data: []float32{7}},
		},
		Meta: map[string]string{"stage": "heaviest"},
	}
	data, err := Encode(c)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := Decode(data); err != nil || !back.Checked {
		t.Fatalf("unchanged: %+v, %v", back, err)
	}
	for at := range data {
		for bit := range 8 {
			changed := bytes.Clone(data)
			changed[at] ^= 1 << bit
			if back, err := Decode(changed); err == nil && back.Checked {
				t.Errorf("bit %d of byte %d: %+v", bit, at, back)
			} else if err == nil && !reflect.DeepEqual(back.Weights, c.Weights) {
				t.Errorf("bit %d of byte %d: unchecked, and other weights: %+v", bit, at, back.Weights)
			}
		}
	}
}
