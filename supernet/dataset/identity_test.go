package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// writePNG writes a small image of noise.
func writePNG(t *testing.T, path string, seed uint64) {
	t.Helper()
	m, rng := image.NewRGBA(image.Rect(0, 0, 4, 4)), rand.New(rand.NewPCG(seed, 0))
	for i := range 16 {
		m.Set(i%4, i/4, color.RGBA{uint8(rng.IntN(256)), uint8(rng.IntN(256)), uint8(rng.IntN(256)), 255})
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err == nil {
		err = errors.Join(png.Encode(f, m), f.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
}

// identityFolder writes an ImageFolder of two classes with a few images each.
func identityFolder(t *testing.T, dir string) string {
	t.Helper()
	for i := range 12 {
		part := []string{"train", "train", "val"}[i%3]
		writePNG(t, filepath.Join(dir, part, []string{"cat", "dog"}[i%2], fmt.Sprintf("%d.png", i)), uint64(i))
	}
	return dir
}

func identify(t *testing.T, dir string) Identity {
	t.Helper()
	train, val, err := Open(t.Context(), dir, Options{Size: 16})
	if err != nil {
		t.Fatal(err)
	}
	id, err := Identify(t.Context(), train, val)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// flip changes one byte of a file.
func flip(t *testing.T, file string, at int) {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	data[at] ^= 1
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Whatever changes about the images changes the fingerprint, and is said; where
// the folder is does not.
func TestIdentityOfAFolder(t *testing.T) {
	was := identify(t, identityFolder(t, filepath.Join(t.TempDir(), "animals")))
	if was.Train != 8 || was.Val != 4 || len(was.Classes) != 2 || was.Bytes == 0 || len(was.Fingerprint) != 32 || !filepath.IsAbs(was.Root) {
		t.Fatalf("%+v", was)
	}
	moved := identify(t, identityFolder(t, filepath.Join(t.TempDir(), "other name")))
	if err := was.Check(moved); err != nil || moved.Name != "other name" {
		t.Errorf("moved: %v, %+v", err, moved)
	}
	rename := func(from, to string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name, says string
		change     func(t *testing.T, dir string)
	}{
		{"an image added", "8 training images there, 9 now", func(t *testing.T, dir string) { writePNG(t, filepath.Join(dir, "train/cat/new.png"), 99) }},
		{"an image removed", "4 validation images there, 3 now", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "val/cat/2.png")) }},
		{"an image renamed", "of other names or contents", rename("train/cat/0.png", "train/cat/00.png")},
		{"an image of another class", "of other names or contents", rename("train/cat/0.png", "train/dog/0.png")},
		{"an image in the other part", "8 training images there, 7 now", rename("train/cat/0.png", "val/cat/0.png")},
		{"a class renamed", `class 0 is "cat" there, "cats" now`, func(t *testing.T, dir string) {
			rename("train/cat", "train/cats")(t, dir)
			rename("val/cat", "val/cats")(t, dir)
		}},
		{"a class added", "2 classes there, 3 now", func(t *testing.T, dir string) {
			writePNG(t, filepath.Join(dir, "train/eel/a.png"), 1)
			writePNG(t, filepath.Join(dir, "val/eel/a.png"), 1)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := identityFolder(t, filepath.Join(t.TempDir(), "animals"))
			c.change(t, dir)
			now := identify(t, dir)
			err := was.Check(now)
			if now.Fingerprint == was.Fingerprint || !errors.Is(err, ErrOtherData) || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: expected %q", err, c.says)
			}
		})
	}
}

// Any single byte of any file counts where all files are sampled.
func TestIdentityCountsEveryByte(t *testing.T) {
	dir := identityFolder(t, filepath.Join(t.TempDir(), "animals"))
	was := identify(t, dir)
	files, err := filepath.Glob(filepath.Join(dir, "*/*/*.png"))
	if err != nil || len(files) != 12 {
		t.Fatal(files, err)
	}
	seen := map[string]string{was.Fingerprint: "as it was"}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range []int{0, int(info.Size()) / 2, int(info.Size()) - 1} {
			flip(t, file, at)
			change := fmt.Sprintf("byte %d of %s", at, file)
			if other, same := seen[identify(t, dir).Fingerprint]; same {
				t.Errorf("%s changed: as with %s", change, other)
			}
			seen[identify(t, dir).Fingerprint] = change
			flip(t, file, at)
		}
	}
	if identify(t, dir).Fingerprint != was.Fingerprint {
		t.Error("changed and changed back: another fingerprint")
	}
}

// Of a long file both ends count, and its length.
func TestIdentityOfLongFiles(t *testing.T) {
	dir := identityFolder(t, filepath.Join(t.TempDir(), "animals"))
	long := filepath.Join(dir, "train/cat/0.png")
	if err := os.WriteFile(long, make([]byte, 3*sampledEnd), 0o644); err != nil {
		t.Fatal(err)
	}
	was := identify(t, dir)
	for at, counts := range map[int]bool{0: true, sampledEnd - 1: true, sampledEnd: false, 2*sampledEnd - 1: false, 2 * sampledEnd: true, 3*sampledEnd - 1: true} {
		flip(t, long, at)
		if changed := identify(t, dir).Fingerprint != was.Fingerprint; changed != counts {
			t.Errorf("byte %d: changed %v, expected %v", at, changed, counts)
		}
		flip(t, long, at)
	}
}

// The order of classes belongs to the data: labels depend on it.
func TestIdentityOfClassOrder(t *testing.T) {
	dir := t.TempDir()
	for i, class := range []string{"2", "10"} {
		writePNG(t, filepath.Join(dir, "train", class, "a.png"), uint64(i))
		writePNG(t, filepath.Join(dir, "val", class, "a.png"), uint64(i))
	}
	ids := map[ClassOrder]Identity{}
	for _, order := range ClassOrders {
		train, val, err := Open(t.Context(), dir, Options{Size: 16, ClassOrder: order})
		if err == nil {
			ids[order], err = Identify(t.Context(), train, val)
		}
		if err != nil || ids[order].ClassOrder != order {
			t.Fatal(ids[order], err)
		}
	}
	what := ids[NaturalOrder].Differs(ids[BytesOrder])
	if want := `the classes are in another order: class 0 is "2" there, "10" now (class order natural there, bytes now)`; what != want {
		t.Errorf("%s: expected %s", what, want)
	}
}

// Sets in memory: every pixel, every label, and what they are normalised by.
func TestIdentityOfMemory(t *testing.T) {
	set := func(change func(m *memory, s *Set)) Identity {
		m := &memory{pixels: make([]byte, 6*2*2), labels: []byte{0, 1, 2, 0, 1, 2}, channels: 1, height: 2, width: 2}
		about := Set{Name: "six", Classes: 3, ClassNames: numbers(3), Size: 2}
		about.Mean, about.Std = [3]float64{0.5, 0.5, 0.5}, [3]float64{1, 1, 1}
		change(m, &about)
		id, err := Identify(t.Context(), newSet(about, "train", m, Options{}), nil)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	seen := map[string]string{set(func(*memory, *Set) {}).Fingerprint: "as it was"}
	add := func(what string, id Identity) {
		if other, same := seen[id.Fingerprint]; same {
			t.Errorf("%s: as %s", what, other)
		}
		seen[id.Fingerprint] = what
	}
	for i := range 24 {
		add(fmt.Sprint("pixel ", i), set(func(m *memory, _ *Set) { m.pixels[i] = 1 }))
	}
	for i := range 6 {
		add(fmt.Sprint("label ", i), set(func(m *memory, _ *Set) { m.labels[i] = (m.labels[i] + 1) % 3 }))
	}
	add("the shape", set(func(m *memory, _ *Set) { m.height, m.width = 1, 4 }))
	for c := range 3 {
		add("the mean", set(func(_ *memory, s *Set) { s.Mean[c] = 0.25 }))
		add("the deviation", set(func(_ *memory, s *Set) { s.Std[c] = 0.25 }))
	}
}

// What a file says of its data is read back without the folder; what no image can be
// normalised by is refused.
func TestIdentityInMetadata(t *testing.T) {
	was := identify(t, identityFolder(t, filepath.Join(t.TempDir(), "animals")))
	meta := was.Metadata()
	read, err := IdentityOf(meta)
	if err != nil || read.Root != "" || was.Check(*read) != nil || read.Train != 8 || meta["class_names"] != `["cat","dog"]` || meta["class_order"] != "natural" {
		t.Errorf("%+v, %v, %v", read, meta, err)
	}
	for _, spoil := range []func(*Identity){
		func(id *Identity) { id.Std[1] = 0 }, func(id *Identity) { id.Std[1] = -1 }, func(id *Identity) { id.Mean[2] = 1e9 },
	} {
		bad := was
		spoil(&bad)
		if _, err := IdentityOf(bad.Metadata()); err == nil || !strings.Contains(err.Error(), "expected those of values in 0 to 1") {
			t.Errorf("%v, %v: %v", bad.Mean, bad.Std, err)
		}
	}
	was.Classes = make([]string, maxClassNames) // with its quotes each takes 3 bytes
	if meta := was.Metadata(); len(meta["data_identity"]) > 1<<10 || meta["class_names"] != "" {
		t.Error("more class names than a header has room for")
	}
	if none, err := IdentityOf((*Identity)(nil).Metadata()); none != nil || err != nil {
		t.Errorf("%v, %v", none, err)
	}
}

// A context that ends stops it.
func TestIdentityIsCancelled(t *testing.T) {
	train, val, err := Open(t.Context(), identityFolder(t, filepath.Join(t.TempDir(), "animals")), Options{Size: 16})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Identify(ctx, train, val); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

// What is seen of an image is 224/256 of its shorter side, rounded.
func TestCrop(t *testing.T) {
	for side := 1; side < 5000; side++ {
		if got, want := (&Set{trim: true}).centre(image.Rect(0, 0, side, side+3)).Dx(), max(1, (side*224+128)/256); got != want {
			t.Fatalf("%d of %d pixels, expected %d", got, side, want)
		}
	}
	s := Set{}
	for _, share := range []float64{1, trimmedShare} {
		if s.SetCrop(share); s.Crop() != share {
			t.Errorf("%v: %v", share, s.Crop())
		}
	}
}
