package safetensors

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"
	"strings"
	"testing"
)

var meta = map[string]string{"format": "pt", "text": "a \"b\" \n ü"}

func example(t testing.TB) []byte {
	t.Helper()
	data, err := Encode(meta, []Tensor{
		{"b", F32, []int{2, 1}, Float32s([]float32{1.5, -2})},
		{"a", I64, []int{}, binary.LittleEndian.AppendUint64(nil, 7)},
	}, 1<<10)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// What is written reads back, by name, and the metadata also alone.
func TestWhatIsWrittenReadsBack(t *testing.T) {
	data := example(t)
	got, tensors, err := Decode(data, 1<<10)
	if err != nil || !maps.Equal(got, meta) || len(tensors) != 2 || tensors[0].Name != "a" || len(tensors[0].Shape) != 0 {
		t.Fatal(got, tensors, err)
	}
	if v, err := Values[float32](tensors[0]); err != nil || !slices.Equal(v, []float32{7}) {
		t.Error(v, err)
	}
	if v, err := Values[float64](tensors[1]); err != nil || !slices.Equal(v, []float64{1.5, -2}) {
		t.Error(v, err)
	}
	if got, err := ReadMeta(bytes.NewReader(data), 1<<10); err != nil || !maps.Equal(got, meta) {
		t.Error(got, err)
	}
}

// A header is refused before it is parsed where it is longer than allowed, and on
// writing.
func TestHeadersAreBounded(t *testing.T) {
	data := example(t)
	size := int(binary.LittleEndian.Uint64(data))
	if _, _, err := Decode(data, size); err != nil {
		t.Error(err)
	}
	if _, _, err := Decode(data, size-1); err == nil || !strings.Contains(err.Error(), "header of") {
		t.Error(err)
	}
	if got, err := ReadMeta(bytes.NewReader(data), size-1); got != nil || err != nil {
		t.Error(got, err)
	}
	if _, err := Encode(meta, nil, 20); err == nil || !strings.Contains(err.Error(), "header of") {
		t.Error(err)
	}
}

// Hostile sizes are errors.
func TestDecodeErrors(t *testing.T) {
	for header, want := range map[string]string{
		`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`:                                       "safetensors",
		`{"a":{"dtype":"F32","shape":[4294967296,4294967296,0],"data_offsets":[0,4]}}`:                 "safetensors",
		`{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}`:                       "9 dimensions",
		`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`:                                        "U8: expected",
		`{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}`:                     "safetensors",
		`{"a":{"dtype":"F32","shape":[9223372036854775808,2,1],"data_offsets":[0,4]},"__metadata__":}`: "safetensors",
	} {
		data := append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...), make([]byte, 4)...)
		_, tensors, err := Decode(data, 1<<10)
		for _, tensor := range tensors {
			_, err = Values[float32](tensor)
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, expected %q", header, err, want)
		}
	}
}
