package dataset

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// writeFile writes a file and the folders above it.
func writeFile(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// plain is an image file of one colour.
func plain(t testing.TB, ext string, width, height int, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, c)
		}
	}
	var b bytes.Buffer
	encode := func(w io.Writer) error { return png.Encode(w, m) }
	if ext != ".png" {
		encode = func(w io.Writer) error { return jpeg.Encode(w, m, nil) }
	}
	if err := encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// imageFolder writes n images per class and part: red ants, green bees, blue
// cats, of various forms.
func imageFolder(t testing.TB, n int) string {
	dir := t.TempDir()
	classes := map[string]color.RGBA{"ant": {255, 0, 0, 255}, "bee": {0, 255, 0, 255}, "cat": {0, 0, 255, 255}}
	for _, part := range []string{"train", "val"} {
		for name, c := range classes {
			for i := range n {
				ext := []string{".png", ".jpg", ".JPEG"}[i%3]
				writeFile(t, filepath.Join(dir, part, name, fmt.Sprintf("%03d%s", i, ext)), plain(t, ext, 20+7*i%30, 20+5*i%40, c))
			}
			writeFile(t, filepath.Join(dir, part, name, "notes.txt"), nil)
		}
	}
	return dir
}

func TestImageFolder(t *testing.T) {
	train, val, err := Open(context.Background(), imageFolder(t, 5), Options{Size: 16, Classes: 3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(train.ClassNames, []string{"ant", "bee", "cat"}) || train.Len() != 15 || val.Len() != 15 || train.Mean != imageNetMean {
		t.Fatalf("%+v, %d and %d images", train, train.Len(), val.Len())
	}
	for _, o := range []LoaderOptions{{Batch: 4, Evaluate: true}, {Batch: 5, Augment: Augment{Crop: 0.08, Flip: 0.5}}} {
		for _, b := range collect(t, train, o, 0, 0, 3) {
			for i, label := range b.Labels {
				for c := range 3 {
					want := -train.Mean[c] / train.Std[c]
					if c == label {
						want = (1 - train.Mean[c]) / train.Std[c]
					}
					for _, x := range b.X[(3*i+c)*256:][:256] {
						if diff := float64(x) - want; diff < -0.06 || diff > 0.06 { // JPEG rounds
							t.Fatalf("channel %d of class %d is %g, expected %g", c, label, x, want)
						}
					}
				}
			}
		}
	}
}

// Class folders may be links, images may lie deeper, hidden files are none.
func TestImageFolderLinks(t *testing.T) {
	dir, links := imageFolder(t, 2), t.TempDir()
	for _, part := range []string{"train", "val"} {
		for _, class := range []string{"ant", "bee"} {
			if err := os.MkdirAll(filepath.Join(links, part), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(filepath.Join(dir, part, class), filepath.Join(links, part, class)); err != nil {
				t.Skip("no links here: ", err)
			}
		}
	}
	writeFile(t, filepath.Join(dir, "train/bee/deeper/9.png"), plain(t, ".png", 5, 5, color.White))
	writeFile(t, filepath.Join(dir, "train/bee/._9.png"), nil)
	train, _, err := Open(context.Background(), links, Options{Size: 8})
	if err != nil {
		t.Fatal(err)
	}
	collect(t, train, LoaderOptions{Batch: 5, Evaluate: true}, 0, 0, 1)
	if u := train.Unreadable(); train.Len() != 5 || u.Count != 0 {
		t.Errorf("%d images, unreadable: %v", train.Len(), u)
	}
}

// The middle of the image is what evaluation sees, and at larger sizes 224/256
// of it.
func TestCentre(t *testing.T) {
	for _, c := range []struct {
		b    image.Rectangle
		trim bool
		want image.Rectangle
	}{
		{image.Rect(0, 0, 500, 256), true, image.Rect(138, 16, 362, 240)},
		{image.Rect(0, 0, 256, 300), false, image.Rect(0, 22, 256, 278)},
		{image.Rect(0, 0, 1, 9), true, image.Rect(0, 4, 1, 5)},
	} {
		if got := (&Set{trim: c.trim}).centre(c.b); got != c.want {
			t.Errorf("centre of %v is %v, expected %v", c.b, got, c.want)
		}
	}
	dir := imageFolder(t, 1)
	for size, want := range map[int]bool{32: false, 96: false, 128: true, 0: true} {
		_, val, err := Open(context.Background(), dir, Options{Size: size})
		if err != nil {
			t.Fatal(err)
		}
		if val.trim != want {
			t.Errorf("size %d: trimmed: %v", size, val.trim)
		}
	}
}

// Bad files are named and left out: training takes another image, evaluation a
// shorter batch, alike each time.
func TestUnreadableImages(t *testing.T) {
	dir := imageFolder(t, 10)
	bad := []string{"train/ant/000.png", "train/bee/004.jpg", "val/cat/003.png"}
	for i, name := range bad {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, path, [][]byte{nil, data[:len(data)/2], []byte("no image")}[i])
	}
	o := Options{Size: 8, MaxUnreadable: 0.07}
	train, val, err := Open(context.Background(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	images := func(s *Set, o LoaderOptions) (all []int) {
		for _, b := range collect(t, s, o, 0, 0, -1) {
			all = append(all, b.Images...)
		}
		return all
	}
	first := images(train, LoaderOptions{Batch: 6, Workers: 3})
	if len(first) != 30 || slices.Contains(first, 0) || slices.Contains(first, 14) {
		t.Errorf("trained on %v", first)
	}
	u := train.Unreadable()
	text := fmt.Sprint(u.First)
	if u.Count != 2 || u.Of != 30 || !strings.Contains(text, "000.png") || !strings.Contains(text, "004.jpg") {
		t.Errorf("%+v", u)
	}
	if again := images(train, LoaderOptions{Batch: 6, Workers: 1}); !slices.Equal(first, again) {
		t.Error("read again, other images take the place of unreadable ones")
	}
	if seen := images(val, LoaderOptions{Batch: 25, Evaluate: true}); len(seen) != 29 || slices.Contains(seen, 23) || !slices.IsSorted(seen) {
		t.Errorf("evaluated on %v", seen)
	}

	o.MaxUnreadable = 0.04
	if train, _, err = Open(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	l, err := NewLoader(train, LoaderOptions{Batch: 6})
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range l.Epoch(context.Background(), 0, 0) {
	}
	if !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), "2 of 30, at most 1") {
		t.Errorf("ended with %v", err)
	}
	id, err := Identify(t.Context(), train, val)
	if err != nil {
		t.Fatal(err)
	}
	for _, packed := range []bool{false, true} {
		for most, want := range map[float64]error{0.07: nil, 0.04: ErrUnreadable} {
			o.MaxUnreadable = most
			if train, val, err = Open(t.Context(), dir, o); err != nil {
				t.Fatal(err)
			}
			if packed {
				if err := UsePack(t.Context(), id, true, train, val); err != nil {
					t.Fatal(err)
				}
			}
			read := 0
			err := train.Readable(t.Context(), func(done, _ int) { read = done })
			if u := train.Unreadable(); !errors.Is(err, want) || u.Count != 2 || u.TooMany != (want != nil) || read != 30 {
				t.Errorf("packed %v, at most %g: %v of %d, %+v", packed, most, err, read, u)
			}
			if err := val.Readable(t.Context(), nil); err != nil && want == nil {
				t.Errorf("packed %v: val: %v", packed, err)
			}
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(dir string)
		o      Options
		is     error
		words  string
	}{
		"no val":       {func(dir string) { os.RemoveAll(filepath.Join(dir, "val")) }, Options{}, ErrFormat, "no folder val"},
		"classes":      {func(string) {}, Options{Classes: 1000}, ErrClasses, "it has 3, expected 1000"},
		"val class":    {func(dir string) { writeFile(t, filepath.Join(dir, "val/dog/1.png"), nil) }, Options{}, ErrClasses, `"dog"`},
		"fewer in val": {func(dir string) { os.RemoveAll(filepath.Join(dir, "val/ant")) }, Options{}, ErrClasses, "train has 3, val has 2"},
		"empty class":  {func(dir string) { os.Remove(filepath.Join(dir, "train/bee/000.png")) }, Options{}, ErrFormat, "bee"},
		"size":         {func(string) {}, Options{Size: 5000}, ErrOptions, "5000"},
		"share":        {func(string) {}, Options{MaxUnreadable: 2}, ErrOptions, "2"},
		"nothing":      {func(dir string) { os.RemoveAll(filepath.Join(dir, "train")); os.RemoveAll(filepath.Join(dir, "val")) }, Options{}, ErrFormat, "CIFAR-10"},
		"no train":     {func(dir string) { os.RemoveAll(filepath.Join(dir, "train")) }, Options{}, ErrFormat, "no folder train"},
		"no folder":    {func(dir string) { os.RemoveAll(dir) }, Options{}, os.ErrNotExist, "no such file"},
	} {
		dir := imageFolder(t, 1)
		c.change(dir)
		if _, _, err := Open(context.Background(), dir, c.o); !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.words) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func cifarRecords(labels ...byte) []byte {
	var out []byte
	for i, l := range labels {
		out = append(append(out, l), bytes.Repeat([]byte{byte(10 * i), byte(i), 255}, cifarSide*cifarSide)...)
	}
	return out
}

func TestCIFAR(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "cifar-10-batches-bin")
	for n := 1; n <= 5; n++ {
		writeFile(t, filepath.Join(folder, fmt.Sprintf("data_batch_%d.bin", n)), cifarRecords(byte(n), 9))
	}
	writeFile(t, filepath.Join(folder, "test_batch.bin"), cifarRecords(3))
	for _, d := range []string{dir, folder} {
		train, val, err := Open(context.Background(), d, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if train.Len() != 10 || val.Len() != 1 || train.Classes != 10 || train.ClassNames[3] != "cat" || !slices.Equal(train.Labels(), []int{1, 9, 2, 9, 3, 9, 4, 9, 5, 9}) {
			t.Errorf("%+v, labels %v", train, train.Labels())
		}
		b := collect(t, train, LoaderOptions{Batch: 10, Evaluate: true}, 0, 0, 1)[0]
		if got, want := b.X[3*1024+1], float32((1/255.0-cifarMean[0])/cifarStd[0]); got-want > 1e-5 || want-got > 1e-5 {
			t.Errorf("value %g, expected %g", got, want)
		}
	}
	for words, data := range map[string][]byte{
		"record 1 has 5 bytes":  append(cifarRecords(1), 1, 2, 3, 4, 5),
		"record 1 has label 10": cifarRecords(0, 10),
		"record 0 has 0 bytes":  {},
	} {
		writeFile(t, filepath.Join(folder, "data_batch_2.bin"), data)
		if _, _, err := Open(context.Background(), dir, Options{}); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "data_batch_2.bin") {
			t.Errorf("%v, expected %q", err, words)
		}
	}
	os.Remove(filepath.Join(folder, "data_batch_2.bin"))
	if _, _, err := Open(context.Background(), dir, Options{}); !errors.Is(err, ErrFormat) {
		t.Errorf("without the second file: %v", err)
	}
}

func idxBytes(t testing.TB, shape []int, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeIDX(&b, shape, data); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestIDX(t *testing.T) {
	pixels := []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23} // two images
	for name, shape := range map[string][]int{"grey": {6, 2, 2}, "planes": {2, 3, 2, 2}, "interleaved": {2, 2, 2, 3}} {
		dir := t.TempDir()
		labels := []byte{2, 0, 1, 2, 0, 1}[:shape[0]]
		kind := map[int]string{3: "idx3", 4: "idx4"}[len(shape)]
		writeFile(t, filepath.Join(dir, "train-images-"+kind+"-ubyte.gz"), packed(t, idxBytes(t, shape, pixels)))
		writeFile(t, filepath.Join(dir, "train-labels-idx1-ubyte"), idxBytes(t, shape[:1], labels))
		writeFile(t, filepath.Join(dir, "t10k-images-"+kind+"-ubyte"), idxBytes(t, shape, pixels))
		writeFile(t, filepath.Join(dir, "t10k-labels-idx1-ubyte.gz"), packed(t, idxBytes(t, shape[:1], labels)))
		writeFile(t, filepath.Join(dir, descriptionFile), []byte(`{"name": "mine", "mean": [0, 0, 0], "std": [1, 1, 1]}`))
		train, val, err := Open(context.Background(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if train.Name != "mine" || train.Classes != 3 || train.Size != 2 || val.Len() != shape[0] {
			t.Errorf("%s: %+v", name, train)
		}
		b := collect(t, train, LoaderOptions{Batch: 2, Evaluate: true}, 0, 0, 1)[0]
		var got []int
		for _, x := range b.X[12:] {
			got = append(got, int(x*255+0.5))
		}
		want := map[string][]int{
			"grey":        {4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7},
			"planes":      {12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23},
			"interleaved": {12, 15, 18, 21, 13, 16, 19, 22, 14, 17, 20, 23},
		}[name]
		if !slices.Equal(got, want) {
			t.Errorf("%s: second image %v, expected %v", name, got, want)
		}
		os.Remove(filepath.Join(dir, descriptionFile))
		if train, _, err = Open(context.Background(), dir, Options{Size: 5}); err != nil {
			t.Fatal(err)
		}
		if train.Size != 5 || train.Name != filepath.Base(dir) || train.Mean[0] < 0.02 || train.Mean[0] > 0.06 {
			t.Errorf("%s: %+v", name, train)
		}
		if b := collect(t, train, LoaderOptions{Batch: 1}, 0, 0, 1)[0]; len(b.X) != 75 {
			t.Errorf("%s: %d values at size 5", name, len(b.X))
		}
	}
}

func TestIDXRefuses(t *testing.T) {
	for words, data := range map[string][]byte{
		"fewer than 4 bytes":     {0, 0, 8},
		"starts with 0x50":       []byte("PK\x03\x04"),
		"element type 0x0d":      {0, 0, 13, 1, 0, 0, 0, 1, 0},
		"0 dimensions":           {0, 0, 8, 0},
		"5 dimensions":           {0, 0, 8, 5},
		"before dimension 2 of":  {0, 0, 8, 2, 0, 0, 0, 1},
		"found 1, expected 2":    {0, 0, 8, 1, 0, 0, 0, 2, 9},
		"found more than the 1":  {0, 0, 8, 1, 0, 0, 0, 1, 9, 9},
		"dimension 2 is 0":       {0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 0},
		"dimension 1 is 4294967": {0, 0, 8, 2, 255, 255, 255, 255, 255, 255, 255, 255},
	} {
		if _, err := readIDX(bytes.NewReader(data)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), words) {
			t.Errorf("%v: %v, expected %q", data, err, words)
		}
	}
	path := filepath.Join(t.TempDir(), "x.gz")
	data := packed(t, idxBytes(t, []int{3}, []byte{1, 2, 3}))
	data[len(data)-8] ^= 1 // the checksum
	writeFile(t, path, data)
	if _, err := openIDX(context.Background(), path); !errors.Is(err, ErrFormat) {
		t.Errorf("a wrong checksum: %v", err)
	}
}

func TestDescriptionRefuses(t *testing.T) {
	for _, text := range []string{"", "[]", `{"mean": [0, 0, 0]}`, `{"mean": [0], "std": [1]}`, `{"mean": [0, 0, 0], "std": [1, 0, 1]}`, `{"mean": [0, 99, 0], "std": [1, 1, 1]}`, `{"name": "` + strings.Repeat("x", 101) + `"}`} {
		if _, err := decodeDescription([]byte(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
