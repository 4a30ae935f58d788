package dataset

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/bmp"

	"github.com/binas-tui/binas-tui/internal/download"
)

// standIn serves packages of drawings of 24 emoji in two classes, one of which a
// style lacks, one of which is drawn as another, and a component; each is there in
// two colours of skin. It returns their recipe.
func standIn(t *testing.T) emojiRecipe {
	t.Setenv("PATH", "") // no npm
	dot := func(c color.NRGBA) []byte {
		m := image.NewNRGBA(image.Rect(0, 0, 32, 32))
		for p := 256; p < 768; p++ {
			m.SetNRGBA(p%32, p/32, c)
		}
		var out bytes.Buffer
		if err := png.Encode(&out, m); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	var list []emojiEntry
	names := []string{"1f3fb.png"}
	for i := range 12 {
		for k, category := range []string{"Food & Drink", "People & Body"} {
			for _, tone := range []string{"", "-1f3fd"} {
				name := fmt.Sprintf("%04x%s.png", 0xa0+i+k<<16, tone)
				list, names = append(list, emojiEntry{name, category}), append(names, name)
			}
		}
	}
	list = append(list, emojiEntry{"1f3fb.png", "Component"})
	data, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string][]byte{}
	r := emojiRecipe{list: "package/emoji.json"}
	for s, style := range []string{"round", "flat"} {
		var tarball bytes.Buffer
		gz := gzip.NewWriter(&tarball)
		archive := tar.NewWriter(gz)
		add := func(name string, data []byte) {
			if err := archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(data))}); err != nil {
				t.Fatal(err)
			}
			if _, err := archive.Write(data); err != nil {
				t.Fatal(err)
			}
		}
		files := 0
		add("package/emoji.json", data)
		for i, name := range names {
			switch {
			case s == 1 && i == len(names)-1:
				continue // it lacks one
			case i == 2:
				i = 1 // as the one before
			}
			add("package/img/"+name, dot(color.NRGBA{byte(i * 4), byte(s * 100), 9, 200}))
			files++
		}
		if err := errors.Join(archive.Close(), gz.Close()); err != nil {
			t.Fatal(err)
		}
		from := download.NPM{Name: "@of/" + style, Version: "1.0.0"}
		packages["/"+from.Name+"/-/"+style+"-1.0.0.tgz"] = tarball.Bytes()
		r.styles = append(r.styles, emojiStyle{style, from, "package/img", files})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if packages[r.URL.Path] == nil {
			http.NotFound(w, r)
		}
		w.Write(packages[r.URL.Path])
	}))
	t.Cleanup(server.Close)
	t.Setenv("npm_config_registry", server.URL)
	r.sum = standInSum
	return r
}

const standInSum = "922c99453b028fc52ab7ed055caca4f6e5befe479ca8b5518f500cc4ec1538c2"

func quiet(string, int, int) {}

// apart fails where images of one folder are in both parts.
func apart(t *testing.T, train, heldOut *Set) {
	t.Helper()
	for i := range train.Len() {
		for k := range heldOut.Len() {
			if filepath.Dir(train.Path(i)) == filepath.Dir(heldOut.Path(k)) {
				t.Fatalf("%s is held out, %s is not", heldOut.Path(k), train.Path(i))
			}
		}
	}
}

// The set is what Open reads, a class a folder; emoji that a style lacks or draws
// twice are left out, and those that look alike are all in one part. It is made
// again where it was damaged, and other files are not tolerated.
func TestMakeEmoji(t *testing.T) {
	r, dir, said := standIn(t), filepath.Join(t.TempDir(), "emoji"), map[string]bool{}
	report := func(doing string, done, total int) {
		if said[strings.Fields(doing)[0]] = true; total > 0 && done > total {
			t.Errorf("%s: %d of %d", doing, done, total)
		}
	}
	if err := r.make(t.Context(), dir, report); err != nil {
		t.Fatal(err)
	}
	if !said["downloading"] || !said["drawing"] || !said["writing"] {
		t.Errorf("said %v", said)
	}
	train, val, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(train.ClassNames, " "); got != "food people" || train.Name != EmojiName || train.UsualSide(t.Context()) != emojiSide {
		t.Errorf("%s of %s at %d", got, train.Name, train.UsualSide(t.Context()))
	}
	if train.Len()+val.Len() != 2*(48-2) || val.Len() < 16 || val.Len() > 30 {
		t.Errorf("%d and %d images, expected 92 in all, a quarter to validate", train.Len(), val.Len())
	}
	in := map[string]string{}
	for _, s := range []*Set{train, val} {
		for i := range s.Len() {
			family := filepath.Base(filepath.Dir(s.Path(i)))
			if part, known := in[family]; known && part != s.Part {
				t.Errorf("%s is in %s and %s", family, part, s.Part)
			}
			in[family] = s.Part
		}
	}
	half, rest, err := train.Split(60, 3)
	if err != nil {
		t.Fatal(err)
	}
	apart(t, half, rest)
	if share := float64(half.Len()) / float64(train.Len()); share < 0.5 || share > 0.7 {
		t.Errorf("split: %.2f to train on, expected 0.6 to a family", share)
	}
	alone := filepath.Join(t.TempDir(), "alone") // and without val, by dataset.json
	if err := os.CopyFS(alone, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(alone, "val")); err != nil {
		t.Fatal(err)
	}
	some, held, err := Open(t.Context(), alone, Options{})
	if err != nil || held.Len() < 8 {
		t.Fatalf("without val: %v", err)
	}
	apart(t, some, held)
	if err := os.WriteFile(filepath.Join(alone, descriptionFile), []byte("[]"), 0o644); err != nil {
		t.Fatal(err)
	}
	if some, _, err = Open(t.Context(), alone, Options{}); err != nil || !strings.Contains(strings.Join(some.Notes(), "\n"), descriptionFile) {
		t.Errorf("another program's %s: %v, %q", descriptionFile, err, some.Notes())
	}
	file := filepath.Join(dir, filepath.FromSlash(val.Path(0)))
	damage(t, file)
	if err := r.make(t.Context(), dir, quiet); err != nil || r.check(dir) != nil {
		t.Errorf("a damaged file was not made again: %v, %v", err, r.check(dir))
	}
	if err := os.WriteFile(file+".bmp", nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := r.make(t.Context(), dir, quiet); !errors.Is(err, ErrRecipe) {
		t.Errorf("with another file: %v", err)
	}
}

// What is not as the recipe says is refused before anything is written, as is an
// end in the middle.
func TestMakeEmojiRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*emojiRecipe)
		want   error
		say    string
	}{
		"another picture": {func(r *emojiRecipe) { r.sum = strings.Repeat("0", 64) }, ErrRecipe, "SHA-256"},
		"fewer drawings":  {func(r *emojiRecipe) { r.styles[1].files++ }, ErrFormat, "expected 49"},
		"no list":         {func(r *emojiRecipe) { r.list = "package/none.json" }, ErrFormat, "0 emoji in its list"},
		"no package":      {func(r *emojiRecipe) { r.styles[0].from.Version = "2.0.0" }, nil, "fetch @of/round@2.0.0"},
	} {
		r, dir := standIn(t), t.TempDir()
		c.change(&r)
		err := r.make(t.Context(), dir, quiet)
		if err == nil || c.want != nil && !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.say) {
			t.Errorf("%s: %v", name, err)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
	for _, during := range []string{"downloading", "drawing"} {
		r, dir := standIn(t), t.TempDir()
		ctx, cancel := context.WithCancel(t.Context())
		err := r.make(ctx, dir, func(doing string, _, _ int) {
			if strings.HasPrefix(doing, during) {
				cancel()
			}
		})
		if left, _ := os.ReadDir(dir); !errors.Is(err, context.Canceled) || len(left) > 0 {
			t.Errorf("cancelled while %s: %v, left %v", during, err, left)
		}
	}
}

// A drawing on white is the same from PNG and from WebP: transparent pixels are
// white, and others mixed by their alpha.
func TestOnWhite(t *testing.T) {
	read := func(file string) []byte {
		data, err := os.ReadFile(filepath.Join("testdata", "images", file))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	drawn := func(data []byte) []byte {
		out, err := onWhite(data)
		if err != nil {
			t.Fatal(err)
		}
		if c, err := bmp.DecodeConfig(bytes.NewReader(out)); err != nil || c.Width != emojiSide || c.Height != emojiSide {
			t.Fatalf("%dx%d, %v", c.Width, c.Height, err)
		}
		return out
	}
	if !bytes.Equal(drawn(read("rgba.png")), drawn(read("lossless_rgba.webp"))) {
		t.Error("a lossless WebP is drawn otherwise than the PNG of the same pixels")
	}
	lossy := read("lossy_rgba.webp") // has the alpha of rgba.png, and other colours
	colours, err := decodeImage(t.Context(), bytes.Clone(lossy), new(image.RGBA), nil)
	if err != nil {
		t.Fatal(err)
	}
	alpha, err := png.Decode(bytes.NewReader(read("rgba.png")))
	if err != nil {
		t.Fatal(err)
	}
	both := image.NewNRGBA(colours.Bounds())
	for p := range both.Pix {
		if both.Pix[p] = colours.(*image.RGBA).Pix[p]; p%4 == 3 {
			both.Pix[p] = alpha.(*image.NRGBA).Pix[p]
		}
	}
	var joined bytes.Buffer
	if err := png.Encode(&joined, both); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(drawn(lossy), drawn(joined.Bytes())) {
		t.Error("a lossy WebP is not drawn with its own colours and alpha")
	}
	for _, data := range [][]byte{nil, read("rgb.jpg")} {
		if _, err := onWhite(data); err == nil || !strings.Contains(err.Error(), "no PNG") {
			t.Errorf("%.4q: %v", data, err)
		}
	}
	clear := image.NewNRGBA(image.Rect(0, 0, maxEmojiSide, maxEmojiSide+1))
	for _, side := range []int{maxEmojiSide, maxEmojiSide + 1} {
		var out bytes.Buffer
		if err := png.Encode(&out, clear.SubImage(image.Rect(0, 0, 64, side))); err != nil {
			t.Fatal(err)
		}
		white, err := onWhite(out.Bytes())
		if (err != nil) != (side > maxEmojiSide) {
			t.Errorf("%d pixels high: %v", side, err)
		}
		if err == nil && !bytes.Equal(white[len(white)-300:], bytes.Repeat([]byte{255}, 300)) {
			t.Error("a transparent drawing is not white")
		}
	}
}

func TestFamily(t *testing.T) {
	for file, want := range map[string]string{
		"1f468-1f3fb-200d-1f692.png": "1f9d1-1f692", "1f469-200d-1f692.png": "1f9d1-1f692", "1f9d1-200d-1f692.png": "1f9d1-1f692",
		"0023-fe0f-20e3.webp": "23-20e3", "23-fe0f-20e3.png": "23-20e3", "1f3fb.png": "1f3fb", "1f600.png": "1f600",
	} {
		if got := family(characters(file)); got != want {
			t.Errorf("%s: %s, expected %s", file, got, want)
		}
	}
}
