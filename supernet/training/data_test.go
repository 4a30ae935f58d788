package training

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/hometest"
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

// A run says whether its crops are of a pack or of files, and goes on with nothing
// else; one from before there were packs takes them of files.
func TestRunsKeepWhatCropsAreOf(t *testing.T) {
	s := fakeSettings()
	s.Pack = true
	folder := t.TempDir()
	if _, err := fakeTrain(t.Context(), folder, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	if run, err := ReadRun(folder); err != nil || !run.Stages[s.Stage].Pack {
		t.Fatalf("%+v, %v", run, err)
	}
	s.Pack = false
	if _, err := fakeTrain(t.Context(), folder, s, &linear{}, nil); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "pack") {
		t.Errorf("of files after a pack: %v", err)
	}
	var old Settings
	if err := json.Unmarshal([]byte(`{"stage":"heaviest","augment":"imagenet"}`), &old); err != nil || old.Pack {
		t.Errorf("older settings: %+v, %v", old, err)
	}
}

// Preparing a training of a folder of images makes its pack, and says so.
func TestPrepareUsesAPack(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	_, dir := datatest.Twins(t, 16, 4, 20, 8)
	for _, c := range []struct{ pack, said bool }{{false, false}, {true, true}, {true, false}} {
		train, val, err := dataset.Open(t.Context(), dir, dataset.Options{Size: 16})
		if err != nil {
			t.Fatal(err)
		}
		s := Small(Heaviest)
		s.Pack = c.pack
		if _, err := Prepare(t.Context(), s, &Options{}, train, val); err != nil {
			t.Fatal(err)
		}
		notes := strings.Join(train.Notes(), "\n")
		if strings.Contains(notes, "decoded once and kept at 16 pixels in "+dataset.PackFolder()) != c.said {
			t.Errorf("%+v: notes %q", c, notes)
		}
		if packs, err := dataset.Packs(); err != nil || len(packs) > 0 != c.pack {
			t.Errorf("%+v: %v, %v", c, packs, err)
		}
	}
}
