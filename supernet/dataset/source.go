package dataset

import (
	"context"
	"fmt"
	"image"
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
}

// memory holds images as bytes: [n, channels, height, width] or, with
// interleaved channels, [n, height, width, channels].
type memory struct {
	pixels                  []byte
	labels                  []byte
	channels, height, width int
	interleaved             bool
}

func (m *memory) len() int                { return len(m.labels) }
func (m *memory) label(i int) int         { return int(m.labels[i]) }
func (m *memory) unreadable() *unreadable { return nil }

// read unpacks an image to room, grey to three equal channels.
func (m *memory) read(_ context.Context, i int, room *image.RGBA) (image.Image, error) {
	reshape(room, m.width, m.height)
	plane := m.width * m.height
	from := m.pixels[i*plane*m.channels:][:plane*m.channels]
	to := room.Pix[:4*plane]
	switch {
	case m.channels == 1:
		for p, v := range from {
			q := to[4*p : 4*p+4 : 4*p+4]
			q[0], q[1], q[2], q[3] = v, v, v, 255
		}
	case m.interleaved:
		for p := range plane {
			q := to[4*p : 4*p+4 : 4*p+4]
			q[0], q[1], q[2], q[3] = from[3*p], from[3*p+1], from[3*p+2], 255
		}
	default:
		red, green, blue := from[:plane], from[plane:2*plane], from[2*plane:]
		for p := range plane {
			q := to[4*p : 4*p+4 : 4*p+4]
			q[0], q[1], q[2], q[3] = red[p], green[p], blue[p], 255
		}
	}
	return room, nil
}

// reshape makes an image width x height, in the memory it has where that is
// enough. Its values are left over.
func reshape(m *image.RGBA, width, height int) {
	if need := 4 * width * height; cap(m.Pix) < need {
		m.Pix = make([]byte, need)
	} else {
		m.Pix = m.Pix[:need]
	}
	m.Stride, m.Rect = 4*width, image.Rect(0, 0, width, height)
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
