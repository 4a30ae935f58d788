package dataset

import (
	"encoding/binary"
	"fmt"
	"image"
)

// zigzag is the place in a block, row by row, of the coefficients in their order in
// the file.
var zigzag = [64]byte{
	0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
	35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
}

// huffman is a table of codes.
type huffman struct {
	next   [1 << nextBits]uint32 // by the next bits: see below; 0 where the code is longer
	least  [17]int32             // by length: the first code
	beyond [17]int32             // one after the last
	first  [17]int32             // place of the first in values
	values []byte
}

// What the next bits are, in an entry of [huffman.next]: the value of the code in
// the lower 8 bits, its length in 4, in 4 that of the code with the number behind
// it, 0 where this is longer or there is none, and in 16 that number.
const (
	nextBits    = 10
	lengthShift = 8
	wholeShift  = 12
	numberShift = 16
)

func (d *jpegDecoder) huffmanTables(s []byte) error {
	for len(s) > 0 {
		bad := fmt.Errorf("%w: table of Huffman codes", errJPEG)
		if len(s) < 17 || s[0]>>4 > 1 || s[0]&15 > 3 {
			return bad
		}
		h, code, n := &d.huffman[s[0]>>4][s[0]&15], int32(0), 0
		*h = huffman{}
		for length := 1; length <= 16; length++ {
			h.least[length], h.first[length] = code, int32(n)
			code += int32(s[length])
			n += int(s[length])
			h.beyond[length] = code
			if code > 1<<length {
				return bad
			}
			code <<= 1
		}
		if n > 256 || len(s) < 17+n {
			return bad
		}
		h.values = s[17:][:n]
		for length := 1; length <= nextBits; length++ {
			for c := h.least[length]; c < h.beyond[length]; c++ {
				value := uint32(h.values[h.first[length]+c-h.least[length]])
				rest := nextBits - length // bits behind the code
				for bits := range uint32(1) << rest {
					v := value | uint32(length)<<lengthShift
					if n := int(value & 15); n > 0 && n <= rest {
						v |= uint32(length+n)<<wholeShift | uint32(signed(int32(bits>>(rest-n)), n))<<numberShift
					}
					h.next[uint32(c)<<rest|bits] = v
				}
			}
		}
		s = s[17+n:]
	}
	return nil
}

// entropy is the bits of a scan. Behind their end they are zeros, which count as
// missing once they are used.
type entropy struct {
	bits    uint64 // the next ones, from the highest on
	n       int    // of bits
	missing int    // of those, not of the file
	marker  byte
	err     error
	run     int // blocks that end here, of progressive files
}

// want makes sure of 32 bits.
func (d *jpegDecoder) want() {
	if d.entro.n < 32 {
		d.fill()
	}
}

// fill adds bits, where there are less than 32.
func (d *jpegDecoder) fill() {
	e := &d.entro
	if e.marker == 0 && d.at+4 <= len(d.data) {
		if v := binary.BigEndian.Uint32(d.data[d.at:]); (^v-0x01010101)&v&0x80808080 == 0 { // no byte is 0xff
			e.bits |= uint64(v) << (32 - e.n)
			e.n, d.at = e.n+32, d.at+4
			return
		}
	}
	for e.n <= 56 {
		var b byte
		if e.marker == 0 && e.err == nil {
			if b, e.err = d.byte(); b == 0xff && e.err == nil {
				var next byte
				for next = 0xff; next == 0xff && e.err == nil; {
					next, e.err = d.byte()
				}
				if e.marker = next; next != 0 {
					b = 0
				}
			}
		}
		if e.marker != 0 || e.err != nil {
			e.missing += 8
		}
		e.bits |= uint64(b) << (56 - e.n)
		e.n += 8
	}
}

// take are the next bits, 16 at most.
func (d *jpegDecoder) take(n int) int32 {
	d.want()
	e := &d.entro
	v := int32(e.bits >> 32 >> (32 - n))
	e.bits, e.n = e.bits<<n, e.n-n
	return v
}

// signed is a number of n bits: negative ones are below half.
func signed(v int32, n int) int32 {
	if n > 0 && v < 1<<(n-1) {
		v += 1 - 1<<n
	}
	return v
}

// symbol is the value of the next code; -1 where there is none.
func (d *jpegDecoder) symbol(h *huffman) int {
	d.want()
	e := &d.entro
	v, length := h.symbol(e.bits)
	e.bits, e.n = e.bits<<length, e.n-length
	return v
}

// symbol is the value and the length of the code that bits begin with; -1 where
// there is none.
func (h *huffman) symbol(bits uint64) (value, length int) {
	if v := h.next[bits>>(64-nextBits)]; v != 0 {
		return int(v & 0xff), int(v >> lengthShift & 15)
	}
	for length := nextBits + 1; length <= 16; length++ {
		if code := int32(bits >> (64 - length)); code < h.beyond[length] && code >= h.least[length] {
			return int(h.values[h.first[length]+code-h.least[length]]), length
		}
	}
	return -1, 0
}

// band is which coefficients a scan has, and of their bits from high, those above
// being there, down to low.
type band struct {
	from, to  int
	high, low int
}

func (d *jpegDecoder) scan(s []byte) error {
	bad := fmt.Errorf("%w: scan", errJPEG)
	if d.parts == nil || len(s) < 1 || s[0] < 1 || s[0] > 4 || len(s) < 4+2*int(s[0]) {
		return bad
	}
	var parts []*jpegPart
	for i := range int(s[0]) {
		for j := range d.parts {
			p := &d.parts[j]
			if tables := s[2+2*i]; p.id == s[1+2*i] && tables>>4 < 4 && tables&15 < 4 {
				p.dc, p.ac, p.prediction = &d.huffman[0][tables>>4], &d.huffman[1][tables&15], 0
				parts = append(parts, p)
				break
			}
		}
	}
	end := s[1+2*int(s[0]):]
	b := band{int(end[0]), int(end[1]), int(end[2] >> 4), int(end[2] & 15)}
	if !d.progressive {
		b = band{0, 63, 0, 0}
	}
	if len(parts) != int(s[0]) || b.from > b.to || b.to > 63 || b.low > 13 || d.progressive && (b.from == 0) != (b.to == 0) || b.from > 0 && len(parts) > 1 {
		return bad
	}
	for _, p := range parts {
		if err := p.takes(b, d.quant[p.quant]); err != nil {
			return err
		}
	}
	across, down := ceilDiv(d.width, 8*d.most[0]), ceilDiv(d.height, 8*d.most[1])
	alone := len(parts) == 1
	if alone {
		across, down = d.alone(parts[0])
	}
	d.entro = entropy{}
	for unit := range across * down {
		if unit%across == 0 && d.ctx.Err() != nil {
			return d.ctx.Err()
		}
		if d.restart > 0 && unit > 0 && unit%d.restart == 0 {
			d.entro = entropy{marker: d.entro.marker}
			if m, err := d.nextMarker(); err != nil {
				return err
			} else if want := 0xd0 + byte(unit/d.restart-1)&7; m != want {
				return fmt.Errorf("%w: no restart where there should be one", errJPEG)
			}
			for _, p := range parts {
				p.prediction = 0
			}
		}
		for _, p := range parts {
			h, v := p.h, p.v
			if alone {
				h, v = 1, 1
			}
			for i := range h * v {
				if err := d.block(p, b, unit%across*h+i%h, unit/across*v+i/h); err != nil {
					return err
				}
			}
		}
	}
	d.entro = entropy{marker: d.entro.marker}
	return nil
}

// takes notes what a scan has of a component: of every coefficient the upper bits, or
// the one below those that are there. So no file has more scans than there are bits.
func (p *jpegPart) takes(b band, defined *[64]int32) error {
	if p.table == nil {
		p.table = defined
	}
	if p.table == nil {
		return fmt.Errorf("%w: table %d of quantisation is not defined", errJPEG, p.quant)
	}
	for k := b.from; k <= b.to; k++ {
		if want := p.have[k]; b.high == 0 && want != 0 || b.high > 0 && (want != b.high+1 || b.low != b.high-1) {
			return fmt.Errorf("%w: a scan of bits %d to %d of coefficient %d, of which there are bits down to %d", errJPEG, b.high, b.low, k, want-1)
		}
		p.have[k] = b.low + 1
	}
	return nil
}

// block decodes what a scan has of a block.
func (d *jpegDecoder) block(p *jpegPart, b band, x, y int) error {
	var ok bool
	if d.progressive {
		coef := (*[64]int16)(p.coef[64*(y*p.blocks+x):])
		switch {
		case b.from == 0 && b.high == 0:
			ok = d.prediction(p)
			coef[0] = int16(p.prediction << b.low)
		case b.from == 0:
			coef[0] |= int16(d.take(1) << b.low)
			ok = true
		case b.high == 0:
			ok = d.firstBits(coef, p.ac, b)
		default:
			ok = d.moreBits(coef, p.ac, b)
		}
	} else {
		var block [64]int32
		var nonzero uint64
		if nonzero, ok = d.sequential(p, &block); (image.Point{x, y}).In(p.wanted) {
			inverseDCT(&block, nonzero, p.pix[8*y*p.stride()+8*x:], p.stride())
		}
	}
	switch e := &d.entro; {
	case e.n >= e.missing && ok:
		return nil
	case e.err != nil:
		return e.err
	case e.n < e.missing:
		return fmt.Errorf("%w: not enough data", errJPEG)
	}
	return fmt.Errorf("%w: a code that is not of the table", errJPEG)
}

// prediction decodes the mean of a block.
func (d *jpegDecoder) prediction(p *jpegPart) bool {
	n := d.symbol(p.dc)
	if n < 0 || n > 16 {
		return false
	}
	p.prediction += signed(d.take(n), n)
	return true
}

// sequential decodes a block, to zeros, and says which of its coefficients are not
// zero.
func (d *jpegDecoder) sequential(p *jpegPart, block *[64]int32) (nonzero uint64, ok bool) {
	if !d.prediction(p) {
		return 0, false
	}
	table, h := p.table, p.ac
	block[0], nonzero = int32(int16(p.prediction))*table[0], 1
	bits, n := d.entro.bits, d.entro.n
	ok = true
	for k := 1; k < 64; k++ {
		if n < 32 {
			d.entro.bits, d.entro.n = bits, n
			d.fill()
			bits, n = d.entro.bits, d.entro.n
		}
		v := h.next[bits>>(64-nextBits)]
		length, number := int(v>>wholeShift&15), int32(v)>>numberShift
		skip := int(v >> 4 & 15)
		if length == 0 {
			var s int
			if s, length = h.symbol(bits); s < 0 {
				ok = false
				break
			}
			size := s & 15
			if skip = s >> 4; size == 0 {
				bits, n = bits<<length, n-length
				if skip < 15 {
					break
				}
				k += 15
				continue
			}
			number = signed(int32(bits<<length>>(64-size)), size)
			length += size
		}
		bits, n = bits<<(length&63), n-length
		if k += skip; k > 63 {
			ok = false
			break
		}
		at := zigzag[k] & 63
		block[at] = number * table[at]
		nonzero |= 1 << at
	}
	d.entro.bits, d.entro.n = bits, n
	return nonzero, ok
}

// firstBits decodes the upper bits of some coefficients.
func (d *jpegDecoder) firstBits(coef *[64]int16, h *huffman, b band) bool {
	if d.entro.run > 0 {
		d.entro.run--
		return true
	}
	for k := b.from; k <= b.to; k++ {
		s := d.symbol(h)
		switch skip, n := s>>4, s&15; {
		case s < 0:
			return false
		case n == 0 && skip < 15:
			d.entro.run = 1<<skip - 1 + int(d.take(skip))
			return true
		case k+skip > b.to:
			return n == 0
		default:
			if k += skip; n > 0 {
				coef[zigzag[k]] = int16(signed(d.take(n), n) << b.low)
			}
		}
	}
	return true
}

// moreBits decodes one more bit of them.
func (d *jpegDecoder) moreBits(coef *[64]int16, h *huffman, b band) bool {
	one := int16(1) << b.low
	refine := func(c *int16) {
		if d.take(1) == 0 || *c&one != 0 {
			return
		}
		if *c >= 0 {
			*c += one
		} else {
			*c -= one
		}
	}
	k := b.from
	for ; k <= b.to && d.entro.run == 0; k++ {
		s := d.symbol(h)
		if s < 0 {
			return false
		}
		skip, value := s>>4, int16(0)
		switch s & 15 {
		case 0:
			if skip < 15 {
				d.entro.run = 1<<skip + int(d.take(skip))
			}
		case 1:
			if value = -one; d.take(1) == 1 {
				value = one
			}
		default:
			return false
		}
		if d.entro.run > 0 {
			break
		}
		for ; k <= b.to; k++ {
			if c := &coef[zigzag[k]]; *c != 0 {
				refine(c)
			} else if skip == 0 {
				*c, value = value, 0
				break
			} else {
				skip--
			}
		}
		if value != 0 {
			return false
		}
	}
	if d.entro.run > 0 {
		for ; k <= b.to; k++ {
			if c := &coef[zigzag[k]]; *c != 0 {
				refine(c)
			}
		}
		d.entro.run--
	}
	return true
}
