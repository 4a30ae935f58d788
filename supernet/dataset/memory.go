package dataset

import (
	"context"
	"fmt"
	"image"
	"math"
)

// NewSet returns a set of images in memory: pixels [n, channels, size, size],
// channels 1 or 3, and a label for each, 0 to classes-1. It is normalised by
// the mean and deviation of its own pixels. The set keeps pixels, which must
// not be changed any more.
func NewSet(name string, classes, channels, size int, pixels []byte, labels []int) (*Set, error) {
	m := &memory{pixels: pixels, labels: make([]byte, len(labels)), channels: channels, height: size, width: size}
	switch {
	case classes < 1 || classes > 256:
		return nil, fmt.Errorf("data set %s: %w: %d, expected 1 to 256", name, ErrClasses, classes)
	case channels != 1 && channels != 3, size < 1 || size > MaxSize:
		return nil, fmt.Errorf("data set %s: %w: images of %d channels of %dx%d, expected 1 or 3 of up to %d", name, ErrFormat, channels, size, size, MaxSize)
	case len(pixels) != len(labels)*channels*size*size || len(labels) == 0:
		return nil, fmt.Errorf("data set %s: %w: %d values for %d labels, expected %d for each", name, ErrFormat, len(pixels), len(labels), channels*size*size)
	}
	for i, l := range labels {
		if l < 0 || l >= classes {
			return nil, fmt.Errorf("data set %s: %w: image %d has label %d, expected 0 to %d", name, ErrClasses, i, l, classes-1)
		}
		m.labels[i] = byte(l)
	}
	about := Set{Name: name, Classes: classes, ClassNames: numbers(classes), Size: size}
	about.Mean, about.Std = m.statistics()
	return newSet(about, "train", m, Options{}), nil
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
func (m *memory) name(i int) string       { return fmt.Sprint("image ", i) }
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

// statistics are the mean and deviation of every channel of the images, as
// values of 0 to 1.
func (m *memory) statistics() (mean, std [3]float64) {
	counts := make([][256]int, m.channels)
	plane := m.width * m.height
	for p, v := range m.pixels {
		c := p / plane % m.channels
		if m.interleaved {
			c = p % m.channels
		}
		counts[c][v]++
	}
	for c := range mean {
		mean[c], std[c] = momentsOf(&counts[min(c, m.channels-1)])
	}
	return mean, std
}

// momentsOf is the mean and the deviation of bytes that occur so many times, as
// values of 0 to 1. The deviation is never 0, as values are divided by it.
func momentsOf(counts *[256]int) (mean, std float64) {
	var n, sum, squares float64
	for v, count := range counts {
		x, k := float64(v)/255, float64(count)
		n, sum, squares = n+k, sum+k*x, squares+k*x*x
	}
	mean = sum / n
	return mean, math.Sqrt(max(squares/n-mean*mean, 1.0/(255*255)))
}
