package model

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// golden reads a file of testdata, unpacking it where it is gzipped.
func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Ext(name) != ".gz" {
		return data
	}
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if data, err = io.ReadAll(z); err != nil {
		t.Fatal(err)
	}
	return data
}

func goldenJSON(t testing.TB, name string, into any) {
	t.Helper()
	if err := json.Unmarshal(golden(t, name), into); err != nil {
		t.Fatal(err)
	}
}

func space(t testing.TB, name string) *Space {
	t.Helper()
	s, err := NewSpace(name, 224)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
