package dataset

import (
	"encoding/binary"
	"image"
)

// colours turns the components of the part that is wanted to RGB in room. Where
// there are fewer samples of one than pixels, half of them along a side, they are
// interpolated with weights 3, 1, rounding as libjpeg does ("fancy upsampling"), and
// so as PIL; others are repeated.
func (d *jpegDecoder) colours(room *image.RGBA) {
	p, w := d.parts, d.wanted
	plain := d.adobe == 0 && !(len(p) == 3 && d.jfif) || len(p) == 3 && d.adobe < 0 && !d.jfif && p[0].id == 'R' && p[1].id == 'G' && p[2].id == 'B'
	halved := len(p) == 3 && !plain && p[0].across*p[0].down == 1 && p[1].across == 2 && p[1].down <= 2 && d.fancy(&p[1]) &&
		p[1].across == p[2].across && p[1].down == p[2].down
	for y := w.Min.Y; y < w.Max.Y; y++ {
		to := room.Pix[y*room.Stride:][:4*d.width]
		if halved {
			d.halved(to, y)
			continue
		}
		var lines [4][]byte
		for i := range p {
			lines[i] = d.line(&p[i], i, y)
		}
		a, b, c := lines[0], lines[1], lines[2]
		for x := w.Min.X; x < w.Max.X; x++ {
			pixel := to[4*x : 4*x+4 : 4*x+4]
			if plain {
				setPixel(pixel, a[x], b[x], c[x])
			} else {
				binary.LittleEndian.PutUint32(pixel, fromYCC(a[x], uint32(b[x])|uint32(c[x])<<16))
			}
			if len(p) == 4 { // Adobe writes what is left of white
				if plain {
					setInks(pixel, 255-pixel[0], 255-pixel[1], 255-pixel[2], 255-lines[3][x])
				} else {
					setInks(pixel, pixel[0], pixel[1], pixel[2], 255-lines[3][x])
				}
			}
		}
	}
}

// fancy says whether samples of a component are interpolated.
func (d *jpegDecoder) fancy(p *jpegPart) bool {
	return p.across == 2 && p.down <= 2 && ceilDiv(d.width, 2) > 2 || p.across == 1 && p.down == 2 // libjpeg repeats those of narrow images
}

// rows are those of the samples nearest and second nearest to row y of the pixels.
func (d *jpegDecoder) rows(p *jpegPart, y int) (near, far []byte) {
	first, second := y/p.down, y/p.down
	if p.down == 2 && d.fancy(p) {
		first, second = nearFar(y, ceilDiv(d.height, 2))
	}
	columns := ceilDiv(d.width, p.across)
	return p.pix[first*p.stride():][:columns], p.pix[second*p.stride():][:columns]
}

// line is row y of component i.
func (d *jpegDecoder) line(p *jpegPart, i, y int) []byte {
	near, far := d.rows(p, y)
	if p.across*p.down == 1 {
		return near
	}
	if cap(d.lines[i]) < d.width {
		d.lines[i] = make([]byte, d.width)
	}
	room := d.lines[i][:d.width]
	if !d.fancy(p) {
		for x := range room {
			room[x] = near[x/p.across]
		}
		return room
	}
	if p.across == 1 {
		for x := range room {
			room[x] = byte((3*int(near[x]) + int(far[x]) + 1 + y&1) >> 2)
		}
		return room
	}
	sum := func(i int) int {
		i = min(max(i, 0), len(near)-1)
		return 3*int(near[i]) + int(far[i])
	}
	for x := range room { // of samples that are not halved vertically near is far
		round := 8 - x&1
		if p.down == 1 {
			round = 4 + 4*(x&1)
		}
		room[x] = byte((3*sum(x/2) + sum(x/2+2*(x&1)-1) + round) >> 4)
	}
	return room
}

// halved makes row y of RGB where there is half the chroma, at least horizontally.
func (d *jpegDecoder) halved(to []byte, y int) {
	luma, blue, red := &d.parts[0], &d.parts[1], &d.parts[2]
	nearBlue, farBlue := d.rows(blue, y)
	nearRed, farRed := d.rows(red, y)
	first, last := max(d.wanted.Min.X/2-1, 0), min(d.wanted.Max.X/2+2, len(nearBlue))
	nearBlue, farBlue, nearRed, farRed = nearBlue[first:last], farBlue[first:last], nearRed[first:last], farRed[first:last]
	n := len(nearBlue)
	if cap(d.chroma) < n+2 {
		d.chroma = make([]uint32, n+2)
	}
	sums := d.chroma[:n+2] // blue and, in the upper 16 bits, red
	farBlue, nearRed, farRed = farBlue[:n], nearRed[:n], farRed[:n]
	for i, v := range nearBlue {
		sums[i+1] = 3*(uint32(v)|uint32(nearRed[i])<<16) + (uint32(farBlue[i]) | uint32(farRed[i])<<16)
	}
	sums[0], sums[n+1] = sums[1], sums[n]
	rounds := [2]uint32{8 | 8<<16, 7 | 7<<16}
	if blue.down == 1 {
		rounds = [2]uint32{4 | 4<<16, 8 | 8<<16}
	}
	row := luma.pix[y*luma.stride()+2*first:][:2*n] // whole blocks: even where the width is odd
	to = to[8*first:]
	before, this := sums[0], sums[1]
	for _, next := range sums[2:] {
		a, b := (3*this+before+rounds[0])>>4&0xff00ff, (3*this+next+rounds[1])>>4&0xff00ff
		before, this = this, next
		if len(to) < 8 || len(row) < 2 { // the last of an odd width
			binary.LittleEndian.PutUint32(to, fromYCC(row[0], a))
			break
		}
		v := uint64(row[0])*yccOne + yccBlue[a&0xff] + yccRed[a>>16&0xff] // fromYCC, twice
		w := uint64(row[1])*yccOne + yccBlue[b&0xff] + yccRed[b>>16&0xff]
		if v&yccGuard != yccBias || w&yccGuard != yccBias {
			v, w = clipYCC(v), clipYCC(w)
		}
		v, w = v&0xff00ff|v>>40&0xff00|0xff<<24, w&0xff00ff|w>>40&0xff00|0xff<<24
		binary.LittleEndian.PutUint64(to, v|w<<32)
		to, row = to[8:], row[2:]
	}
}

// A pixel in the making is red, blue and green in one word, each 256 more than it
// is, so that none is negative: red in the bits from 0 on, blue from 16, green from 48
// with 16 bits behind the point.
const (
	yccOne   = 1 | 1<<16 | 1<<48
	yccBias  = yccOne << 8
	yccGuard = yccBias * 3 // none of it but the bias is set where every value is in 0 to 255
)

// What chroma adds, full-range BT.601 in 16 bits behind the point.
var yccBlue, yccRed = func() (blue, red [256]uint64) {
	for i := range blue {
		v := int64(i) - 128
		blue[i] = uint64(yccBias + 1<<47 + (116130*v+1<<15)>>16<<16 - 22554*v<<32)
		red[i] = uint64((91881*v+1<<15)>>16 - 46802*v<<32)
	}
	return blue, red
}()

// fromYCC is a pixel of luma and of chroma, blue and in the upper 16 bits red.
func fromYCC(luma byte, chroma uint32) uint32 {
	v := uint64(luma)*yccOne + yccBlue[chroma&0xff] + yccRed[chroma>>16&0xff]
	if v&yccGuard != yccBias {
		v = clipYCC(v)
	}
	return uint32(v)&0xff00ff | uint32(v>>40)&0xff00 | 0xff<<24
}

//go:noinline
func clipYCC(v uint64) (out uint64) {
	for _, at := range [3]int{0, 16, 48} {
		out |= uint64(min(max(int(v>>at&0x3ff)-256, 0), 255)) << at
	}
	return out
}
