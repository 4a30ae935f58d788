package dataset

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"
)

// goldenImage is what PIL's convert("RGB") makes of a file in testdata/images;
// images.py beside it made both.
type goldenImage struct {
	Width, Height int
	RGB           string
}

func goldenImages(t testing.TB) (golden map[string]goldenImage) {
	t.Helper()
	data, err := os.ReadFile("testdata/images.json")
	if err == nil {
		err = json.Unmarshal(data, &golden)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(golden) < 50 {
		t.Fatalf("%d images", len(golden))
	}
	return golden
}

func imageFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata/images", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// rgb are the values of an opaque image.
func rgb(t testing.TB, m image.Image) []byte {
	t.Helper()
	var out []byte
	b := m.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			if c.A != 255 {
				t.Fatalf("pixel %d, %d is transparent: %v", x, y, c)
			}
			out = append(out, c.R, c.G, c.B)
		}
	}
	return out
}

func TestImagesArePILs(t *testing.T) {
	room := &image.RGBA{} // that of the image before
	for name, golden := range goldenImages(t) {
		want, err := hex.DecodeString(golden.RGB)
		if err != nil {
			t.Fatal(err)
		}
		m, err := decodeImage(context.Background(), imageFile(t, name), room, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Bounds() != image.Rect(0, 0, golden.Width, golden.Height) {
			t.Errorf("%s: %v, expected %dx%d", name, m.Bounds(), golden.Width, golden.Height)
			continue
		}
		worst, at := 0, 0
		for i, v := range rgb(t, m) {
			if d := max(int(v), int(want[i])) - min(int(v), int(want[i])); d > worst {
				worst, at = d, i
			}
		}
		if worst > 0 {
			p := at / 3
			t.Errorf("%s: value %d of pixel %d, %d differs by %d", name, at%3, p%golden.Width, p/golden.Width, worst)
		}
	}
}

// The name of a file says nothing about its format.
func TestImagesByContent(t *testing.T) {
	dir := t.TempDir()
	for name, file := range map[string]string{"a/1.jpg": "lossy.webp", "a/2.png": "rgb_lzw.tif", "a/3": "rgb.bmp", "a/4.dat": "palette.gif", "b/5.bmp": "smooth420.jpg", "b/6.tif": "rgb.png"} {
		for _, part := range []string{"train", "val"} {
			writeFile(t, filepath.Join(dir, part, name), imageFile(t, file))
		}
	}
	train, _, err := Open(context.Background(), dir, Options{Size: 8})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(collect(t, train, LoaderOptions{Batch: 6, Evaluate: true}, 0, 0, 1)[0].Labels); train.Len() != 6 || n != 6 {
		t.Errorf("%d of %d images read, expected 6: %+v", n, train.Len(), train.Unreadable())
	}
}

// What is damaged anywhere, or ends early, does no harm and takes no image for
// another: it is refused, or has the size it says.
func TestDamagedJPEG(t *testing.T) {
	for _, name := range []string{"restarts.jpg", "progressive_restarts.jpg", "cmyk.jpg", "rgb.jpg", "grey.jpg"} {
		data := imageFile(t, name)
		whole, err := jpegDecode(t.Context(), data, &image.RGBA{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range data {
			if _, err := jpegDecode(t.Context(), data[:i], &image.RGBA{}, nil); err == nil {
				t.Errorf("%s: %d of its %d bytes are enough", name, i, len(data))
			}
			damaged := bytes.Clone(data)
			damaged[i] ^= byte(1 + i%255)
			config, err := jpeg.DecodeConfig(bytes.NewReader(damaged))
			if m, bad := jpegDecode(t.Context(), damaged, &image.RGBA{}, nil); err == nil && bad == nil && (config.Width != m.Bounds().Dx() || config.Height != m.Bounds().Dy()) {
				t.Errorf("%s: byte %d: %v, not %v", name, i, m.Bounds(), whole.Bounds())
			}
		}
	}
}

// libjpeg refuses what these files lack, or invents it: neither is an image here.
func TestJPEGThatLacksSomething(t *testing.T) {
	for _, name := range []string{"smooth420.jpg", "progressive420.jpg", "progressive_restarts.jpg", "cmyk.jpg"} {
		parts := jpegSegments(imageFile(t, name))
		refused := 0
		for i, part := range parts {
			twice := bytes.Join(slices.Insert(slices.Clone(parts), i, part), nil)
			lacking := bytes.Join(slices.Delete(slices.Clone(parts), i, i+1), nil)
			if part[1] == 0xda || part[1] == 0xdb { // a scan, a table of quantisation
				refused++
				if _, err := jpegDecode(t.Context(), lacking, &image.RGBA{}, nil); err == nil {
					t.Errorf("%s: part %d of %d, %x, is not missed", name, i, len(parts), part[1])
				}
			}
			if part[1] == 0xda {
				if _, err := jpegDecode(t.Context(), twice, &image.RGBA{}, nil); err == nil {
					t.Errorf("%s: scan %d is taken twice", name, i)
				}
			}
		}
		if refused < 2 {
			t.Fatalf("%s: %d scans and tables", name, refused)
		}
	}
}

// A file of JFIF has luma and chroma, whatever Adobe's segment says.
func TestJFIFIsBeforeAdobe(t *testing.T) {
	data := imageFile(t, "smooth420.jpg")
	adobe := append(bytes.Clone(data[:2]), "\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"...)
	want, err := jpegDecode(t.Context(), data, &image.RGBA{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	have, err := jpegDecode(t.Context(), append(adobe, data[2:]...), &image.RGBA{}, nil)
	if err != nil || !bytes.Equal(rgb(t, have), rgb(t, want)) {
		t.Errorf("other colours, %v", err)
	}
}

// jpegSegments takes a file apart where its markers are; restarts stay in their scan.
func jpegSegments(data []byte) (parts [][]byte) {
	from := 0
	for i := 2; i+1 < len(data); i++ {
		if m := data[i+1]; data[i] == 0xff && m != 0 && m&0xf8 != 0xd0 {
			parts, from = append(parts, data[from:i]), i
			if m != 0xd9 {
				i += 1 + int(data[i+2])<<8 + int(data[i+3])
			}
		}
	}
	return append(parts, data[from:])
}

func TestImagesThatAreRefused(t *testing.T) {
	big := plain(t, ".png", 3, 3, color.Black)
	copy(big[16:], []byte{0, 0, 0x24, 0, 0, 0, 0x24, 0}) // 9,216 a side
	binary.BigEndian.PutUint32(big[29:], crc32.ChecksumIEEE(big[12:29]))
	noTIFF := imageFile(t, "rgb_raw.tif")
	noTIFF[4] = 0xf0
	for words, data := range map[string][]byte{
		"the file is empty": {},
		`it begins with "<!DOCTYPE html>4", expected JPEG`:            []byte("<!DOCTYPE html>404"),
		"PNG of 9216x9216 pixels, expected at most 67108864":          big,
		"PNG: invalid format: not enough pixel data":                  imageFile(t, "rgb.png")[:300],
		"JPEG that ends too early":                                    imageFile(t, "smooth420.jpg")[:400],
		"WebP that ends too early":                                    imageFile(t, "lossy.webp")[:60],
		"GIF: reading color table: unexpected EOF":                    imageFile(t, "palette.gif")[:700],
		"TIFF that ends too early":                                    noTIFF,
		"WebP: it is animated":                                        []byte("RIFF\x40\x00\x00\x00WEBPANMF\x20\x00\x00\x00" + strings.Repeat("\x00", 32)),
		`it begins with "\x00\x00\x00\x1cftypheic\x00\x00\x00\x00", `: []byte("\x00\x00\x00\x1cftypheic\x00\x00\x00\x00mif1heic"),
	} {
		_, err := decodeImage(context.Background(), data, &image.RGBA{}, nil)
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%v, expected %q", err, words)
		}
	}
}

func TestDecodingEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for name := range goldenImages(t) {
		if _, err := decodeImage(ctx, imageFile(t, name), &image.RGBA{}, nil); err == nil {
			t.Errorf("%s was decoded", name)
		}
	}
}

// What is decoded is opaque and no larger than images may be, and decoding takes
// memory in proportion to that.
func FuzzDatasetImage(f *testing.F) {
	for name := range goldenImages(f) {
		f.Add(imageFile(f, name))
	}
	f.Add([]byte("RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if w, h, ok := sizeOf(bytes.Clone(data)); ok && (w > 1<<20/max(h, 1)) {
			return // as large as it says: only slow
		}
		w, h, _ := sizeOf(bytes.Clone(data))
		before := allocated()
		m, err := decodeImage(context.Background(), data, &image.RGBA{}, nil)
		if took, most := allocated()-before, uint64(64<<20+64*w*h+64*len(data)); took > most {
			t.Fatalf("%d bytes of memory for a file of %d with %dx%d pixels: expected at most %d", took, len(data), w, h, most)
		}
		if err != nil {
			return
		}
		if b := m.Bounds(); b.Min != (image.Point{}) || b.Dx() < 1 || b.Dy() < 1 || b.Dx() > maxPixels/b.Dy() {
			t.Fatalf("an image of %v", b)
		}
		rgb(t, m)
	})
}

// allocated is how many bytes of memory were ever taken.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// A header cannot make a decoder take memory that the image does not need.
func TestHostileHeadersTakeNoMemory(t *testing.T) {
	long := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	// A little-endian TIFF with a directory at its end, where tests can add to it.
	file := func(pixels []byte, entries ...[4]uint32) []byte {
		out := append([]byte("II*\x00"), long(uint32(8+len(pixels)))...)
		out = append(out, pixels...)
		out = binary.LittleEndian.AppendUint16(out, uint16(len(entries)))
		for _, e := range entries {
			out = binary.LittleEndian.AppendUint16(out, uint16(e[0]))
			out = binary.LittleEndian.AppendUint16(out, uint16(e[1]))
			out = append(append(out, long(e[2])...), long(e[3])...)
		}
		return append(out, 0, 0, 0, 0)
	}
	bomb := bytes.Repeat([]byte{0x81, 0}, 1<<20) // PackBits: 128 MiB of zeros
	var zeros bytes.Buffer
	w := zlib.NewWriter(&zeros)
	for range 64 {
		w.Write(make([]byte, 1<<20))
	}
	w.Close()
	grey := func(rest ...[4]uint32) [][4]uint32 {
		return append([][4]uint32{{256, 4, 1, 8}, {257, 4, 1, 8}, {258, 3, 1, 8}}, rest...)
	}
	riff := func(name string, size uint32, data string) []byte {
		return append(append([]byte("RIFF\xff\xff\xff\x7fWEBP"+name), long(size)...), data...)
	}
	wide := func(name string) []byte { // a JPEG that says it had 65500 x 1000 pixels
		data := imageFile(t, name)
		at := max(bytes.Index(data, []byte("\xff\xc0\x00")), bytes.Index(data, []byte("\xff\xc2\x00")))
		copy(data[at+5:], "\x03\xe8\xff\xdc")
		return data
	}
	for name, data := range map[string][]byte{
		"a wide JPEG":               wide("cmyk.jpg"),
		"a wide progressive JPEG":   wide("progressive.jpg"),
		"a list of 2 GiB":           file(nil, grey([4]uint32{259, 3, 1, 1}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 1, 1<<31 - 1, 8})...),
		"lists over all of a file":  file(make([]byte, 1<<22), grey([4]uint32{259, 1, 1 << 22, 8}, [4]uint32{262, 1, 1 << 22, 8}, [4]uint32{266, 1, 1 << 22, 8}, [4]uint32{273, 1, 1 << 22, 8}, [4]uint32{279, 1, 1 << 22, 8})...),
		"tiles of 2^32 pixels":      file(zeros.Bytes(), grey([4]uint32{259, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{322, 4, 1, 65535}, [4]uint32{323, 4, 1, 65535}, [4]uint32{324, 4, 1, 8}, [4]uint32{325, 4, 1, uint32(zeros.Len())})...),
		"a strip of 2^32 rows":      file(zeros.Bytes(), grey([4]uint32{259, 3, 1, 8}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 4, 1, 8}, [4]uint32{278, 4, 1, 1<<32 - 1}, [4]uint32{279, 4, 1, uint32(zeros.Len())})...),
		"a strip that unpacks":      file(bomb, grey([4]uint32{259, 3, 1, 32773}, [4]uint32{262, 3, 1, 1}, [4]uint32{273, 4, 1, 8}, [4]uint32{278, 4, 1, 8}, [4]uint32{279, 4, 1, uint32(len(bomb))})...),
		"a VP8 chunk of 2 GiB":      riff("VP8 ", 1<<31-1, "\x10\x02\x00\x9d\x01\x2a\x08\x00\x08\x00"),
		"alpha of 2^48 pixels":      riff("VP8X", 10, "\x10\x00\x00\x00\xff\xff\xff\xff\xff\xffALPH\x01\x00\x00\x00\x00"),
		"a VP8L of 16,384 a side":   riff("VP8L", 12, "\x2f\xff\xff\xff\x0f\x00\x00\x00\x00\x00\x00\x00"),
		"a VP8 larger than it says": riff("VP8X", 10, "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00VP8 \x0a\x00\x00\x00\x10\x02\x00\x9d\x01\x2a\xff\x3f\xff\x3f"),
	} {
		before := allocated()
		sizeOf(data)
		_, err := decodeImage(context.Background(), data, &image.RGBA{}, nil)
		if took := allocated() - before; took > 40<<20 {
			t.Errorf("%s: %d MiB of memory, %v", name, took>>20, err)
		}
	}
}

// sizeOf is the size that a file says its image has.
func sizeOf(data []byte) (width, height int, ok bool) {
	f := formatOf(data)
	if f == nil {
		return 0, 0, false
	}
	if f.prepare != nil {
		if _, err := f.prepare(data); err != nil {
			return 0, 0, false
		}
	}
	c, err := f.config(stoppingAt{context.Background(), bytes.NewReader(data)})
	return c.Width, c.Height, err == nil
}

// Of a part of an image the pixels are those of the whole.
func TestPartsAreThoseOfTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	room := &image.RGBA{}
	for name := range goldenImages(t) {
		whole, err := decodeImage(t.Context(), imageFile(t, name), &image.RGBA{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 40 {
			var part image.Rectangle
			asked := 0
			m, err := decodeImage(t.Context(), imageFile(t, name), room, func(b image.Rectangle) image.Rectangle {
				asked++
				part = image.Rect(r.IntN(b.Dx()+1), r.IntN(b.Dy()+1), r.IntN(b.Dx()+1), r.IntN(b.Dy()+1))
				return part
			})
			if err != nil || asked != 1 {
				t.Fatalf("%s: asked %d times, %v", name, asked, err)
			}
			for y := part.Min.Y; y < part.Max.Y; y++ {
				for x := part.Min.X; x < part.Max.X; x++ {
					if m.At(x, y) != whole.At(x, y) {
						t.Fatalf("%s, %v: pixel %d, %d is %v, expected %v", name, part, x, y, m.At(x, y), whole.At(x, y))
					}
				}
			}
			for i := range room.Pix {
				room.Pix[i] = 77
			}
		}
	}
}
