package cli

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// idxFolder is a data set of IDX files: per part, n grey images of 4x4 in three
// classes.
func idxFolder(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"train", "t10k"} {
		images := append([]byte{0, 0, 8, 3, 0, 0, 0, byte(n), 0, 0, 0, 4, 0, 0, 0, 4}, make([]byte, 16*n)...)
		labels := []byte{0, 0, 8, 1, 0, 0, 0, byte(n)}
		for i := range n {
			images[16+16*i] = byte(i)
			labels = append(labels, byte(i%3))
		}
		for name, data := range map[string][]byte{"images-idx3": images, "labels-idx1": labels} {
			if err := os.WriteFile(filepath.Join(dir, part+"-"+name+"-ubyte"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestDataShow(t *testing.T) {
	dir := idxFolder(t, 7)
	r := decode[dataReport](t, mustRun(t, "data", "show", dir, "--json"))
	if r.Name != filepath.Base(dir) || r.ImageSize != 4 || r.Classes != 3 || r.Train != 7 || r.Val != 7 || r.TrainPer != [2]int{2, 3} {
		t.Errorf("%+v", r)
	}
	if text := mustRun(t, "data", "show", dir); !strings.Contains(text, "3: 0, 1, 2") || !strings.Contains(text, "7 images, 2 to 3 per class") {
		t.Error(text)
	}
}

func TestDataBadInput(t *testing.T) {
	dir := idxFolder(t, 7)
	for _, c := range []struct {
		args  []string
		code  int
		words string
	}{
		{[]string{"data", "show", dir, "--classes", "10"}, exitUsage, "it has 3, expected 10"},
		{[]string{"data", "show", dir, "--image-size", "-1"}, exitUsage, "image size -1"},
		{[]string{"data", "show", t.TempDir()}, exitUsage, "no folder train"},
		{[]string{"data", "show", filepath.Join(dir, "none")}, exitUsage, "no such file or directory; expected a folder, or the name of one in"},
		{[]string{"data", "show"}, exitUsage, "FOLDER|NAME"},
		{[]string{"data"}, exitUsage, "digits, emoji, pack, packs"},
		{[]string{"data", "digits", "--mnist", dir, "--out", t.TempDir()}, exitUsage, "that of MNIST"},
		{[]string{"data", "digits", "--mnist", t.TempDir(), "--out", t.TempDir()}, exitUsage, "it has no file train-images-idx3-ubyte"},
	} {
		r := runCLI(t, c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.words) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%v: %+v, expected code %d and %q", c.args, r, c.code, c.words)
		}
	}
}

// imageFolder is a data set of folders 1 to 10 of images, one of which cannot be
// read, and of files that are none.
func imageFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"train", "val"} {
		for class := 1; class <= 10; class++ {
			folder := filepath.Join(dir, part, strconv.Itoa(class))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 4, 4))); err != nil {
				t.Fatal(err)
			}
			for name, data := range map[string][]byte{"a.png": b.Bytes(), ".a.png": nil, "a.txt": []byte("ten")} {
				if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "val", "7", "b.jpg"), []byte("<!DOCTYPE html>404"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// What is wrong with a data set is said, in text and in JSON.
func TestDataShowSaysWhatIsWrong(t *testing.T) {
	dir, file := imageFolder(t), filepath.Join(t.TempDir(), "bad.jsonl")
	r := decode[dataReport](t, mustRun(t, "data", "show", dir, "--json", "--check", "--unreadable", file))
	if r.ClassOrder != dataset.NaturalOrder || !r.OrderMatters || strings.Join(r.ClassNames, " ") != "1 2 3 4 5 6 7 8 9 10" {
		t.Errorf("%+v", r)
	}
	if u := r.ValUnreadable; r.TrainUnreadable.Count != 0 || r.TrainUnreadable.Of != 10 || u.Count != 1 || u.Of != 11 || u.First[0].Image != "val/7/b.jpg" || !strings.Contains(u.First[0].Reason, "DOCTYPE") {
		t.Errorf("unreadable %+v, %+v", r.TrainUnreadable, u)
	}
	if l := r.TrainLeftOut; len(l) != 2 || l[0].Count != 10 || l[1].Count != 10 || l[1].First[9] != "10/a.txt" {
		t.Errorf("left out %+v", l)
	}
	if data := readFile(t, file); string(data) != `{"image":"val/7/b.jpg","reason":"it begins with \"<!DOCTYPE html>4\", expected JPEG, PNG, WebP, GIF, BMP or TIFF"}`+"\n" {
		t.Errorf("%s", data)
	}
	text := mustRun(t, "data", "show", dir, "--class-order", "bytes")
	for _, words := range []string{
		"10: 1, 10, 2,", "are numbered in order of bytes", "all 10 images, none unreadable",
		"all 11 images, 1 unreadable", "1 of 11 images could not be read", "  val/7/b.jpg: it begins with", "note: left out of val, hidden: 10: ",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
	if err := os.RemoveAll(filepath.Join(dir, "train")); err != nil {
		t.Fatal(err)
	}
	if text := mustRun(t, "data", "show", dir); !strings.Contains(text, "none: all that is possible") {
		t.Error(text)
	}
}

// A pack is made, listed, kept from then on, and removed.
func TestDataPack(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	_, dir := datatest.Twins(t, 16, 4, 20, 8)
	if err := os.WriteFile(filepath.Join(dir, "val", "1", "00002.png"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	r := decode[packReport](t, mustRun(t, "data", "pack", dir, "--image-size", "32", "--json"))
	if r.Images != 27 || r.ImageSize != 32 || r.Root != dir || r.Bytes < 27*3*32*32 || r.ValUnreadable.Count != 1 {
		t.Errorf("%+v", r)
	}
	if text := mustRun(t, "data", "pack", dir, "--image-size", "32"); !strings.Contains(text, r.Folder+": 27 images at 32 pixels") || !strings.Contains(text, "00002.png") {
		t.Error(text)
	}
	type list struct {
		Packs   []dataset.PackInfo
		Removed bool
	}
	if l := decode[list](t, mustRun(t, "data", "packs", "--json")); len(l.Packs) != 1 || l.Packs[0] != r.PackInfo || l.Removed {
		t.Errorf("%+v", l)
	}
	if text := mustRun(t, "data", "packs", dir, "--remove"); !strings.Contains(text, "removed: "+filepath.Base(dir)+", 32 pixels") {
		t.Error(text)
	}
	if text := mustRun(t, "data", "packs"); !strings.Contains(text, "no packs in "+dataset.PackFolder()) {
		t.Error(text)
	}
	for words, args := range map[string][]string{
		"no pack of":       {"data", "packs", dir},
		"need no pack":     {"data", "pack", idxFolder(t, 7)},
		"image size 70000": {"data", "pack", dir, "--image-size", "70000"},
	} {
		if r := runCLI(t, args...); r.code != exitUsage || !strings.Contains(r.err, words) {
			t.Errorf("%v: %+v, expected %q", args, r, words)
		}
	}
}

// --check names what is odd, as text and in JSON.
func TestDataCheck(t *testing.T) {
	_, dir := datatest.Twins(t, 16, 4, 20, 8)
	same, err := os.ReadFile(filepath.Join(dir, "train", "0", "00001.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "val", "1", "00003.png")); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"val/0/00000.png": same, "train/3/00019.png": nil, "train/2/note.txt": []byte("no image")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	r := decode[dataReport](t, mustRun(t, "data", "show", dir, "--image-size", "32", "--check", "--json"))
	if r.TrainCheck.Images != 19 || r.TrainCheck.Small.Count != 19 || r.Duplicates.Parts != 1 || r.TrainUnreadable.Count != 1 || r.TrainLeftOut[0].First[0] != "2/note.txt" || r.ValCheck.Classes[0] != 2 {
		t.Errorf("%+v %+v %+v", r, r.TrainCheck, r.Duplicates)
	}
	text := mustRun(t, "data", "show", dir, "--image-size", "32", "--check")
	for _, words := range []string{
		"all of 5 images", "largest 0 (2), smallest 1 (1)", "16x16 to 16x16, median 16x16", "19 images of train with a side below 32 pixels, enlarged: train/0/00000.png, ",
		"duplicates", "1 image; 1 both in train and val", "train/0/00001.png = val/0/00000.png", "train/3/00019.png: the file is empty", "2/note.txt",
	} {
		if !strings.Contains(text, words) {
			t.Errorf("%q is not in\n%s", words, text)
		}
	}
	if text := mustRun(t, "data", "show", dir); strings.Contains(text, "duplicates") {
		t.Error("duplicates are looked for without --check")
	}
}

// The figure is a picture of augmented images.
func TestDataFigure(t *testing.T) {
	_, dir := datatest.Twins(t, 16, 4, 20, 8)
	file := filepath.Join(t.TempDir(), "sheet.png")
	r := decode[dataReport](t, mustRun(t, "data", "show", dir, "--image-size", "32", "--figure", file, "--augment", "imagenet", "--json"))
	if want := (contactSheetReport{file, 8, 7, "imagenet"}); r.Figure == nil || *r.Figure != want {
		t.Errorf("%+v", r.Figure)
	}
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if m, err := png.Decode(f); err != nil || m.Bounds() != image.Rect(0, 0, 2+8*66, 2+8*66) {
		t.Error(m.Bounds(), err)
	}
	if text := mustRun(t, "data", "show", idxFolder(t, 7), "--figure", file); !strings.Contains(text, "sheet.png: 7 images as evaluation sees them, then 7 times each as --augment digits does") {
		t.Error(text)
	}
	for words, args := range map[string][]string{"ends in .png": {"--figure", "sheet.svg"}, "augmentation \"odd\"": {"--figure", file, "--augment", "odd"}} {
		if r := runCLI(t, append([]string{"data", "show", dir}, args...)...); r.code != exitUsage || !strings.Contains(r.err, words) {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
