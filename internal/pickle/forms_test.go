package pickle

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
)

// forms are what testdata/make.py wrote with torch and numpy, by name without
// the folder.
func forms(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	return datatest.Zipped(t, "testdata/forms.zip", folder+"/", 30)
}

// Numbers of Python, numpy (1 and 2) and torch are read alike, under every protocol.
func TestNumbersInEveryForm(t *testing.T) {
	for name, data := range forms(t, "plain") {
		v, err := Decode(data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		items, _ := Items(v)
		if len(items) != 4 {
			t.Errorf("%s: %s of %d items", name, TypeName(v), len(items))
			continue
		}
		half, ok1 := Float(items[0])
		three, ok2 := Int(items[1])
		list, ok3 := Items(items[3])
		if !ok1 || half != 0.5 || !ok2 || three != -3 || items[2] != true || !ok3 || len(list) != 3 {
			t.Errorf("%s: read as %v (%s), %v (%s), %v, %v", name, half, TypeName(items[0]), three, TypeName(items[1]), items[2], list)
			continue
		}
		for i, v := range list {
			if n, ok := Int(v); !ok || n != i+1 {
				t.Errorf("%s: item %d is %v", name, i, v)
			}
		}
	}
}

// Every form of a checkpoint gives its tensors, whatever lies beside them.
func TestCheckpointsInEveryForm(t *testing.T) {
	want := []Tensor{
		{"a.weight", []int{3, 2}, "float32", []float64{2, 5, 3, 6, 4, 7}},
		{"a.bias", []int{2}, "float32", []float64{8, 9}},
		{"b.running_var", []int{2}, "float64", []float64{0.25, 2}},
		{"b.num_batches_tracked", []int{}, "int64", []float64{7}},
	}
	from := map[string]string{"plain": "", "state_dict": "state_dict", "model": "model", "nested": "model.state_dict",
		"ema_none": "state_dict", "ema": "state_dict_ema", "ema_module": "model_ema"}
	others := map[string]string{"ema": "state_dict", "ema_module": "model"}
	leftOut := map[string]string{"extra-state": "a._extra_state (None), step (int)"}
	for name, data := range forms(t, "torch") {
		if strings.HasPrefix(name, "types") || strings.HasPrefix(name, "refused") {
			continue
		}
		if !IsTorch(data) {
			t.Errorf("%s is not recognised", name)
		}
		have, err := DecodeTorch(data)
		if err != nil || !reflect.DeepEqual(have.Tensors, want) {
			t.Errorf("%s: %v\n%+v, expected %+v", name, err, have.Tensors, want)
			continue
		}
		if way, ok := from[name]; ok && have.From != way {
			t.Errorf("%s: from %q, expected %q", name, have.From, way)
		}
		if strings.Join(have.Others, ", ") != others[name] || strings.Join(have.LeftOut, ", ") != leftOut[name] {
			t.Errorf("%s: others %q, left out %q", name, have.Others, have.LeftOut)
		}
	}
}

// Types that are read have torch's values.
func TestTypesOfTorch(t *testing.T) {
	all := forms(t, "torch")
	for _, name := range []string{"types", "types-legacy"} {
		c, err := DecodeTorch(all[name])
		if err != nil {
			t.Fatal(err)
		}
		for _, tensor := range c.Tensors {
			want := []float64{0, 1, 100, 7}
			if tensor.Name == "bool" {
				want = []float64{0, 1, 1, 0}
			}
			if tensor.DType != tensor.Name || !slices.Equal(tensor.Values, want) {
				t.Errorf("%s: %+v, expected %v", name, tensor, want)
			}
		}
		if len(c.Tensors) < 10 {
			t.Errorf("%s: %d types", name, len(c.Tensors))
		}
	}
}

// What is needed and cannot be read is named, with what to do.
func TestRefusedTensors(t *testing.T) {
	all := forms(t, "torch")
	for name, want := range map[string]string{
		"refused-quantized": `entry "a" is a tensor (torch._utils._rebuild_qtensor): dequantize() it`,
		"refused-sparse":    "to_dense()", "refused-float8": "(torch.float8_e4m3fn): convert it with .float()",
		"refused-complex_tensor": "torch.ComplexFloatStorage",
		"refused-module":         "found torch.nn.modules.linear.Linear, which only Python can make",
		"refused-model":          `"model" (torch.nn.modules.linear.Linear)`,
	} {
		c, err := DecodeTorch(all[name])
		if err == nil || !strings.Contains(err.Error(), want) || (!errors.Is(err, ErrForbidden) && !errors.Is(err, ErrMalformed)) {
			t.Errorf("%s: %v, %v; expected %q", name, c, err, want)
		}
	}
}

// Every number of 16 bits is what torch makes of it.
func TestHalvesAgainstTorch(t *testing.T) {
	text, err := os.ReadFile("testdata/halves.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]string
	if err := json.Unmarshal(text, &want); err != nil || len(want) != 2 {
		t.Fatal(err, want)
	}
	var raw []byte
	for bits := range 1 << 16 {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(bits))
	}
	for class, name := range map[string]string{"HalfStorage": "float16", "BFloat16Storage": "bfloat16"} {
		whole := saved{"t", class, "0", 1 << 16, 0, []int{1 << 16}, []int{1}}
		c, err := DecodeTorch(archiveOf(t, stateStream([]saved{whole}, false), map[string][]byte{"data/0": raw}))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		for _, v := range c.Tensors[0].Values {
			bits := math.Float32bits(float32(v))
			if math.IsNaN(v) {
				bits = 0x7fc00000
			}
			sum.Write(binary.LittleEndian.AppendUint32(nil, bits))
		}
		if have := hex.EncodeToString(sum.Sum(nil)); have != want[name] {
			t.Errorf("%s: the values' sum is %s, torch's %s", name, have, want[name])
		}
	}
}
