package dataset

import (
	"context"
	"fmt"
	"image"
	"math"
)

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
func (m *memory) read(_ context.Context, i int, room *image.RGBA, part wantedPart) (image.Image, error) {
	reshape(room, m.width, m.height)
	part.of(room.Rect)
	plane := m.width * m.height
	from := m.pixels[i*plane*m.channels:][:plane*m.channels]
	pixel, channel := 1, plane // from one to the next
	switch {
	case m.channels == 1:
		channel = 0
	case m.interleaved:
		pixel, channel = 3, 1
	}
	red, green, blue := from, from[channel:], from[2*channel:]
	for p := range plane {
		setPixel(room.Pix[4*p:], red[p*pixel], green[p*pixel], blue[p*pixel])
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
