package dataset

import (
	"encoding/binary"
	"image"
	"math"
)

// picture holds pixels as bytes, without opacity: red, green, blue, row by row.
type picture struct {
	pix           []byte
	width, height int
}

// reshape makes a picture width x height, in the memory it has where that is
// enough. Its values are left over.
func (p *picture) reshape(width, height int) {
	if need := 3 * width * height; cap(p.pix) < need {
		p.pix = make([]byte, need)
	} else {
		p.pix = p.pix[:need]
	}
	p.width, p.height = width, height
}

func (p *picture) bounds() image.Rectangle { return image.Rect(0, 0, p.width, p.height) }

// set copies an opaque image whose corner is at (0, 0).
func (p *picture) set(m *image.RGBA) {
	p.reshape(m.Rect.Dx(), m.Rect.Dy())
	to := p.pix
	for row := range rows(m) {
		for ; len(row) >= 4; row, to = row[4:], to[3:] {
			copy(to[:3], row)
		}
	}
}

// copyTo is the opposite of set; m has the size of the picture.
func (p *picture) copyTo(m *image.RGBA) {
	from := p.pix
	for row := range rows(m) {
		for ; len(row) >= 4; row, from = row[4:], from[3:] {
			setPixel(row, from[0], from[1], from[2])
		}
	}
}

// A pixel in the making is three lanes of 21 bits in one word: a value of 8 bits
// times weights whose sum is 2^13 fits, so that one multiplication weighs all
// three channels.
const (
	laneBits   = 21
	weightBits = 13
	lanes      = 1 | 1<<laneBits | 1<<(2*laneBits)
	laneBytes  = 0xff * lanes
	laneHalf   = lanes << (weightBits - 1)
)

func lane(r, g, b byte) uint64 { return uint64(r) | uint64(g)<<laneBits | uint64(b)<<(2*laneBits) }

// rounded is the bytes of weighted sums, in lanes.
func rounded(sum uint64) uint64 { return (sum + laneHalf) >> weightBits & laneBytes }

// resizer resizes with a triangle kernel, as wide as a pixel of the result where
// that is the larger one: bilinear, and an average over the pixels that become one.
// It is PIL's BILINEAR to a rounding. Its memory is used again.
type resizer struct {
	across, down   []taps
	row, line, sum []uint64
}

// taps are the pixels that make one of the result. Weights are of 2^weightBits.
type taps struct {
	first   int
	weights []uint64
}

// tapsFor are those of n pixels made of size from first on.
func tapsFor(into []taps, first, size, n int) []taps {
	if cap(into) < n {
		into = append(into[:cap(into)], make([]taps, n-cap(into))...)
	}
	into = into[:n]
	scale := float64(size) / float64(n)
	radius := max(scale, 1)
	for i := range into {
		t := &into[i]
		middle := (float64(i) + 0.5) * scale
		from, to := max(int(math.Floor(middle-radius+0.5)), 0), min(int(math.Ceil(middle+radius-0.5)), size)
		weight := func(j int) float64 { return max(1-math.Abs(float64(j)+0.5-middle)/radius, 0) }
		sum := 0.0
		for j := from; j < to; j++ {
			sum += weight(j)
		}
		t.first, t.weights = first+from, t.weights[:0]
		left, exact := 1<<weightBits, 0.0
		for j := from; j < to; j++ { // rounded so that the sum is exact
			exact += weight(j) / sum
			w := int(exact*(1<<weightBits)+0.5) - (1<<weightBits - left)
			left -= w
			t.weights = append(t.weights, uint64(w))
		}
		t.weights[len(t.weights)-1] += uint64(left)
	}
	return into
}

// resize makes part of an image, which spread writes row by row in lanes, width x
// height.
func (z *resizer) resize(part image.Rectangle, width, height int, spread func(row []uint64, y int), store func(sum []uint64)) {
	z.across = tapsFor(z.across, 0, part.Dx(), width)
	z.down = tapsFor(z.down, part.Min.Y, part.Dy(), height)
	z.row, z.line, z.sum = words(z.row, part.Dx()), words(z.line, width), words(z.sum, width*height)
	clear(z.sum)
	low, row, line := 0, z.row, z.line
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for low < height && z.down[low].first+len(z.down[low].weights) <= y {
			low++
		}
		if low == height {
			break
		}
		spread(row, y)
		for i := range z.across {
			t, sum := &z.across[i], uint64(0)
			from := row[t.first:][:len(t.weights)]
			for k, w := range t.weights {
				sum += w * from[k]
			}
			line[i] = rounded(sum)
		}
		for i := low; i < height && z.down[i].first <= y; i++ {
			t := &z.down[i]
			if y-t.first >= len(t.weights) {
				continue
			}
			w, to := t.weights[y-t.first], z.sum[i*width:][:len(line)]
			for x, v := range line {
				to[x] += w * v
			}
		}
	}
	store(z.sum)
}

func words(have []uint64, n int) []uint64 {
	if cap(have) < n {
		return make([]uint64, n)
	}
	return have[:n]
}

// crop makes part of an image the whole of dst.
func (z *resizer) crop(dst *image.RGBA, from any, part image.Rectangle) {
	z.resize(part, dst.Rect.Dx(), dst.Rect.Dy(), spread(from, part), func(sum []uint64) {
		for i, s := range sum {
			v := rounded(s)
			binary.LittleEndian.PutUint32(dst.Pix[4*i:], uint32(v&0xff|v>>(laneBits-8)&0xff00|v>>(2*laneBits-16)&0xff0000|0xff000000))
		}
	})
}

// reduce makes dst an image of width x height.
func (z *resizer) reduce(dst *picture, from image.Image, width, height int) {
	dst.reshape(width, height)
	z.resize(from.Bounds(), width, height, spread(from, from.Bounds()), func(sum []uint64) {
		for i, s := range sum {
			v, p := rounded(s), dst.pix[3*i:3*i+3:3*i+3]
			p[0], p[1], p[2] = byte(v), byte(v>>laneBits), byte(v>>(2*laneBits))
		}
	})
}

// spread writes rows of part of a picture, or of what decodeImage makes, in lanes.
func spread(from any, part image.Rectangle) func(row []uint64, y int) {
	switch m := from.(type) {
	case *picture:
		return func(row []uint64, y int) {
			pix := m.pix[3*(y*m.width+part.Min.X):][:3*len(row)]
			for x := range row {
				p := pix[3*x : 3*x+3 : 3*x+3]
				row[x] = lane(p[0], p[1], p[2])
			}
		}
	case *image.Gray:
		return func(row []uint64, y int) {
			pix := m.Pix[m.PixOffset(part.Min.X, y):][:len(row)]
			for x, v := range pix {
				row[x] = lanes * uint64(v)
			}
		}
	}
	m := from.(*image.RGBA)
	return func(row []uint64, y int) {
		pix := m.Pix[m.PixOffset(part.Min.X, y):][:4*len(row)]
		for x := range row {
			p := pix[4*x : 4*x+4 : 4*x+4]
			row[x] = lane(p[0], p[1], p[2])
		}
	}
}
