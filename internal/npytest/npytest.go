// Package npytest reads the arrays of numpy that tests compare with: .npy and .npz
// files of float32, float64 and int64, little endian and in C's order.
package npytest

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Array is one array.
type Array struct {
	Shape  []int
	Floats []float32 // of float32 and float64
	Ints   []int64   // of int64
}

// Read reads a .npy file.
func Read(t testing.TB, file string) Array {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	a, err := decode(data)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return a
}

// ReadZip reads all arrays of a .npz file, by name.
func ReadZip(t testing.TB, file string) map[string]Array {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	out := make(map[string]Array, len(z.File))
	for _, f := range z.File {
		var data []byte
		r, err := f.Open()
		if err == nil {
			data, err = io.ReadAll(r)
			r.Close()
		}
		if err == nil {
			out[strings.TrimSuffix(f.Name, ".npy")], err = decode(data)
		}
		if err != nil {
			t.Fatalf("%s: %s: %v", file, f.Name, err)
		}
	}
	return out
}

// start is that of version 1 of the format, without the length of the header, and
// header what follows.
const start = "\x93NUMPY\x01\x00"

var header = regexp.MustCompile(`^\{'descr': '(<f4|<f8|<i8)', 'fortran_order': False, 'shape': \(([\d, ]*)\), \} *\n`)

func decode(data []byte) (a Array, err error) {
	var m [][]byte
	if bytes.HasPrefix(data, []byte(start)) && len(data) > len(start)+2 {
		data = data[len(start)+2:]
		m = header.FindSubmatch(data)
	}
	if m == nil {
		return a, fmt.Errorf("it begins %.100q: expected an array of float32, float64 or int64", data)
	}
	a.Shape = []int{}
	count := 1
	for _, field := range strings.FieldsFunc(string(m[2]), func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return a, err
		}
		a.Shape = append(a.Shape, n)
		count *= n
	}
	body := bytes.NewReader(data[len(m[0]):])
	switch string(m[1]) {
	case "<f4":
		a.Floats = make([]float32, count)
		err = binary.Read(body, binary.LittleEndian, a.Floats)
	case "<i8":
		a.Ints = make([]int64, count)
		err = binary.Read(body, binary.LittleEndian, a.Ints)
	default:
		wide := make([]float64, count)
		err = binary.Read(body, binary.LittleEndian, wide)
		for _, v := range wide {
			a.Floats = append(a.Floats, float32(v))
		}
	}
	if err == nil && body.Len() > 0 {
		err = fmt.Errorf("%d bytes follow %d values", body.Len(), count)
	}
	return a, err
}
