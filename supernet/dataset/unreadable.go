package dataset

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// BadImage is an image that could not be read.
type BadImage struct {
	Image  string `json:"image"` // its file below the folder of the data set
	Reason string `json:"reason"`
}

// Unreadable are the images of a set that could not be read.
type Unreadable struct {
	Count int        `json:"count"`
	Of    int        `json:"of"`    // images of the set
	First []BadImage `json:"first"` // ten at most

	TooMany bool `json:"-"` // more than may be skipped
}

// maxNamed is how many files are named where they may be many.
const maxNamed = 10

// unreadable keeps which images of a source cannot be read.
type unreadable struct {
	allowed int // how many may be skipped

	mu  sync.Mutex
	bad map[int]string // why, by number
}

// add notes that image i of a source could not be read. The error says that there
// are too many.
func (u *unreadable) add(of source, i int, err error) error {
	n := u.note(i, err)
	if n > u.allowed {
		return u.tooMany(of, n, of.name(i), err.Error())
	}
	return nil
}

// tooMany says that n images of a source could not be read, one of them for a reason.
func (u *unreadable) tooMany(of source, n int, name, reason string) error {
	return fmt.Errorf("%w: %d of %d, at most %d are skipped: %s: %s", ErrUnreadable, n, of.len(), u.allowed, name, reason)
}

// note notes that image i could not be read, and returns how many could not.
func (u *unreadable) note(i int, err error) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.bad == nil {
		u.bad = map[int]string{}
	}
	u.bad[i] = err.Error()
	return len(u.bad)
}

func (u *unreadable) known(i int) bool {
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	_, bad := u.bad[i]
	return bad
}

// BadImages are the images of this set that could not be read so far, in the
// order of the data set.
func (s *Set) BadImages() []BadImage {
	u := s.images.unreadable()
	if u == nil {
		return nil
	}
	u.mu.Lock()
	bad := maps.Clone(u.bad)
	u.mu.Unlock()
	if len(bad) == 0 {
		return nil
	}
	var own []int
	for _, i := range s.index {
		if _, is := bad[i]; is {
			own = append(own, i)
		}
	}
	slices.Sort(own)
	out := make([]BadImage, len(own))
	for j, i := range own {
		out[j] = BadImage{s.images.name(i), bad[i]}
	}
	return out
}

// AddBad notes images that another process could not read, as [Set.BadImages] names
// them. The error says that there are too many.
func (s *Set) AddBad(bad []BadImage) error {
	why := map[string]string{}
	for _, b := range bad {
		why[b.Image] = b.Reason
	}
	u := s.images.unreadable()
	for _, i := range s.index {
		if reason, is := why[s.images.name(i)]; is && u != nil && !u.known(i) {
			if err := u.add(s.images, i, errors.New(reason)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Unreadable counts the images of this set that could not be read so far, and
// names the first.
func (s *Set) Unreadable() Unreadable {
	bad, u := s.BadImages(), s.images.unreadable()
	return Unreadable{len(bad), s.Len(), append([]BadImage{}, bad[:min(len(bad), maxNamed)]...), u != nil && len(bad) > u.allowed}
}

// Lines says how many images could not be read, what became of that ("are not
// counted"), and which. all is a file that names all, or "".
func (u Unreadable) Lines(became, all string) (lines []string) {
	if u.Count == 0 {
		return nil
	}
	lines = []string{fmt.Sprintf("%d of %d images could not be read and %s:", u.Count, u.Of, became)}
	for _, b := range u.First {
		lines = append(lines, "  "+b.Image+": "+b.Reason)
	}
	more := ""
	if u.Count > len(u.First) {
		more = fmt.Sprintf("  and %d more", u.Count-len(u.First))
		if all != "" {
			more += "; "
		}
	} else if all != "" {
		more = "  "
	}
	if all != "" {
		more += "all are in " + all
	}
	if more != "" {
		lines = append(lines, more)
	}
	return lines
}

// Try reads every image, so that [Set.Unreadable] knows all that cannot be, and
// reports how many it has read. The error is that of the context.
func (s *Set) Try(ctx context.Context, report func(done, total int)) error {
	u := s.images.unreadable()
	if u == nil {
		return nil // in memory
	}
	rooms := sync.Pool{New: func() any { return &image.RGBA{} }}
	progress := newProgress(report, s.Len())
	return parallel.For(ctx, s.Len(), func(p int) {
		room := rooms.Get().(*image.RGBA)
		if _, err := s.images.read(ctx, s.index[p], room, nil); err != nil && ctx.Err() == nil {
			u.note(s.index[p], err)
		}
		rooms.Put(room)
		progress.add(1)
	})
}

// Readable reads every image as evaluation does, keeps it in the pack where there is
// one, and reports how many it has done. The error is that of the context, or wraps
// [ErrUnreadable] where more images cannot be read than may be skipped.
func (s *Set) Readable(ctx context.Context, report func(done, total int)) error {
	u := s.images.unreadable()
	if u == nil {
		return nil // in memory
	}
	if s.pack() == nil || s.PackTrouble() != "" {
		if err := s.Try(ctx, report); err != nil {
			return err
		}
	} else {
		makers := sync.Pool{New: func() any { return newMaker(&Loader{set: s}) }}
		progress := newProgress(report, s.Len())
		if err := parallel.For(ctx, s.Len(), func(p int) {
			m := makers.Get().(*maker)
			m.pack(ctx, s.index[p])
			makers.Put(m)
			progress.add(1)
		}); err != nil {
			return err
		}
	}
	if bad := s.BadImages(); len(bad) > u.allowed {
		return u.tooMany(s.images, len(bad), bad[0].Image, bad[0].Reason)
	}
	return nil
}

// UnreadableFile names all images of a run's data that could not be read: JSON
// lines of [BadImage], in the run folder.
const UnreadableFile = "unreadable.jsonl"

// maxUnreadableFile bounds what [NoteUnreadable] adds to, in bytes.
const maxUnreadableFile = 64 << 20

// NoteUnreadable adds images to a file of JSON lines which has each once, by
// name, under its lock. It makes no file where there are none.
func NoteUnreadable(file string, bad []BadImage) error {
	if len(bad) == 0 {
		return nil
	}
	release, err := safefile.LockBeside(context.Background(), file, time.Second) // also of what was ended
	if err != nil {
		return err
	}
	defer release()
	was, err := safefile.Read(file, maxUnreadableFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	all := map[string]BadImage{}
	lines := bufio.NewScanner(bytes.NewReader(was))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var b BadImage
		if json.Unmarshal(lines.Bytes(), &b) == nil && b.Image != "" { // a damaged line is lost
			all[b.Image] = b
		}
	}
	for _, b := range bad {
		all[b.Image] = b
	}
	var now bytes.Buffer
	encoder := json.NewEncoder(&now)
	encoder.SetEscapeHTML(false)
	for _, b := range slices.SortedFunc(maps.Values(all), func(a, b BadImage) int { return cmp.Compare(a.Image, b.Image) }) {
		if err := encoder.Encode(b); err != nil {
			return err
		}
	}
	if bytes.Equal(was, now.Bytes()) {
		return nil
	}
	return safefile.Write(file, now.Bytes())
}
