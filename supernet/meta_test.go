package supernet

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/onnx"
)

// The metadata read alone is that of the whole file; other files have none, and
// one that is cut short is refused.
func TestReadMeta(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.safetensors")
	w := onnx.StateDict{"a": {Shape: []int{2}, Data: []float32{1, 2}}}
	want := map[string]string{"format": "pt", "stage": "oneshot", "text": "a \"b\" \n ü"}
	if err := Save(file, Checkpoint{Weights: w, Meta: want}); err != nil {
		t.Fatal(err)
	}
	whole, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	want["checksum"] = whole.Meta["checksum"] // Save adds it
	if meta, err := ReadMeta(file); err != nil || !maps.Equal(meta, want) || !maps.Equal(meta, whole.Meta) {
		t.Errorf("%v, %v", meta, err)
	}
	if meta, err := ReadMeta("testdata/supernet_raw.pth"); err != nil || meta != nil {
		t.Errorf("a file of torch: %v, %v", meta, err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range data {
		if err := os.WriteFile(file, data[:n], 0o644); err != nil {
			t.Fatal(err)
		}
		if meta, err := ReadMeta(file); n < len(data)-8 && len(meta) > 0 || err != nil && !errors.Is(err, ErrCheckpoint) {
			t.Errorf("%d bytes: %v, %v", n, meta, err)
		}
	}
	if _, err := ReadMeta(t.TempDir()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("a folder: %v", err)
	}
}
