package dataset

import (
	"context"
	"fmt"
	"image"
	"io"
	"sync"
)

// source is where the images of a set come from. Methods may be called from
// many goroutines.
type source interface {
	len() int
	label(i int) int
	// read returns image i, in room or in memory of its own. The error is that of
	// the context or says what is wrong with the image.
	read(ctx context.Context, i int, room *image.RGBA) (image.Image, error)
	unreadable() *unreadable
	// digest adds what identifies the images to h, and returns their size.
	digest(ctx context.Context, h io.Writer) (bytes int64, err error)
}

// unreadable counts and names the images of a source that cannot be read.
type unreadable struct {
	allowed int // how many may be skipped

	mu    sync.Mutex
	bad   map[int]bool // by number; at most allowed+1
	first []string
}

// maxNamed is how many unreadable images are named.
const maxNamed = 20

// add notes that image i could not be read. The error says that there are too
// many.
func (u *unreadable) add(i, of int, err error) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.bad[i] && len(u.bad) <= u.allowed {
		if u.bad == nil {
			u.bad = map[int]bool{}
		}
		u.bad[i] = true
		if len(u.first) < maxNamed {
			u.first = append(u.first, err.Error())
		}
	}
	if len(u.bad) > u.allowed {
		return fmt.Errorf("%w: %d of %d, at most %d are skipped; the first: %s", ErrUnreadable, len(u.bad), of, u.allowed, u.first[0])
	}
	return nil
}

func (u *unreadable) known(i int) bool {
	if u == nil {
		return false
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.bad[i]
}

// Unreadable is the number of images that could not be read so far, of the file
// or folder that this set is part of, and which and why for the first 20.
func (s *Set) Unreadable() (count int, first []string) {
	u := s.images.unreadable()
	if u == nil {
		return 0, nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return len(u.bad), append([]string(nil), u.first...)
}
