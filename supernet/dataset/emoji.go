package dataset

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/image/bmp"
	"golang.org/x/image/webp"

	"github.com/binas-tui/binas-tui/internal/download"
	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// EmojiName is the name of the set that [MakeEmoji] makes.
const EmojiName = "emoji"

// Of the emoji set: the side of its images in pixels, the share of the families of
// a class that validate, and bounds of what it is made from.
const (
	emojiSide       = 64
	emojiValPercent = 25
	maxEmojiBytes   = 64 << 10 // of a drawing
	maxEmojiSide    = 512
	maxEmojiList    = 4 << 20
)

// emojiRecipe says what the emoji set is made from.
type emojiRecipe struct {
	list   string // file of the first package that says the categories
	styles []emojiStyle
	sum    string // SHA-256 of the set, see [treeSum]
}

// emojiStyle are the drawings of one designer: the files of a folder of a package.
type emojiStyle struct {
	name   string
	from   download.NPM
	folder string
	files  int
}

// emojis is the recipe; docs/EMOJI.md has the licences.
var emojis = emojiRecipe{
	list: "package/emoji.json",
	styles: []emojiStyle{
		{"noto", download.NPM{Name: "emoji-datasource-google", Version: "16.0.0"}, "package/img/google/64", 3786},
		{"twemoji", download.NPM{Name: "emoji-datasource-twitter", Version: "16.0.0"}, "package/img/twitter/64", 3786},
		{"fluent", download.NPM{Name: "@lobehub/fluent-emoji-3d", Version: "1.1.0"}, "package/assets", 3391},
	},
	sum: "70d8b3afc2b0c8d9adc983249a709d3b5c625fbdcbb2854bf4c9dd3775f8b6b4",
}

// MakeEmoji makes the emoji set in a folder: pictures of 64x64 in nine classes, the
// categories of Unicode, each emoji as three designers drew it, on white; 69 MB, as
// BMP files that [Open] reads. See docs/EMOJI.md. The packages with the drawings,
// 152 MB, are downloaded.
//
// Report, if not nil, is called with what is under way, how far it is and of how
// much, by one goroutine at a time. The set is compared with its SHA-256 before
// anything is written; where it is there already, it is not made again.
func MakeEmoji(ctx context.Context, dir string, report func(doing string, done, total int)) error {
	if report == nil {
		report = func(string, int, int) {}
	}
	return emojis.make(ctx, dir, report)
}

// CheckEmoji says what is missing from a folder, or too much in it, for it to be the
// emoji set; nil where it is that.
func CheckEmoji(dir string) error { return emojis.check(dir) }

func (r emojiRecipe) make(ctx context.Context, dir string, report func(doing string, done, total int)) error {
	if r.check(dir) == nil {
		return nil
	}
	list, drawings, err := r.fetch(ctx, report)
	if err != nil {
		return fmt.Errorf("make emoji: %w", err)
	}
	files, err := r.draw(ctx, list, drawings, report)
	if err != nil {
		return fmt.Errorf("make emoji: %w", err)
	}
	if got := treeSum(files); got != r.sum {
		return fmt.Errorf("make emoji: %w: SHA-256 %s, expected %s", ErrRecipe, got, r.sum)
	}
	for i, name := range slices.Sorted(maps.Keys(files)) {
		if err := ctx.Err(); err != nil {
			return err
		}
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := safefile.MkdirAll(filepath.Dir(file)); err != nil {
			return fmt.Errorf("make emoji: %w", err)
		}
		if err := safefile.Replace(file, false, safefile.Bytes(files[name])); err != nil {
			return fmt.Errorf("make emoji: %w", err)
		}
		report("writing", i+1, len(files))
	}
	var from []string
	for _, s := range r.styles {
		from = append(from, s.from.String())
	}
	// The description comes last: a folder that has it is complete.
	about, err := json.MarshalIndent(description{Name: EmojiName, Together: true, From: "drawings of " + strings.Join(from, ", ")}, "", "  ")
	if err != nil {
		return err
	}
	if err := safefile.Write(filepath.Join(dir, descriptionFile), append(about, '\n')); err != nil {
		return err
	}
	if err := r.check(dir); err != nil {
		return fmt.Errorf("make emoji: was there something else in %s before? %w", dir, err)
	}
	return nil
}

// check compares the files of a folder with the recipe.
func (r emojiRecipe) check(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, descriptionFile)); err != nil {
		return err
	}
	files := map[string][]byte{}
	for _, part := range []string{trainFolder, valFolders[0]} {
		root := filepath.Join(dir, part)
		err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, file)
			if err == nil {
				files[filepath.ToSlash(name)], err = safefile.Read(file, maxEmojiBytes)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	if got := treeSum(files); got != r.sum {
		return fmt.Errorf("%s: %w: SHA-256 %s of %d files, expected %s", dir, ErrRecipe, got, len(files), r.sum)
	}
	return nil
}

// treeSum is the SHA-256 of the names, with slashes, and contents of files, in the
// order of the names' bytes; each with its length before it.
func treeSum(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		writeText(h, name)
		writeNumber(h, uint64(len(files[name])))
		h.Write(files[name])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// emojiEntry is an emoji of the list.
type emojiEntry struct {
	Image    string `json:"image"` // file: its characters, in hexadecimal, as 1f44d-1f3fb.png
	Category string `json:"category"`
}

// fetch downloads the list and the drawings of every style, by the characters of
// the emoji.
func (r emojiRecipe) fetch(ctx context.Context, report func(doing string, done, total int)) (list []emojiEntry, drawings []map[string][]byte, err error) {
	for i, s := range r.styles {
		var found map[string][]byte
		progress := func(done, total int64) { report("downloading "+s.from.String(), int(done>>10), int(total>>10)) }
		err := s.from.Read(ctx, progress, func(name string, size int64, content io.Reader) (bool, error) {
			isList := i == 0 && name == r.list
			if !isList && path.Dir(name) != s.folder {
				return len(found) == s.files, nil
			}
			most := int64(maxEmojiBytes)
			if isList {
				most = maxEmojiList
			}
			if size > most {
				return false, fmt.Errorf("%s has %d bytes, expected at most %d", name, size, most)
			}
			data, err := io.ReadAll(content)
			if err != nil {
				return false, err
			}
			if isList {
				err = json.Unmarshal(data, &list)
				return false, err
			}
			if found == nil || len(found) == s.files { // it begins, or begins again
				found = map[string][]byte{}
			}
			found[path.Base(name)] = data
			return len(found) == s.files && (i > 0 || list != nil), nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("fetch %s: %w", s.from, err)
		}
		if len(found) != s.files || list == nil {
			return nil, nil, fmt.Errorf("%s: %w: it has %d drawings and %d emoji in its list, expected %d drawings", s.from, ErrFormat, len(found), len(list), s.files)
		}
		byEmoji := map[string][]byte{}
		for _, name := range slices.Sorted(maps.Keys(found)) {
			byEmoji[characters(name)] = found[name]
		}
		drawings = append(drawings, byEmoji)
	}
	return list, drawings, nil
}

// characters are those of an emoji by the name of its file, but the one that asks
// for a picture in place of a letter, without leading zeros.
func characters(file string) string {
	var out []string
	for _, c := range strings.Split(strings.TrimSuffix(file, path.Ext(file)), "-") {
		if c = strings.TrimLeft(strings.ToLower(c), "0"); c != "fe0f" {
			out = append(out, c)
		}
	}
	return strings.Join(out, "-")
}

// likes are characters that make another emoji of the same family: a man, a woman
// and a person do the same, whatever the colour of their skin or hair.
var likes = map[string]string{
	"1f468": "1f9d1", "1f469": "1f9d1", "1f466": "1f9d2", "1f467": "1f9d2", "1f474": "1f9d3", "1f475": "1f9d3",
	"2640": "", "2642": "", "200d": "", "1f3fb": "", "1f3fc": "", "1f3fd": "", "1f3fe": "", "1f3ff": "", "27a1": "",
	"1f9b0": "", "1f9b1": "", "1f9b2": "", "1f9b3": "", "1f471": "1f9d1",
}

// family is what emoji have in common that look alike: they are all to train on, or
// all to validate.
func family(emoji string) string {
	var out []string
	for _, c := range strings.Split(emoji, "-") {
		if like, is := likes[c]; is {
			c = like
		}
		if c != "" {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return emoji
	}
	return strings.Join(out, "-")
}

// drawnEmoji is an emoji in all styles.
type drawnEmoji struct {
	emoji, class string
	drawings     [][]byte // as they are found, then as BMP
	err          error
}

// draw makes the files of the set, by name with slashes:
// PART/CLASS/FAMILY/EMOJI-STYLE.bmp. An emoji that a style lacks is left out, as is
// one that a style draws as it draws another: some flags are those of several lands.
func (r emojiRecipe) draw(ctx context.Context, list []emojiEntry, drawings []map[string][]byte, report func(doing string, done, total int)) (map[string][]byte, error) {
	var all []drawnEmoji
	for _, e := range list {
		d := drawnEmoji{emoji: characters(e.Image), class: emojiClass(e.Category)}
		for _, style := range drawings {
			if data := style[d.emoji]; data != nil {
				d.drawings = append(d.drawings, data)
			}
		}
		if d.class != "" && len(d.drawings) == len(drawings) {
			all = append(all, d)
		}
	}
	done := newProgress(func(done, total int) { report("drawing", done, total) }, len(all))
	err := parallel.For(ctx, len(all), func(i int) {
		for k, data := range all[i].drawings {
			drawn, err := onWhite(data)
			if all[i].drawings[k] = drawn; err != nil {
				all[i].err = fmt.Errorf("%s of %s: %w", all[i].emoji, r.styles[k].name, err)
				return
			}
		}
		done.add(1)
	})
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	all = slices.DeleteFunc(all, func(d drawnEmoji) bool {
		again := false
		for _, data := range d.drawings {
			again = again || seen[hash(data)]
			seen[hash(data)] = true
		}
		err = cmp.Or(err, d.err)
		return again
	})
	if err != nil {
		return nil, err
	}
	families := map[string][]string{} // by class
	for _, d := range all {
		families[d.class] = append(families[d.class], path.Join(d.class, family(d.emoji)))
	}
	part := map[string]string{} // of a family
	for _, names := range families {
		slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(nameNumber(a), nameNumber(b)), cmp.Compare(a, b)) })
		names = slices.Compact(names)
		val := (len(names)*emojiValPercent + 50) / 100
		for i, name := range names {
			if part[name] = trainFolder; i < val {
				part[name] = valFolders[0]
			}
		}
	}
	files := map[string][]byte{}
	for _, d := range all {
		folder := path.Join(d.class, family(d.emoji))
		for k, s := range r.styles {
			files[path.Join(part[folder], folder, d.emoji+"-"+s.name+".bmp")] = d.drawings[k]
		}
	}
	return files, nil
}

// emojiClass is the class of a category: its first word, as animals of "Animals &
// Nature"; "" is none.
func emojiClass(category string) string {
	word, _, _ := strings.Cut(strings.ToLower(category), " ")
	if word == "component" || strings.ContainsFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }) {
		return ""
	}
	return word
}

// onWhite is a drawing, PNG or WebP, on white and of 64x64, as a BMP file.
func onWhite(data []byte) ([]byte, error) {
	f := formatOf(data)
	if f == nil || f.name != "PNG" && f.name != "WebP" {
		return nil, errors.New("it is no PNG and no WebP")
	}
	config, err := f.config(bytes.NewReader(data))
	if err != nil {
		return nil, imageError(f, err)
	}
	if config.Width > maxEmojiSide || config.Height > maxEmojiSide || config.Width < 1 || config.Height < 1 {
		return nil, fmt.Errorf("%s of %dx%d pixels, expected at most %d a side", f.name, config.Width, config.Height, maxEmojiSide)
	}
	m, err := f.decode(bytes.NewReader(data))
	if err != nil {
		return nil, imageError(f, err)
	}
	alpha := m
	if f.name == "WebP" { // its alpha is not read here
		if alpha, err = webp.Decode(bytes.NewReader(data)); err != nil {
			return nil, imageError(f, err)
		}
	}
	flat := image.NewRGBA(image.Rect(0, 0, config.Width, config.Height))
	if !flat.Rect.In(m.Bounds()) || !flat.Rect.In(alpha.Bounds()) {
		return nil, fmt.Errorf("%s that is smaller than it says", f.name)
	}
	for y := range config.Height {
		for x := range config.Width {
			c, a := opaqueColour(m.At(x, y)), uint32(color.NRGBAModel.Convert(alpha.At(x, y)).(color.NRGBA).A)
			on := func(v byte) byte { return byte((uint32(v)*a + 255*(255-a) + 127) / 255) }
			setPixel(flat.Pix[flat.PixOffset(x, y):], on(c[0]), on(c[1]), on(c[2]))
		}
	}
	var (
		small picture
		out   bytes.Buffer
	)
	new(resizer).reduce(&small, flat, emojiSide, emojiSide)
	flat = image.NewRGBA(small.bounds())
	small.copyTo(flat)
	err = bmp.Encode(&out, flat)
	return out.Bytes(), err
}
