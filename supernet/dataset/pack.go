package dataset

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/adrg/xdg"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
)

// PackMargin is how many pixels the shorter side of an image in a pack is longer
// than images of batches are, where the file has them: random crops are of that.
const PackMargin = 32

// reducedArea bounds the area of an image in a pack, in squares of its shorter side
// with the margin: what is longer is smaller.
const reducedArea = 8

// mostReduced bounds the pixels of an image in a pack.
func mostReduced(size int) int { return (reducedArea + 1) * (size + PackMargin) * (size + PackMargin) }

// reducedSides are the sides of an image in a pack: no larger than in the file.
func reducedSides(b image.Rectangle, size int) (width, height int) {
	w, h, side := float64(b.Dx()), float64(b.Dy()), float64(size+PackMargin)
	scale := min(1, side/min(w, h), math.Sqrt(reducedArea*side*side/(w*h)))
	width, height = max(1, int(w*scale+0.5)), max(1, int(h*scale+0.5))
	most := reducedArea * int(side) * int(side) // a line is squeezed
	return min(width, most/min(height, most)), min(height, most/min(width, most))
}

// Pack keeps the images of a folder decoded, at the size of batches, in the user's
// cache. Images are added when they are needed for the first time: their file is
// read once. What is read is the same whether a pack has it or not, but that random
// crops are of the smaller image where [LoaderOptions.Packed] says so.
type Pack struct {
	Folder string
	size   int
	sets   []*Set
	files  []*packFile
	made   bool // just now, empty
	remade bool // as what was there is not of the images as they are
}

// EnvNoPack is the environment variable that, set to 1, has images decoded each time
// and none kept. What is read is the same.
const EnvNoPack = "BINAS_TUI_NO_PACK"

// PackFolder is where packs are, each in a folder of its own.
func PackFolder() string { return filepath.Join(xdg.CacheHome, "binas-tui", "packs") }

// aboutPack describes a pack for people: packFileName in its folder.
type aboutPack struct {
	Format      string `json:"format"`
	Version     int    `json:"version"`
	Name        string `json:"name"`
	Root        string `json:"root"`
	ImageSize   int    `json:"image_size"`
	Fingerprint string `json:"fingerprint"`
}

const (
	packFormat   = "binas-tui-pack"
	packFileName = "pack.json"
	packEnding   = ".pack"
	maxPackAbout = 64 << 10
)

// UsePack lets sets read from the pack of their data as [OpenPack] does. [Set.Notes]
// has what should be known of it, also why there is none: images are decoded each
// time then. Crops says whether random crops are of the pack. The error is that of
// the context.
func UsePack(ctx context.Context, id Identity, crops bool, sets ...*Set) error {
	if os.Getenv(EnvNoPack) == "1" {
		return nil
	}
	p, err := OpenPack(ctx, id, sets...)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	note := p.note(crops)
	if err != nil {
		note = "images are decoded each time, none is kept: " + err.Error()
	}
	for _, s := range sets {
		if s == nil {
			continue
		}
		if f, is := s.images.(*folder); is {
			f.packNote.Store(&note)
		}
	}
	return nil
}

// OpenPack lets sets, whole or parts of what [Open] returned and [Identify] was
// given, read from the pack of their data, which is made where there is none. One
// may be nil. There is no pack, nil, of images in memory.
func OpenPack(ctx context.Context, id Identity, sets ...*Set) (*Pack, error) {
	var p *Pack
	var folders []*folder // of p.files
	for _, s := range sets {
		if s == nil {
			continue
		}
		f, is := s.images.(*folder)
		if !is {
			return nil, nil
		}
		if f.files.Load() == nil {
			return nil, fmt.Errorf("data set %s: its files are not known", s.Name)
		}
		if p == nil {
			p = &Pack{Folder: filepath.Join(PackFolder(), fmt.Sprintf("%s-%dpx", id.Fingerprint, s.Size)), size: s.Size}
			if err := p.describe(id); err != nil {
				return nil, err
			}
		}
		file, made, remade, err := openPackFile(ctx, filepath.Join(p.Folder, s.Part+packEnding), f.len(), s.Size, *f.files.Load())
		if err != nil {
			return nil, err
		}
		p.sets, p.files, p.remade = append(p.sets, s), append(p.files, file), p.remade || remade
		p.made = p.made || made
		folders = append(folders, f)
	}
	for i, f := range folders { // all or none of the parts
		f.pack.Store(p.files[i])
	}
	return p, nil
}

func (p *Pack) describe(id Identity) error {
	about, err := json.Marshal(aboutPack{packFormat, packVersion, id.Name, id.Root, p.size, id.Fingerprint})
	if err != nil {
		return err
	}
	file := filepath.Join(p.Folder, packFileName)
	if have, err := safefile.Read(file, maxPackAbout); err == nil && string(have) == string(about) {
		return nil
	}
	return safefile.Write(file, about)
}

// note says what should be known of a pack that was opened, or is "".
func (p *Pack) note(crops bool) string {
	if p == nil {
		return ""
	}
	missing := p.missing(crops)
	free, err := freeBytes(p.Folder)
	noRoom := err == nil && missing > 0 && free-missing < keepFree
	if why := p.Trouble(); why != "" {
		return why
	}
	if !p.made && !noRoom {
		return ""
	}
	text := fmt.Sprintf("images are decoded once and kept at %d pixels in %s: up to about %s", p.size, p.Folder, SizeText(missing))
	if p.remade {
		text += ", made anew, as what was there is of other images or another version"
	}
	if noRoom {
		text += fmt.Sprintf("; of %s that are free %s are left: images for which there is no room are decoded each time", SizeText(free), SizeText(min(free, keepFree)))
	}
	return text
}

// missing is about how many bytes are still to be added where every image is
// needed, as those of evaluation and where crops says so of training.
func (p *Pack) missing(crops bool) (bytes int64) {
	margin := int64(p.size + PackMargin)
	for i, f := range p.files {
		n, s := f.counts(), p.sets[i]
		if crops && s.Part == trainFolder {
			bytes += int64(f.images-n[formReduced]) * 3 * margin * margin * 4 / 3
		} else {
			bytes += int64(f.images-n[s.square()]) * 3 * int64(p.size*p.size)
		}
	}
	return bytes
}

// Trouble says why images are not added any more, or is "".
func (p *Pack) Trouble() string {
	if p != nil {
		for _, f := range p.files {
			if why := f.trouble(); why != "" {
				return fmt.Sprintf("nothing is added to %s: %s", f.path, why)
			}
		}
	}
	return ""
}

// PackTrouble says why images of the set are not added to its pack any more, or is
// "".
func (s *Set) PackTrouble() string {
	if f := s.pack(); f != nil {
		return (&Pack{files: []*packFile{f}}).Trouble()
	}
	return ""
}

// Fill adds every image, in all forms that training and evaluation may need, and
// reports how many it has done. Images that cannot be read are noted
// ([Set.Unreadable]). The error is that of the context or says why nothing more is
// added.
func (p *Pack) Fill(ctx context.Context, report func(done, total int)) error {
	type image struct{ file, i int }
	var all []image
	for f, file := range p.files {
		for i := range file.images {
			all = append(all, image{f, i})
		}
	}
	makers := sync.Pool{New: func() any {
		m := make([]*maker, len(p.sets))
		for i, s := range p.sets {
			m[i] = newMaker(&Loader{set: s})
		}
		return &m
	}}
	progress := newProgress(report, len(all))
	err := parallel.For(ctx, len(all), func(at int) {
		if p.Trouble() != "" {
			return
		}
		m := makers.Get().(*[]*maker)
		(*m)[all[at].file].pack(ctx, all[at].i)
		makers.Put(m)
		progress.add(1)
	})
	if err != nil {
		return err
	}
	if why := p.Trouble(); why != "" {
		return errors.New(why)
	}
	return nil
}

// pack adds what the pack lacks of an image.
func (m *maker) pack(ctx context.Context, number int) {
	s := m.loader.set
	file, bad := s.pack(), s.images.unreadable()
	forms := []packForm{s.square()}
	if s.Part == trainFolder {
		forms = append(forms, formReduced)
	}
	forms = slices.DeleteFunc(forms, func(f packForm) bool { return file.get(number, f, &m.packed) })
	if len(forms) == 0 {
		return
	}
	part := wantedPart(s.centre)
	if slices.Contains(forms, formReduced) {
		part = nil
	}
	from, err := s.images.read(ctx, number, m.room, part)
	if err != nil {
		if ctx.Err() == nil {
			bad.note(number, err)
		}
		return
	}
	for _, form := range forms {
		if form == formReduced {
			m.reduce(from)
		} else {
			m.packed.set(m.evaluated(from))
		}
		file.put(ctx, number, form, &m.packed, true)
	}
}

// pack is where images of the set are kept decoded, or nil.
func (s *Set) pack() *packFile {
	if f, is := s.images.(*folder); is {
		return f.pack.Load()
	}
	return nil
}

// square is the form of an image that evaluation sees.
func (s *Set) square() packForm {
	if s.trim {
		return formTrimmed
	}
	return formWhole
}

// PackInfo is a pack in the user's cache.
type PackInfo struct {
	Folder      string `json:"folder"`
	Name        string `json:"name"` // of the data
	Root        string `json:"root"` // folder of the data
	ImageSize   int    `json:"image_size"`
	Fingerprint string `json:"data_fingerprint"`
	Bytes       int64  `json:"bytes"` // on disk
}

// Packs lists the packs in the user's cache, in the order of names of the data.
func Packs() ([]PackInfo, error) {
	entries, err := os.ReadDir(PackFolder())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var packs []PackInfo
	for _, e := range entries {
		dir := filepath.Join(PackFolder(), e.Name())
		data, err := safefile.Read(filepath.Join(dir, packFileName), maxPackAbout)
		if err != nil {
			continue // no pack
		}
		var about aboutPack
		if strictjson.Decode(data, &about) != nil || about.Format != packFormat {
			continue
		}
		info := PackInfo{dir, about.Name, about.Root, about.ImageSize, about.Fingerprint, 0}
		files, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			if i, err := f.Info(); err == nil {
				info.Bytes += i.Size()
			}
		}
		packs = append(packs, info)
	}
	slices.SortFunc(packs, func(a, b PackInfo) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return a.ImageSize - b.ImageSize
	})
	return packs, nil
}

// Remove deletes a pack. Who reads from it goes on.
func (p PackInfo) Remove() error {
	files, err := os.ReadDir(p.Folder)
	if err != nil {
		return err
	}
	last := func(f fs.DirEntry) bool { return f.Name() == packFileName } // until then the pack is listed
	files = append(slices.DeleteFunc(slices.Clone(files), last), slices.DeleteFunc(files, func(f fs.DirEntry) bool { return !last(f) })...)
	for _, f := range files { // no folders: nothing else lies there
		if err := os.Remove(filepath.Join(p.Folder, f.Name())); err != nil {
			return err
		}
	}
	return os.Remove(p.Folder)
}
