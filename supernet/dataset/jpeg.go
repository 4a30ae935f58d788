package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"
	"sync"
)

// wantedPart is the part of an image that is wanted, of its bounds. It is asked once,
// before the image is decoded; nil wants everything. Outside of it pixels may be
// anything.
type wantedPart func(whole image.Rectangle) image.Rectangle

func (p wantedPart) of(whole image.Rectangle) image.Rectangle {
	if p == nil {
		return whole
	}
	return p(whole)
}

// jpegDecode decodes JPEG of 8 bits, sequential or progressive with Huffman codes,
// to the bit as libjpeg does by default (and libjpeg-turbo, so PIL, OpenCV, torchvision
// and libvips): image/jpeg rounds the inverse cosine transform otherwise, by which
// deployed networks would answer otherwise. It is an *image.Gray, or an *image.RGBA
// in room. What is damaged outside of the part that is wanted is an error as well.
// ITU-T T.81.
func jpegDecode(ctx context.Context, data []byte, room *image.RGBA, part wantedPart) (image.Image, error) {
	d := jpegDecoders.Get().(*jpegDecoder)
	defer jpegDecoders.Put(d)
	d.reset(ctx, data, part)
	if err := d.read(false); err != nil {
		return nil, err
	}
	return d.image(room)
}

func jpegConfig(r io.Reader) (c image.Config, err error) {
	d := &jpegDecoder{}
	data, err := io.ReadAll(r) // it is in memory already
	d.reset(context.Background(), data, nil)
	if err == nil {
		err = d.read(true)
	}
	return image.Config{ColorModel: color.RGBAModel, Width: d.width, Height: d.height}, err
}

// read reads the file, or what is before its first scan.
func (d *jpegDecoder) read(header bool) error {
	for {
		marker, err := d.nextMarker()
		if err != nil {
			return err
		}
		switch {
		case marker == 0xd8 || marker >= 0xd0 && marker <= 0xd7 || marker == 0x01: // SOI, stray RST, TEM: alone
			continue
		case marker == 0xd9: // EOI
			return nil
		}
		segment, err := d.segment()
		if err != nil {
			return err
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
			if err = d.frame(segment); err != nil || header {
				return err
			}
			err = d.takeMemory()
		case marker > 0xc2 && marker <= 0xcf && marker != 0xc8 && marker != 0xcc:
			err = errors.New("unsupported coding: neither sequential nor progressive with Huffman codes")
		case marker == 0xda:
			err = d.scan(segment)
		}
		if err != nil {
			return err
		}
	}
}

var errJPEG = errors.New("invalid format")

// jpegDecoders keep their memory from one image to the next.
var jpegDecoders = sync.Pool{New: func() any { return &jpegDecoder{} }}

// jpegDecoder is a file that is decoded.
type jpegDecoder struct {
	ctx   context.Context
	data  []byte
	at    int // in data
	entro entropy
	part  wantedPart

	width, height int
	wanted        image.Rectangle
	parts         []jpegPart
	most          [2]int // largest sampling factors
	progressive   bool
	quant         [4]*[64]int32 // in the order of rows; nil: not defined
	huffman       [2][4]huffman
	restart       int // MCUs from one restart to the next; 0: none
	adobe         int // transform of colours; -1: not said
	jfif          bool
	pix           [4][]byte // memory of parts
	chroma        []uint32  // of a row
	lines         [4][]byte // rows that are made of the parts
}

func (d *jpegDecoder) reset(ctx context.Context, data []byte, part wantedPart) {
	d.ctx, d.data, d.at, d.entro, d.part = ctx, data, 0, entropy{}, part
	d.width, d.height, d.parts, d.most, d.quant = 0, 0, nil, [2]int{}, [4]*[64]int32{}
	d.huffman, d.restart, d.adobe, d.jfif = [2][4]huffman{}, 0, -1, false
}

// jpegPart is a component of the colours.
type jpegPart struct {
	id, quant    byte
	h, v         int // sampling factors
	across, down int // pixels that have a sample in common
	blocks       int // in a row of pix, which is whole MCUs
	pix          []byte
	coef         []int16 // 64 a block, of progressive files
	dc, ac       *huffman
	prediction   int32
	table        *[64]int32      // of quantisation, the one defined at the first scan
	wanted       image.Rectangle // of blocks
	have         [64]int         // by the order in the file, which bit of a coefficient is the lowest that is there, and 1; 0: none is
}

func (p *jpegPart) stride() int { return 8 * p.blocks }

func (d *jpegDecoder) byte() (byte, error) {
	if d.at == len(d.data) {
		return 0, io.ErrUnexpectedEOF
	}
	d.at++
	return d.data[d.at-1], nil
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
	if n -= 2; n > len(d.data)-d.at {
		return nil, io.ErrUnexpectedEOF
	}
	d.at += n
	return d.data[d.at-n : d.at], nil
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
	if s[0] != 8 || n != 1 && n != 3 && n != 4 || d.width == 0 || d.height == 0 {
		return fmt.Errorf("unsupported: %d components of %d bits, %dx%d pixels", n, s[0], d.width, d.height)
	}
	if d.width > maxPixels/d.height {
		return fmt.Errorf("%dx%d pixels, expected at most %d", d.width, d.height, maxPixels)
	}
	d.parts = make([]jpegPart, n)
	blocks := 0
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
		blocks += p.h * p.v
	}
	d.wanted = d.part.of(image.Rect(0, 0, d.width, d.height))
	for i := range d.parts {
		p := &d.parts[i]
		if d.most[0]%p.h != 0 || d.most[1]%p.v != 0 || blocks > 10 {
			return fmt.Errorf("unsupported: component %d has %dx%d samples for %dx%d", i, p.h, p.v, d.most[0], d.most[1])
		}
		p.across, p.down = d.most[0]/p.h, d.most[1]/p.v
		w := d.wanted // and the samples around it, of which pixels at its border are interpolated
		p.wanted = image.Rect((w.Min.X/p.across-1)>>3, (w.Min.Y/p.down-1)>>3, (w.Max.X/p.across+1)>>3+1, (w.Max.Y/p.down+1)>>3+1)
		p.blocks = ceilDiv(d.width, 8*d.most[0]) * p.h
	}
	return nil
}

// takeMemory takes memory for the components of a frame, unless the file is too short
// for them: of every block it has at least one bit.
func (d *jpegDecoder) takeMemory() error {
	least := 0
	for i := range d.parts {
		across, down := d.alone(&d.parts[i])
		least += across * down
	}
	if least > 8*(len(d.data)-d.at) {
		return io.ErrUnexpectedEOF
	}
	for i := range d.parts {
		p := &d.parts[i]
		all := p.blocks * ceilDiv(d.height, 8*d.most[1]) * p.v
		if cap(d.pix[i]) < 64*all {
			d.pix[i] = make([]byte, 64*all)
		}
		p.pix = d.pix[i][:64*all]
		if d.progressive {
			p.coef = make([]int16, 64*all)
		}
	}
	return nil
}

// alone is how many blocks a component has in a scan of its own.
func (d *jpegDecoder) alone(p *jpegPart) (across, down int) {
	return ceilDiv(ceilDiv(d.width*p.h, d.most[0]), 8), ceilDiv(ceilDiv(d.height*p.v, d.most[1]), 8)
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }

// image is what the components make.
func (d *jpegDecoder) image(room *image.RGBA) (image.Image, error) {
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
			x, y := b%p.blocks, b/p.blocks
			if !(image.Point{x, y}).In(p.wanted) {
				continue
			}
			var block [64]int32
			nonzero := uint64(0)
			for k, v := range p.coef[64*b:][:64] {
				if v != 0 {
					block[k] = int32(v) * p.table[k]
					nonzero |= 1 << k
				}
			}
			inverseDCT(&block, nonzero, p.pix[8*y*p.stride()+8*x:], p.stride())
		}
	}
	if p := d.parts; len(p) == 1 {
		d.pix[0] = nil // it is the image's now
		return &image.Gray{Pix: p[0].pix, Stride: p[0].stride(), Rect: image.Rect(0, 0, d.width, d.height)}, nil
	}
	if len(d.parts) == 4 && d.adobe < 0 {
		return nil, errors.New("unsupported: four components, and it does not say of which colours")
	}
	reshape(room, d.width, d.height)
	d.colours(room)
	return room, nil
}
