package dataset

import (
	"errors"
	"fmt"
	"image"
	"io"
)

// jpegDecode decodes JPEG of 8 bits, sequential or progressive with Huffman codes,
// to the bit as libjpeg does by default (and libjpeg-turbo, so PIL, OpenCV, torchvision
// and libvips): image/jpeg rounds the inverse cosine transform otherwise, by which
// deployed networks would answer otherwise. It is an *image.Gray, *image.YCbCr,
// *image.RGBA or *image.CMYK. ITU-T T.81.
func jpegDecode(r io.Reader) (image.Image, error) {
	d := &jpegDecoder{r: r, adobe: -1}
	for {
		marker, err := d.nextMarker()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == 0xd8 || marker >= 0xd0 && marker <= 0xd7 || marker == 0x01: // SOI, stray RST, TEM: alone
			continue
		case marker == 0xd9: // EOI
			return d.image()
		}
		segment, err := d.segment()
		if err != nil {
			return nil, err
		}
		switch {
		case marker == 0xc4:
			err = d.huffmanTables(segment)
		case marker == 0xdb:
			err = d.quantTables(segment)
		case marker == 0xdd && len(segment) >= 2:
			d.restart = int(segment[0])<<8 | int(segment[1])
		case marker == 0xee && len(segment) >= 12 && string(segment[:5]) == "Adobe":
			d.adobe = int(segment[11])
		case marker == 0xe0 && len(segment) >= 5 && string(segment[:5]) == "JFIF\x00":
			d.jfif = true
		case marker >= 0xc0 && marker <= 0xc2:
			d.progressive = marker == 0xc2
			err = d.frame(segment)
		case marker > 0xc2 && marker <= 0xcf && marker != 0xc8 && marker != 0xcc:
			err = errors.New("unsupported coding: neither sequential nor progressive with Huffman codes")
		case marker == 0xda:
			err = d.scan(segment)
		}
		if err != nil {
			return nil, err
		}
	}
}

var errJPEG = errors.New("invalid format")

// jpegDecoder is a file that is decoded.
type jpegDecoder struct {
	r     io.Reader
	buf   [4096]byte
	i, n  int
	entro entropy

	width, height int
	parts         []jpegPart
	most          [2]int // largest sampling factors
	progressive   bool
	quant         [4]*[64]int32 // in the order of rows; nil: not defined
	huffman       [2][4]huffman
	restart       int // MCUs from one restart to the next; 0: none
	adobe         int // transform of colours; -1: not said
	jfif          bool
}

// jpegPart is a component of the colours.
type jpegPart struct {
	id, quant  byte
	h, v       int // sampling factors
	blocks     int // in a row of pix, which is whole MCUs
	pix        []byte
	coef       []int16 // 64 a block, of progressive files
	dc, ac     *huffman
	prediction int32
	table      *[64]int32 // of quantisation, the one defined at the first scan
	have       [64]int    // by the order in the file, which bit of a coefficient is the lowest that is there, and 1; 0: none is
}

func (p *jpegPart) stride() int { return 8 * p.blocks }

func (d *jpegDecoder) byte() (byte, error) {
	if d.i == d.n {
		n, err := d.r.Read(d.buf[:])
		if n == 0 {
			if err == nil || err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return 0, err
		}
		d.i, d.n = 0, n
	}
	b := d.buf[d.i]
	d.i++
	return b, nil
}

// nextMarker is the next one, whatever is before it.
func (d *jpegDecoder) nextMarker() (byte, error) {
	if m := d.entro.marker; m != 0 {
		d.entro.marker = 0
		return m, nil
	}
	for before := byte(0); ; {
		b, err := d.byte()
		if err != nil || before == 0xff && b != 0 && b != 0xff {
			return b, err
		}
		before = b
	}
}

// segment is what follows a marker.
func (d *jpegDecoder) segment() ([]byte, error) {
	high, err := d.byte()
	if err != nil {
		return nil, err
	}
	low, err := d.byte()
	if err != nil {
		return nil, err
	}
	n := int(high)<<8 | int(low)
	if n < 2 {
		return nil, fmt.Errorf("%w: a segment of %d bytes", errJPEG, n)
	}
	out := make([]byte, n-2)
	for i := range out {
		if out[i], err = d.byte(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *jpegDecoder) quantTables(s []byte) error {
	for len(s) > 0 {
		wide, table := int(s[0]>>4), s[0]&15
		if wide > 1 || table > 3 || len(s) < 1+64*(wide+1) {
			return fmt.Errorf("%w: table of quantisation", errJPEG)
		}
		d.quant[table] = new([64]int32) // parts keep the one that they have
		for i, at := range zigzag {
			v := int32(s[1+i*(wide+1)])
			if wide == 1 {
				v = v<<8 | int32(s[2+2*i])
			}
			d.quant[table][at] = v
		}
		s = s[1+64*(wide+1):]
	}
	return nil
}

func (d *jpegDecoder) frame(s []byte) error {
	if d.parts != nil {
		return fmt.Errorf("%w: more than one frame", errJPEG)
	}
	if len(s) < 6 || len(s) < 6+3*int(s[5]) {
		return fmt.Errorf("%w: frame", errJPEG)
	}
	d.height, d.width = int(s[1])<<8|int(s[2]), int(s[3])<<8|int(s[4])
	n := int(s[5])
	if s[0] != 8 || n != 1 && n != 3 && n != 4 || d.width == 0 || d.height == 0 || d.width > maxPixels/d.height {
		return fmt.Errorf("unsupported: %d components of %d bits, %dx%d pixels", n, s[0], d.width, d.height)
	}
	d.parts = make([]jpegPart, n)
	for i := range d.parts {
		p, c := &d.parts[i], s[6+3*i:]
		p.id, p.h, p.v, p.quant = c[0], int(c[1]>>4), int(c[1]&15), c[2]
		if n == 1 {
			p.h, p.v = 1, 1
		}
		if p.h < 1 || p.h > 4 || p.v < 1 || p.v > 4 || p.quant > 3 {
			return fmt.Errorf("%w: component %d", errJPEG, i)
		}
		d.most[0], d.most[1] = max(d.most[0], p.h), max(d.most[1], p.v)
	}
	for i := range d.parts {
		p := &d.parts[i]
		p.blocks = ceilDiv(d.width, 8*d.most[0]) * p.h
		all := p.blocks * ceilDiv(d.height, 8*d.most[1]) * p.v
		p.pix = make([]byte, 64*all)
		if d.progressive {
			p.coef = make([]int16, 64*all)
		}
	}
	return nil
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// image is what the components make.
func (d *jpegDecoder) image() (image.Image, error) {
	if d.parts == nil {
		return nil, fmt.Errorf("%w: it has no image", errJPEG)
	}
	for i := range d.parts {
		p := &d.parts[i]
		for _, have := range p.have[:10] { // libjpeg invents those that are missing of these
			if have != 1 {
				return nil, fmt.Errorf("%w: scans are missing", errJPEG)
			}
		}
		for b := range len(p.coef) / 64 {
			var block [64]int32
			for k, v := range p.coef[64*b:][:64] {
				block[k] = int32(v)
			}
			d.put(p, &block, b%p.blocks, b/p.blocks)
		}
	}
	whole := image.Rect(0, 0, d.width, d.height)
	p := d.parts
	if len(p) == 1 {
		return &image.Gray{Pix: p[0].pix, Stride: p[0].stride(), Rect: whole}, nil
	}
	ratio, known := map[[2]int]image.YCbCrSubsampleRatio{
		{1, 1}: image.YCbCrSubsampleRatio444, {2, 1}: image.YCbCrSubsampleRatio422, {1, 2}: image.YCbCrSubsampleRatio440,
		{2, 2}: image.YCbCrSubsampleRatio420, {4, 1}: image.YCbCrSubsampleRatio411, {4, 2}: image.YCbCrSubsampleRatio410,
	}[[2]int{p[0].h / p[1].h, p[0].v / p[1].v}]
	if !known || p[0].h%p[1].h != 0 || p[0].v%p[1].v != 0 || p[1].h != p[2].h || p[1].v != p[2].v || len(p) == 4 && (p[3].h != p[0].h || p[3].v != p[0].v) || p[0].h != d.most[0] || p[0].v != d.most[1] {
		return nil, errors.New("unsupported ratio of chroma samples")
	}
	ycc := &image.YCbCr{Y: p[0].pix, Cb: p[1].pix, Cr: p[2].pix, YStride: p[0].stride(), CStride: p[1].stride(), SubsampleRatio: ratio, Rect: whole}
	plain := d.adobe == 0 && !(len(p) == 3 && d.jfif) || len(p) == 3 && d.adobe < 0 && !d.jfif && p[0].id == 'R' && p[1].id == 'G' && p[2].id == 'B'
	if len(p) == 3 && !plain {
		return ycc, nil
	}
	room := &image.RGBA{}
	if !plain {
		fromJPEG(ycc, room)
	} else if ratio != image.YCbCrSubsampleRatio444 {
		return nil, errors.New("unsupported: fewer samples of one colour than of another")
	} else {
		reshape(room, d.width, d.height)
		for y := range d.height {
			for x := range d.width {
				at := y*ycc.YStride + x
				setPixel(room.Pix[room.PixOffset(x, y):], ycc.Y[at], ycc.Cb[at], ycc.Cr[at])
			}
		}
	}
	if len(p) == 3 {
		return room, nil
	}
	if d.adobe < 0 {
		return nil, errors.New("unsupported: four components, and it does not say of which colours")
	}
	inks := &image.CMYK{Pix: room.Pix, Stride: room.Stride, Rect: whole} // Adobe writes what is left of white
	for y := range d.height {
		for x := range d.width {
			at := inks.PixOffset(x, y)
			if plain {
				for c := range 3 {
					inks.Pix[at+c] = 255 - inks.Pix[at+c]
				}
			}
			inks.Pix[at+3] = 255 - p[3].pix[y*p[3].stride()+x]
		}
	}
	return inks, nil
}

// put makes a block of pixels from coefficients.
func (d *jpegDecoder) put(p *jpegPart, block *[64]int32, x, y int) {
	for k, q := range p.table {
		block[k] *= q
	}
	inverseDCT(block, p.pix[8*y*p.stride()+8*x:], p.stride())
}
