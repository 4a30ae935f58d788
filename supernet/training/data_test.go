package training

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// What could not be read is said of each part, and kept once for all stages.
func TestUnreadableImagesAreNoted(t *testing.T) {
	_, dir := datatest.Twins(t, 16, 4, 20, 8)
	for _, name := range []string{"train/0/00002.png", "train/3/00019.png", "val/1/00003.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	train, val, err := dataset.Open(t.Context(), dir, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	o := Options{Folder: t.TempDir(), Train: train, HeldOut: val, Log: func(line string) { said = append(said, line) }}
	if err := o.noteUnreadable(); err != nil || said != nil {
		t.Errorf("before any was read: %q, %v", said, err)
	}
	for _, s := range []*dataset.Set{train, val} {
		if err := s.Try(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		said = nil
		if err := o.noteUnreadable(); err != nil {
			t.Fatal(err)
		}
	}
	file := filepath.Join(o.Folder, dataset.UnreadableFile)
	want := []string{
		"2 of 20 images could not be read and others took their place in training:",
		"  train/0/00002.png: the file is empty", "  train/3/00019.png: the file is empty", "  all are in " + file,
		"1 of 8 images could not be read and are not counted in validation:",
		"  val/1/00003.png: the file is empty", "  all are in " + file,
	}
	if !slices.Equal(said, want) {
		t.Errorf("said %q", said)
	}
	data, err := os.ReadFile(file)
	if err != nil || strings.Count(string(data), "\n") != 3 {
		t.Errorf("%s, %v", data, err)
	}
}
