package dataset

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// What file managers, notebooks and servers leave in folders is neither a class
// nor an image, and is named.
func TestFolderOddities(t *testing.T) {
	dir := imageFolder(t, 2)
	dot := plain(t, ".png", 5, 5, color.White)
	for _, name := range []string{
		"train/ant/.ipynb_checkpoints/000-checkpoint.png", "train/ant/._000.png", "train/.DS_Store",
		"train/__MACOSX/ant/._000.png", "train/ant/@eaDir/000.png", "train/bee/lost+found/1.png",
		"train/notes.txt", "train/cat/deep/deeper/1.PNG", "train/cat/2.webp.txt", "train/cat/folder.png/3.png",
	} {
		writeFile(t, filepath.Join(dir, name), dot)
	}
	writeFile(t, filepath.Join(dir, "train/cat/readme.png.txt"), []byte("no image"))
	train, val, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if train.Len() != 3*2+3 || val.Len() != 6 || len(train.ClassNames) != 3 {
		t.Errorf("%d and %d images in %v", train.Len(), val.Len(), train.ClassNames)
	}
	want := []LeftOut{
		{leftHidden, 3, []string{".DS_Store", "ant/._000.png", "ant/.ipynb_checkpoints"}},
		{leftSystem, 3, []string{"__MACOSX", "ant/@eaDir", "bee/lost+found"}},
		{leftLoose, 1, []string{"notes.txt"}},
		{leftFormat, 4, []string{"ant/notes.txt", "bee/notes.txt", "cat/notes.txt", "cat/readme.png.txt"}},
	}
	if got := train.LeftOut(); !reflect.DeepEqual(got, want) {
		t.Errorf("left out:\n%+v, expected\n%+v", got, want)
	}
	if got := val.Notes(); !slices.Equal(got, []string{"left out of val, not an image in a format that is read: 3: ant/notes.txt, bee/notes.txt, cat/notes.txt"}) {
		t.Errorf("notes %q", got)
	}
}

// Many files are counted, and ten of them named.
func TestLeftOutIsBounded(t *testing.T) {
	dir := imageFolder(t, 1)
	for i := range 30 {
		writeFile(t, filepath.Join(dir, "val/ant", fmt.Sprintf("%02d.xml", i)), nil)
	}
	_, val, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l := val.LeftOut(); len(l) != 1 || l[0].Count != 33 || len(l[0].First) != maxNamed {
		t.Errorf("%+v", l)
	}
	if n := val.Notes(); len(n) != 1 || !strings.Contains(n[0], ": 33: ant/00.xml, ") || !strings.HasSuffix(n[0], "ant/09.xml, …") {
		t.Errorf("%q", n)
	}
}

func TestNotesOfClassOrder(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"train/9/1.png", "train/10/1.png", "val/9/1.png", "val/10/1.png"} {
		writeFile(t, filepath.Join(dir, name), plain(t, ".png", 5, 5, color.White))
	}
	for order, words := range map[ClassOrder]string{NaturalOrder: "are numbered in natural order, as BINAS and timm do: 9, 10 (", BytesOrder: "are numbered in order of bytes, as torchvision does: 10, 9 ("} {
		train, _, err := Open(context.Background(), dir, Options{ClassOrder: order})
		if err != nil {
			t.Fatal(err)
		}
		if n := train.Notes(); len(n) != 1 || !strings.Contains(n[0], words) {
			t.Errorf("%s: %q", order, n)
		}
	}
}

func TestFoldersOfValidation(t *testing.T) {
	for _, name := range valFolders {
		dir := imageFolder(t, 1)
		if err := os.Rename(filepath.Join(dir, "val"), filepath.Join(dir, name)); err != nil && name != "val" {
			t.Fatal(err)
		}
		if _, val, err := Open(context.Background(), dir, Options{}); err != nil || val.Len() != 3 || val.Part != "val" {
			t.Errorf("%s: %+v, %v", name, val, err)
		}
		// Without train it is enough for whoever says so.
		if err := os.RemoveAll(filepath.Join(dir, "train")); err != nil {
			t.Fatal(err)
		}
		train, val, err := Open(context.Background(), dir, Options{ValAlone: true})
		if err != nil || train != nil || val.Len() != 3 || val.Part != "val" || val.Root == "" {
			t.Errorf("%s alone: %+v, %+v, %v", name, train, val, err)
		}
		if _, _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "a folder "+name+" and no folder train") {
			t.Errorf("%s alone: %v", name, err)
		}
	}
	dir := imageFolder(t, 1)
	writeFile(t, filepath.Join(dir, "valid/dog/1.png"), nil)
	_, val, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if l := val.LeftOut(); val.Len() != 3 || l[0].Why != "beside val" || l[0].First[0] != "valid" {
		t.Errorf("%d images, left out %+v", val.Len(), l)
	}
}

// A folder without val, or of classes alone, is divided: by names, in every class,
// and so that more images leave most where they are.
func TestFoldersWithoutVal(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := t.TempDir()
	for class, n := range map[string]int{"cat": 30, "dog": 12, "eel": 2} {
		for i := range n {
			writeFile(t, filepath.Join(dir, class, fmt.Sprintf("%d.png", i)), plain(t, ".png", 8, 8, color.Gray{uint8(i)}))
		}
	}
	names := func(s *Set) (out []string) {
		for _, i := range s.index {
			out = append(out, s.images.(*folder).names[i])
		}
		return out
	}
	train, val, err := Open(t.Context(), dir, Options{Size: 16})
	if err != nil {
		t.Fatal(err)
	}
	if got := val.PerClass(); !slices.Equal(got, []int{6, 2, 1}) || train.Len() != 35 || train.Part != "train" || val.Part != "val" {
		t.Errorf("held out %v, %d to train on", got, train.Len())
	}
	both := append(names(train), names(val)...)
	slices.Sort(both)
	if len(slices.Compact(both)) != 44 {
		t.Error("an image is in both parts, or in none")
	}
	if notes := strings.Join(val.Notes(), "\n"); !strings.Contains(notes, "its 3 folders are the classes") || !strings.Contains(notes, "20%") {
		t.Errorf("not said: %q", notes)
	}
	id, err := Identify(t.Context(), train, val)
	if err != nil || id.Train != 35 || id.Val != 9 {
		t.Fatalf("%+v, %v", id, err)
	}
	p, err := OpenPack(t.Context(), id, train, val)
	if err == nil {
		err = p.Fill(t.Context(), nil)
	}
	if err != nil || p.files[0].counts()[formWhole] != 35 || p.files[1].counts()[formWhole] != 9 {
		t.Errorf("packs hold %v and %v: %v", p.files[0].counts(), p.files[1].counts(), err)
	}
	held := names(val)
	writeFile(t, filepath.Join(dir, "cat", "more.png"), plain(t, ".png", 8, 8, color.Black))
	if _, val, err = Open(t.Context(), dir, Options{ClassOrder: BytesOrder}); err != nil {
		t.Fatal(err)
	}
	moved := 0
	for _, name := range held {
		if !slices.Contains(names(val), name) {
			moved++
		}
	}
	if moved > 1 {
		t.Errorf("%d images are held out no more after one was added", moved)
	}
	// With a folder train it is the same.
	parted := t.TempDir()
	if err := os.Rename(dir, filepath.Join(parted, "train")); err != nil {
		t.Fatal(err)
	}
	if _, again, err := Open(t.Context(), parted, Options{}); err != nil || !slices.Equal(names(again), names(val)) || !strings.Contains(strings.Join(again.Notes(), "\n"), "no folder val") {
		t.Errorf("%v", err)
	}
	// A folder of data sets is none.
	writeFile(t, filepath.Join(parted, "other", "x.png"), plain(t, ".png", 8, 8, color.Black))
	above := t.TempDir()
	if err := os.Rename(parted, filepath.Join(above, "set")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(t.Context(), above, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("a folder of data sets: %v", err)
	}
	lone := t.TempDir()
	writeFile(t, filepath.Join(lone, "a", "1.png"), plain(t, ".png", 8, 8, color.Black))
	writeFile(t, filepath.Join(lone, "b", "1.png"), plain(t, ".png", 8, 8, color.Black))
	if _, _, err := Open(t.Context(), lone, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "one image") {
		t.Errorf("one image of a class: %v", err)
	}
}

// One class cannot be told from others, in whatever format.
func TestOneClass(t *testing.T) {
	dir := imageFolder(t, 1)
	for _, name := range []string{"train/bee", "train/cat", "val/bee", "val/cat"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	idx := t.TempDir()
	for _, part := range []string{"train", "t10k"} {
		writeFile(t, filepath.Join(idx, part+imagesFile), idxBytes(t, []int{2, 1, 1}, []byte{1, 2}))
		writeFile(t, filepath.Join(idx, part+labelsFile), idxBytes(t, []int{2}, []byte{0, 0}))
	}
	for _, d := range []string{dir, idx} {
		if _, _, err := Open(context.Background(), d, Options{}); !errors.Is(err, ErrClasses) || !strings.Contains(err.Error(), "expected at least 2") {
			t.Error(err)
		}
	}
}

// Links are followed, but not in circles.
func TestLinksInCircles(t *testing.T) {
	dir := imageFolder(t, 1)
	outside := t.TempDir()
	writeFile(t, filepath.Join(outside, "more/1.png"), plain(t, ".png", 5, 5, color.White))
	for from, to := range map[string]string{"train/ant/self": "..", "train/ant/outside": outside, "train/bee/nowhere.png": "nowhere"} {
		if err := os.Symlink(to, filepath.Join(dir, from)); err != nil {
			t.Skip("no links here: ", err)
		}
	}
	train, _, err := Open(context.Background(), dir, Options{MaxUnreadable: 1})
	if err != nil {
		t.Fatal(err)
	}
	names := train.images.(*folder).names
	if !slices.Contains(names, "ant/outside/more/1.png") || !slices.Contains(names, "bee/nowhere.png") || len(names) != 5 {
		t.Errorf("images %q", names)
	}
	if l := fmt.Sprint(train.LeftOut()); !strings.Contains(l, leftLoop) {
		t.Errorf("left out %s", l)
	}
	if err := train.Try(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	if u := train.Unreadable(); u.Count != 1 || u.First[0] != (BadImage{"train/bee/nowhere.png", "no such file or directory"}) {
		t.Errorf("%+v", u)
	}
}

// Try finds all that cannot be read, however many; what finds them is named with
// the reason, and kept once in a file.
func TestTry(t *testing.T) {
	dir := imageFolder(t, 10)
	for i, name := range []string{"train/ant/000.png", "train/bee/001.jpg", "train/cat/003.png"} {
		writeFile(t, filepath.Join(dir, name), [][]byte{nil, []byte("<html>"), []byte("BM")}[i])
	}
	train, val, err := Open(context.Background(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for _, s := range []*Set{train, val} {
		if err := s.Try(context.Background(), func(done, total int) { calls++ }); err != nil {
			t.Fatal(err)
		}
	}
	u := train.Unreadable()
	if u.Count != 3 || u.Of != 30 || len(train.BadImages()) != 3 || val.Unreadable().Count != 0 || calls != 60 {
		t.Errorf("%+v, %+v, %d calls", u, val.Unreadable(), calls)
	}
	want := []string{
		"3 of 30 images could not be read and are not counted:",
		"  train/ant/000.png: the file is empty",
		`  train/bee/001.jpg: it begins with "<html>", expected JPEG, PNG, WebP, GIF, BMP or TIFF`,
		`  train/cat/003.png: it begins with "BM", expected JPEG, PNG, WebP, GIF, BMP or TIFF`,
		"  all are in run/unreadable.jsonl",
	}
	if got := u.Lines("are not counted", "run/unreadable.jsonl"); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	// A part of the set has those of its own.
	part, err := train.Subset([]int{0, 5, 29})
	if err != nil {
		t.Fatal(err)
	}
	if u := part.Unreadable(); u.Count != 1 || u.Of != 3 {
		t.Errorf("part: %+v", u)
	}

	file := filepath.Join(t.TempDir(), "run", UnreadableFile)
	if err := NoteUnreadable(file, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file without need: %v", err)
	}
	for _, bad := range [][]BadImage{part.BadImages(), train.BadImages(), train.BadImages()} {
		if err := NoteUnreadable(file, bad); err != nil {
			t.Fatal(err)
		}
	}
	release, err := safefile.LockBeside(t.Context(), file, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := NoteUnreadable(file, train.BadImages()); !errors.Is(err, safefile.ErrLocked) {
		t.Errorf("%v, while another writes", err)
	}
	release()
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.lock")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []BadImage
	for line := range bytes.Lines(data) {
		var b BadImage
		if err := json.Unmarshal(line, &b); err != nil {
			t.Fatal(err)
		}
		got = append(got, b)
	}
	if !slices.Equal(got, train.BadImages()) {
		t.Errorf("%q", data)
	}
}

func TestManyUnreadableAreCounted(t *testing.T) {
	u := Unreadable{Count: 12, Of: 400, First: make([]BadImage, maxNamed)}
	if l := u.Lines("are not counted", ""); len(l) != 12 || l[11] != "  and 2 more" {
		t.Errorf("%q", l)
	}
	if l := u.Lines("are not counted", "f"); l[11] != "  and 2 more; all are in f" {
		t.Errorf("%q", l)
	}
	if l := (Unreadable{Of: 400}).Lines("x", "f"); l != nil {
		t.Errorf("%q", l)
	}
}

// IDX files are known by their content: packed or not whatever they are called,
// and by what they hold.
func TestIDXByContent(t *testing.T) {
	images := idxBytes(t, []int{3, 2, 2}, make([]byte, 12))
	labels := idxBytes(t, []int{3}, []byte{0, 1, 2})
	for name, files := range map[string]map[string][]byte{
		"plain and called .gz":        {"train-images-idx3-ubyte.gz": images, "train-labels-idx1-ubyte.gz": labels, "t10k-images-idx3-ubyte.gz": images, "t10k-labels-idx1-ubyte.gz": labels},
		"packed without .gz":          {"train-images-idx3-ubyte": packed(t, images), "train-labels-idx1-ubyte": packed(t, labels), "t10k-images-idx3-ubyte": packed(t, images), "t10k-labels-idx1-ubyte": packed(t, labels)},
		"names of EMNIST":             {"emnist-digits-train-images-idx3-ubyte.gz": packed(t, images), "emnist-digits-train-labels-idx1-ubyte.gz": packed(t, labels), "emnist-digits-test-images-idx3-ubyte.gz": packed(t, images), "emnist-digits-test-labels-idx1-ubyte.gz": packed(t, labels), "emnist-digits-mapping.txt": []byte("0 48")},
		"names of one's own":          {"Train pictures.bin": images, "train classes": labels, "VAL pictures": images, "val classes": labels},
		"plain beside packed":         {"train-images-idx3-ubyte": images, "train-images-idx3-ubyte.gz": packed(t, images), "train-labels-idx1-ubyte": labels, "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels},
		"a byte order mark beside it": {"train-images-idx3-ubyte": images, "train-labels-idx1-ubyte": labels, "t10k-images-idx3-ubyte": images, "t10k-labels-idx1-ubyte": labels, "dataset.json": []byte("\ufeff{\"name\": \"marked\"}")},
	} {
		dir := t.TempDir()
		for name, data := range files {
			writeFile(t, filepath.Join(dir, name), data)
		}
		train, val, err := Open(context.Background(), dir, Options{})
		if err != nil || train.Len() != 3 || val.Len() != 3 || train.Classes != 3 {
			t.Errorf("%s: %+v, %v", name, train, err)
		}
		if err == nil && (train.Name == "marked") != (files["dataset.json"] != nil) {
			t.Errorf("%s: called %s", name, train.Name)
		}
	}
	for words, files := range map[string]map[string][]byte{
		"names do not say":                          {"a": images, "b": labels},
		`2 files of labels for train, ["train-a" "`: {"train-images": images, "train-a": labels, "train-b": labels},
		"no file t10k-images-idx3-ubyte, plain":     {"train-images": images, "train-labels": labels},
		"no file val-labels-idx1-ubyte, plain":      {"train-images": images, "train-labels": labels, "val-images": images},
	} {
		dir := t.TempDir()
		for name, data := range files {
			writeFile(t, filepath.Join(dir, name), data)
		}
		if _, _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, expected %q", err, words)
		}
	}
}

func TestMarkBeforeNamesOfCIFAR(t *testing.T) {
	dir := t.TempDir()
	names := "\ufeffaeroplane car bird cat deer dog frog horse ship lorry"
	writeFile(t, filepath.Join(dir, "batches.meta.txt"), []byte(strings.ReplaceAll(names, " ", "\r\n")))
	if got := cifarNames(dir); got[0] != "aeroplane" || got[9] != "lorry" {
		t.Errorf("%q", got)
	}
}

// The decoder's work is on what was read: an image is the same however often it
// is decoded, in whatever room.
func TestDecodingDoesNotDependOnTheRoom(t *testing.T) {
	room := &image.RGBA{}
	for name := range goldenImages(t) {
		var first []byte
		for _, r := range []*image.RGBA{{}, room} {
			m, err := decodeImage(context.Background(), imageFile(t, name), r, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if values := rgb(t, m); first == nil {
				first = values
			} else if !bytes.Equal(values, first) {
				t.Errorf("%s: the image before shows through", name)
			}
		}
	}
}
