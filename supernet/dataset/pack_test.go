package dataset

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/timetest"
)

// smooth is a picture whose colours change slowly, so that sizes can be compared.
func smooth(width, height, seed int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			wave := func(a, b float64) uint8 {
				return uint8(128 + 120*math.Sin(a*float64(x)/float64(width)+b*float64(y)/float64(height)+float64(seed)))
			}
			m.SetRGBA(x, y, color.RGBA{wave(5, 1), wave(1, 6), wave(4, 4), 255})
		}
	}
	return m
}

// pictures writes a folder of n training and validation images of other sizes and
// formats, larger and smaller than those of batches.
func pictures(t testing.TB, n int) string {
	t.Helper()
	dir := t.TempDir()
	for i := range n {
		m := smooth(40+37*i%200, 30+53*i%170, i)
		for _, part := range []string{"train", "val"} {
			var file bytes.Buffer
			var err error
			name := fmt.Sprintf("%02d.jpg", i)
			switch i % 3 {
			case 0:
				err = jpeg.Encode(&file, m, &jpeg.Options{Quality: 90})
			case 1:
				err, name = png.Encode(&file, m), fmt.Sprintf("%02d.png", i)
			case 2:
				grey := image.NewGray(m.Rect)
				for p := range grey.Pix {
					grey.Pix[p] = m.Pix[4*p]
				}
				err, name = png.Encode(&file, grey), fmt.Sprintf("%02d.png", i)
			}
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, part, fmt.Sprint("class", i%2), name), file.Bytes())
		}
	}
	return dir
}

// openPacked opens a folder with its pack.
func openPacked(t testing.TB, dir string, size int) (train, val *Set, p *Pack) {
	t.Helper()
	train, val, err := Open(t.Context(), dir, Options{Size: size})
	if err != nil {
		t.Fatal(err)
	}
	id, err := Identify(t.Context(), train, val)
	if err != nil {
		t.Fatal(err)
	}
	if p, err = OpenPack(t.Context(), id, train, val); err != nil {
		t.Fatal(err)
	}
	return train, val, p
}

// ways are the ways in which loaders look at images.
var ways = map[string]LoaderOptions{
	"evaluation":      {Batch: 7, Evaluate: true},
	"whole":           {Batch: 7, Seed: 3, Augment: Augment{Shift: 2, Flip: 0.5, Ops: 2, Magnitude: 9, OpsApplied: 1, Erase: 0.3}},
	"crops of a pack": {Batch: 7, Seed: 3, Augment: everything, Packed: true},
	"crops of files":  {Batch: 7, Seed: 3, Augment: everything},
}

// A pack changes nothing: what is read without one, while it is made, and from it
// are the same bytes, for any number of goroutines.
func TestPackChangesNothing(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 24)
	for _, size := range []int{32, 112} { // the larger is trimmed
		for name, o := range ways {
			bare, _, err := Open(t.Context(), dir, Options{Size: size})
			if err != nil {
				t.Fatal(err)
			}
			want := collect(t, bare, o, 0, 0, 4)
			for _, workers := range []int{1, 5, 2} {
				o.Workers = workers
				train, _, p := openPacked(t, dir, size)
				if got := collect(t, train, o, 0, 0, 4); !reflect.DeepEqual(got, want) {
					t.Errorf("%d pixels, %s, %d workers: other batches with a pack", size, name, workers)
				}
				if why := p.Trouble(); why != "" {
					t.Error(why)
				}
			}
		}
	}
}

// What a pack holds is read from it: the files may be broken by then.
func TestPackIsRead(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 24)
	_, _, p := openPacked(t, dir, 32)
	done := 0
	if err := p.Fill(t.Context(), func(n, total int) { done = n; _ = total }); err != nil || done != 48 {
		t.Fatalf("%d of 48 images, %v", done, err)
	}
	train, val, p := openPacked(t, dir, 32)
	if p.made || p.note(true) != "" || p.missing(true) != 0 {
		t.Errorf("of a full pack: %q, %d bytes are missing", p.note(true), p.missing(true))
	}
	o := ways["crops of a pack"]
	bare, _, err := Open(t.Context(), dir, Options{Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	want := collect(t, bare, o, 0, 0, 4)
	f := train.images.(*folder)
	for _, name := range f.names {
		writeFile(t, filepath.Join(f.root, name), []byte("broken"))
	}
	if got := collect(t, train, o, 0, 0, 4); !reflect.DeepEqual(got, want) {
		t.Error("other batches from the pack")
	}
	if u := train.Unreadable(); u.Count != 0 {
		t.Errorf("%d unreadable: files were read", u.Count)
	}
	if n := len(collect(t, val, ways["evaluation"], 0, 0, -1)); n != 4 {
		t.Errorf("%d batches of val", n)
	}
	// Another program, or a later start, sees that the files are others.
	_, _, p = openPacked(t, dir, 32)
	if n := p.files[0].counts(); n != [packForms]int{} || !p.made {
		t.Errorf("of other files the pack holds %v", n)
	}
}

// A change that the fingerprint does not see makes the pack anew, and says so.
func TestStalePackIsMadeAnew(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 10)
	train, _, p := openPacked(t, dir, 32)
	if err := p.Fill(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(train.images.(*folder).root, train.images.(*folder).names[0])
	if err := os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	_, _, again := openPacked(t, dir, 32)
	if again.Folder != p.Folder || again.files[0].counts()[formWhole] != 0 || again.files[1].counts()[formWhole] != 10 {
		t.Errorf("train holds %v, val %v", again.files[0].counts(), again.files[1].counts())
	}
	if note := again.note(false); !strings.Contains(note, "made anew") {
		t.Errorf("not said: %s", note)
	}
}

// Whatever happens to a pack file, batches are what they were, and it is mended.
func TestDamagedPack(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 16)
	o := ways["crops of a pack"]
	bare, _, err := Open(t.Context(), dir, Options{Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	want := collect(t, bare, o, 0, 0, 4)
	for name, damage := range map[string]func(data []byte) []byte{
		"a bit of a picture": func(d []byte) []byte { d[len(d)-100] ^= 1; return d },
		"pictures lost":      func(d []byte) []byte { return d[:len(d)/2] },
		"entries":            func(d []byte) []byte { copy(d[packHeader:], bytes.Repeat([]byte{0x7f}, 5*packEntry)); return d },
		"the header":         func(d []byte) []byte { d[20] ^= 1; return d },
		"an empty file":      func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			_, _, p := openPacked(t, dir, 32)
			if err := p.Fill(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(p.files[0].path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, p.files[0].path, damage(data))
			train, _, p := openPacked(t, dir, 32)
			if got := collect(t, train, o, 0, 0, 4); !reflect.DeepEqual(got, want) {
				t.Error("other batches from a damaged pack")
			}
			if err := p.Fill(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			m := &picture{}
			for i := range p.files[0].images {
				if !p.files[0].get(i, formReduced, m) || !p.files[0].get(i, formWhole, m) {
					t.Errorf("image %d was not mended", i)
				}
			}
		})
	}
}

// Images with and without their border are kept apart, and what is not of the size
// of batches is not taken for it.
func TestPackKeepsFormsApart(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 14)
	bare, _, err := Open(t.Context(), dir, Options{Size: 112})
	if err != nil {
		t.Fatal(err)
	}
	train, _, p := openPacked(t, dir, 112)
	o := ways["evaluation"]
	for range 2 {
		for _, crop := range []float64{0.875, 1} {
			bare.SetCrop(crop)
			train.SetCrop(crop)
			if !reflect.DeepEqual(collect(t, train, o, 0, 0, -1), collect(t, bare, o, 0, 0, -1)) {
				t.Errorf("crop %v: other images from the pack", crop)
			}
		}
	}
	small := &picture{}
	small.reshape(5, 7)
	p.files[0].put(t.Context(), 0, formWhole, small, false)
	if p.files[0].get(0, formWhole, &picture{}) {
		t.Error("an image of another size is taken")
	}
}

// Without room images are decoded each time, and that is said.
func TestPackWithoutRoom(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	defer func(v int64) { keepFree = v }(keepFree)
	keepFree = math.MaxInt64 / 2
	dir := pictures(t, 8)
	train, _, p := openPacked(t, dir, 32)
	if note := p.note(false); !strings.Contains(note, "for which there is no room") {
		t.Errorf("before: %s", note)
	}
	collect(t, train, ways["evaluation"], 0, 0, -1)
	if why := train.PackTrouble(); !strings.Contains(why, "the disk is full but for") {
		t.Errorf("after: %q", why)
	}
	if n := p.files[0].counts(); n != [packForms]int{} {
		t.Errorf("%v were added", n)
	}
	if err := p.Fill(t.Context(), nil); err == nil {
		t.Error("filling says nothing")
	}
}

func TestFillIsCancelled(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	_, _, p := openPacked(t, pictures(t, 16), 32)
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.Fill(ctx, func(int, int) { cancel() }); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	had := p.files[0].counts()[formWhole]
	if err := p.Fill(t.Context(), nil); err != nil || had == 0 || p.files[0].counts()[formWhole] != 16 {
		t.Errorf("%d, then %d of 16 images: %v", had, p.files[0].counts()[formWhole], err)
	}
}

// An image that another process keeps from being added is added when that is done,
// or filling says that it is not.
func TestFillWaitsForOthers(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	_, _, p := openPacked(t, pictures(t, 8), 32)
	f := p.files[0]
	release, err := safefile.Lock(f.lock())
	if err != nil {
		t.Fatal(err)
	}
	if f.put(t.Context(), 0, formWhole, &picture{}, true); !strings.Contains(p.Trouble(), "is locked") {
		t.Errorf("of one that holds on: %q", p.Trouble())
	}
	f.stopped.Store(nil)
	time.AfterFunc(400*time.Millisecond, release)
	if err := p.Fill(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if n := f.counts(); n != [packForms]int{formWhole: 8, formReduced: 8} {
		t.Errorf("%v of 8 images in each form", n)
	}
}

// What another process has added in the meantime is not added again.
func TestImagesAreAddedOnce(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	dir := pictures(t, 8)
	_, _, p := openPacked(t, dir, 32)
	_, _, q := openPacked(t, dir, 32)
	m := &picture{width: 32, height: 32, pix: make([]byte, 3*32*32)}
	for _, pack := range []*Pack{p, q} {
		pack.files[0].put(t.Context(), 3, formWhole, m, false)
	}
	info, err := os.Stat(p.files[0].path)
	if want := packHeader + p.files[0].tableBytes() + int64(len(m.pix)); err != nil || info.Size() != want {
		t.Errorf("%d bytes of %d: %v", info.Size(), want, err)
	}
}

func TestPacksAreListedAndRemoved(t *testing.T) {
	hometest.Own(t, "XDG_CACHE_HOME")
	if packs, err := Packs(); err != nil || packs != nil {
		t.Fatal(packs, err)
	}
	dir := pictures(t, 8)
	openPacked(t, dir, 48)
	openPacked(t, dir, 32)
	packs, err := Packs()
	if err != nil || len(packs) != 2 || packs[0].ImageSize != 32 || packs[0].Root != dir || packs[0].Bytes == 0 {
		t.Fatalf("%+v, %v", packs, err)
	}
	if err := packs[0].Remove(); err != nil {
		t.Fatal(err)
	}
	if packs, err = Packs(); err != nil || len(packs) != 1 || packs[0].ImageSize != 48 {
		t.Errorf("%+v, %v", packs, err)
	}
}

func TestImagesInMemoryHaveNoPack(t *testing.T) {
	s := pattern(16, 8)
	id, err := Identify(t.Context(), s, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p, err := OpenPack(t.Context(), id, s, nil); p != nil || err != nil || p.note(true) != "" || s.PackTrouble() != "" {
		t.Error(p, err)
	}
}

// Crops of images in a pack look as those of the files do.
func TestCropsOfAPackLookLikeThoseOfFiles(t *testing.T) {
	dir := pictures(t, 24)
	s, _, err := Open(t.Context(), dir, Options{Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	o := LoaderOptions{Batch: 24, Augment: Augment{Crop: 0.3, Flip: 0.5}}
	files := collect(t, s, o, 0, 0, 1)[0]
	o.Packed = true
	packed := collect(t, s, o, 0, 0, 1)[0]
	sum := 0.0
	for i, v := range files.X {
		sum += math.Abs(float64(v - packed.X[i]))
	}
	if mean := sum / float64(len(files.X)) * 0.226 * 255; mean > 6 || mean == 0 { // in 0 to 255
		t.Errorf("they differ by %.2f of 255 in the mean", mean)
	}
}

// resized is the definition of resizing, pixel by pixel: as PIL's BILINEAR.
func resized(m *image.RGBA, part image.Rectangle, width, height, x, y, c int) float64 {
	weigh := func(first, size, n, i int) (w map[int]float64) {
		scale := float64(size) / float64(n)
		radius, sum := max(scale, 1), 0.0
		w = map[int]float64{}
		for j := range size {
			if d := math.Abs(float64(j)+0.5-(float64(i)+0.5)*scale) / radius; d < 1 {
				w[first+j] = 1 - d
				sum += 1 - d
			}
		}
		for j := range w {
			w[j] /= sum
		}
		return w
	}
	out := 0.0
	for j, v := range weigh(part.Min.Y, part.Dy(), height, y) {
		for i, h := range weigh(part.Min.X, part.Dx(), width, x) {
			out += v * h * float64(m.Pix[m.PixOffset(i, j)+c])
		}
	}
	return out
}

func TestResize(t *testing.T) {
	r := newStream(5)
	z := &resizer{} // one for all: its memory is used again
	for range 40 {
		m := image.NewRGBA(image.Rect(0, 0, 1+r.below(60), 1+r.below(60)))
		for i := range m.Pix {
			if m.Pix[i] = byte(r.next()); i%4 == 3 || r.below(5) == 0 {
				m.Pix[i] = 255
			}
		}
		whole := &picture{}
		whole.set(m)
		w, h := 1+r.below(m.Rect.Dx()), 1+r.below(m.Rect.Dy())
		part := image.Rect(0, 0, w, h).Add(image.Pt(r.below(m.Rect.Dx()-w+1), r.below(m.Rect.Dy()-h+1)))
		dst := image.NewRGBA(image.Rect(0, 0, 1+r.below(40), 1+r.below(40)))
		z.crop(dst, whole, part)
		small := &picture{}
		z.reduce(small, m, dst.Rect.Dx(), dst.Rect.Dy())
		for i, v := range dst.Pix {
			x, y, c := i/4%dst.Rect.Dx(), i/4/dst.Rect.Dx(), i%4
			if c == 3 {
				if v != 255 {
					t.Fatal("not opaque")
				}
				continue
			}
			if want := resized(m, part, dst.Rect.Dx(), dst.Rect.Dy(), x, y, c); math.Abs(float64(v)-want) > 1.1 {
				t.Fatalf("%v of %v to %v: (%d, %d) is %d, expected %.2f", part, m.Rect, dst.Rect, x, y, v, want)
			}
			if want := resized(m, m.Rect, dst.Rect.Dx(), dst.Rect.Dy(), x, y, c); math.Abs(float64(small.pix[i/4*3+c])-want) > 1.1 {
				t.Fatalf("%v to %v: (%d, %d) is %d, expected %.2f", m.Rect, dst.Rect, x, y, small.pix[i/4*3+c], want)
			}
		}
	}
}

func TestReducedSides(t *testing.T) {
	for _, c := range []struct{ w, h, size, width, height int }{
		{500, 375, 96, 171, 128}, {375, 500, 224, 256, 341}, {60, 50, 96, 60, 50}, {1, 1, 96, 1, 1}, {4000, 100, 96, 2290, 57}, {1 << 26, 1, 32, 32768, 1}, {1, 1 << 26, 32, 1, 32768},
	} {
		w, h := reducedSides(image.Rect(0, 0, c.w, c.h), c.size)
		if w != c.width || h != c.height || w*h > mostReduced(c.size) {
			t.Errorf("%dx%d for %d pixels: %dx%d", c.w, c.h, c.size, w, h)
		}
	}
}

var loadFolder = flag.String("load", "", "folder of images that BenchmarkLoad reads in place of its own")

// BenchmarkLoad is of JPEG files of 500x375, ImageNet's usual size, or of the folder
// that -load names: decoded each time, in the first epoch of a pack, and from a pack,
// with random resized crops and flips and as evaluation sees them.
func BenchmarkLoad(b *testing.B) {
	hometest.Own(b, "XDG_CACHE_HOME")
	dir := *loadFolder
	if dir == "" {
		dir = b.TempDir()
		for i := range 32 {
			var file bytes.Buffer
			if err := jpeg.Encode(&file, smooth(500, 375, i), &jpeg.Options{Quality: 90}); err != nil {
				b.Fatal(err)
			}
			for _, part := range []string{"train", "val"} {
				writeFile(b, filepath.Join(dir, part, fmt.Sprint("class", i%2), fmt.Sprintf("%d.jpg", i)), file.Bytes())
			}
		}
	}
	for _, size := range []int{32, 64, 96, 224} {
		b.Run(fmt.Sprintf("%dpx", size), func(b *testing.B) {
			bare, val, err := Open(b.Context(), dir, Options{Size: size})
			if err != nil {
				b.Fatal(err)
			}
			run := func(name string, s *Set, o LoaderOptions) {
				for o.Workers = range 2 {
					o.Workers++
					b.Run(fmt.Sprintf("%s/workers=%d", name, o.Workers), func(b *testing.B) {
						if s == nil {
							benchmarkFirstEpoch(b, dir, size, o)
						} else {
							benchmarkLoader(b, s, o)
						}
					})
				}
			}
			crops, evaluation := LoaderOptions{Batch: 16, Augment: Augment{Crop: 0.08, Flip: 0.5}}, LoaderOptions{Batch: 16, Evaluate: true}
			run("decoded/crops", bare, crops)
			run("decoded/evaluation", val, evaluation)
			crops.Packed = true
			run("first epoch/crops", nil, crops)
			train, val, p := openPacked(b, dir, size)
			if err := p.Fill(b.Context(), nil); err != nil {
				b.Fatal(err)
			}
			run("packed/crops", train, crops)
			run("packed/evaluation", val, evaluation)
		})
	}
}

// benchmarkFirstEpoch is of epochs that each make a pack.
func benchmarkFirstEpoch(b *testing.B, dir string, size int, o LoaderOptions) {
	n, took, busy := 0, time.Duration(0), time.Duration(0)
	for b.Loop() {
		train, _, p := openPacked(b, dir, size)
		if !p.made {
			b.Fatal("the pack was there")
		}
		l, err := NewLoader(train, o)
		if err != nil {
			b.Fatal(err)
		}
		start, before := time.Now(), timetest.Processor()
		for batch, err := range l.Epoch(b.Context(), 0, 0) {
			if err != nil {
				b.Fatal(err)
			}
			n += len(batch.Labels)
		}
		took, busy = took+time.Since(start), busy+timetest.Processor()-before
		if err := os.RemoveAll(p.Folder); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/took.Seconds(), "images/s")
	b.ReportMetric(float64(n)/busy.Seconds(), "images/core-s")
}
