package dataset

import (
	"image"
	"math"

	"golang.org/x/image/draw"
)

// bicubic resizes as [draw.CatmullRom] does, to the bit, several times as fast: every
// sum is of the same terms in the same order. Deployed networks are given images
// that are resized so. Its memory is used again.
type bicubic struct {
	across, down    []weights
	row, line, sums []float64 // red, green, blue
}

// weights are of the pixels that make one of the result.
type weights struct {
	first int
	w     []float64
	total float64 // 1 / their sum
}

// weightsFor are those of n pixels made of size.
func weightsFor(into []weights, size, n int) []weights {
	kernel := draw.CatmullRom
	if cap(into) < n {
		into = append(into[:cap(into)], make([]weights, n-cap(into))...)
	}
	into = into[:n]
	scale := float64(size) / float64(n)
	half, shrink := kernel.Support, 1.0
	if scale > 1 {
		half *= scale
		shrink = 1 / scale
	}
	for i := range into {
		t := &into[i]
		middle := float64((float64(i)+0.5)*scale) - 0.5
		t.first, t.w = max(int(math.Floor(middle-half)), 0), t.w[:0]
		sum := 0.0
		for j := t.first; j < min(int(math.Ceil(middle+half)), size); j++ {
			weight := 0.0
			if at := math.Abs((middle - float64(j)) * shrink); at < kernel.Support {
				weight = kernel.At(at)
			}
			sum += weight
			t.w = append(t.w, weight)
		}
		t.total = 1 / sum
	}
	return into
}

// wideValues are bytes as values of 16 bits.
var wideValues = func() (v [256]float64) {
	for i := range v {
		v[i] = float64(i * 0x101)
	}
	return v
}()

// scale makes a square part of an image that decodeImage made the whole of dst.
func (z *bicubic) scale(dst *image.RGBA, from image.Image, part image.Rectangle) {
	width, height := dst.Rect.Dx(), dst.Rect.Dy()
	z.across = weightsFor(z.across, part.Dx(), width)
	z.down = weightsFor(z.down, part.Dy(), height)
	z.row, z.line, z.sums = floats(z.row, 3*part.Dx()), floats(z.line, 3*width), floats(z.sums, 3*width*height)
	clear(z.sums)
	row, line, low := z.row, z.line, 0
	for y := range part.Dy() {
		for low < height && z.down[low].first+len(z.down[low].w) <= y {
			low++
		}
		if low == height {
			break
		}
		wide(row, from, image.Pt(part.Min.X, part.Min.Y+y))
		for i := range z.across {
			t := &z.across[i]
			var r, g, b float64
			p := row[3*t.first:]
			for _, w := range t.w {
				if len(p) < 3 {
					break
				}
				r += float64(p[0] * w)
				g += float64(p[1] * w)
				b += float64(p[2] * w)
				p = p[3:]
			}
			total := t.total / 0xffff
			to := line[3*i : 3*i+3 : 3*i+3]
			to[0], to[1], to[2] = r*total, g*total, b*total
		}
		for i := low; i < height && z.down[i].first <= y; i++ {
			t := &z.down[i]
			if y-t.first >= len(t.w) {
				continue
			}
			w, to := t.w[y-t.first], z.sums[3*i*width:][:len(line)]
			for x, v := range line {
				to[x] += float64(v * w)
			}
		}
	}
	for y := range height {
		total := z.down[y].total
		sums, pix := z.sums[3*y*width:][:3*width], dst.Pix[y*dst.Stride:]
		for x := range width {
			s := sums[3*x : 3*x+3 : 3*x+3]
			setPixel(pix[4*x:], narrow(s[0]*total), narrow(s[1]*total), narrow(s[2]*total))
		}
	}
}

// narrow is a value of 0 to 1 as a byte.
func narrow(v float64) byte {
	return byte(min(max(int32(float64(0xffff*v)+0.5), 0), 0xffff) >> 8)
}

// wide writes pixels of a row, from one on, as values of 16 bits.
func wide(row []float64, from image.Image, at image.Point) {
	if m, grey := from.(*image.Gray); grey {
		for i, v := range m.Pix[m.PixOffset(at.X, at.Y):][:len(row)/3] {
			row[3*i], row[3*i+1], row[3*i+2] = wideValues[v], wideValues[v], wideValues[v]
		}
		return
	}
	m := from.(*image.RGBA)
	pix := m.Pix[m.PixOffset(at.X, at.Y):][:len(row)/3*4]
	for i := range len(row) / 3 {
		to, p := row[3*i:3*i+3:3*i+3], pix[4*i:4*i+3:4*i+3]
		to[0], to[1], to[2] = wideValues[p[0]], wideValues[p[1]], wideValues[p[2]]
	}
}

func floats(have []float64, n int) []float64 {
	if cap(have) < n {
		return make([]float64, n)
	}
	return have[:n]
}
