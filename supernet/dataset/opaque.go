package dataset

import (
	"image"
	"image/color"
)

// opaque takes the transparency from an image. Colours stay as they are in the
// file: an image with alpha of its own has them, one that is multiplied by alpha
// is divided by it. 16 bits per value become 8. The image is changed, or copied to
// room.
func opaque(m image.Image, room *image.RGBA) image.Image {
	switch m := m.(type) {
	case *image.Gray:
		return m
	case *image.RGBA:
		if !m.Opaque() {
			for i := 0; i < len(m.Pix); i += 4 {
				divide(m.Pix[i : i+4 : i+4])
			}
		}
		return m
	case *image.NRGBA:
		for i := 3; i < len(m.Pix); i += 4 {
			m.Pix[i] = 255
		}
		return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
	case *image.Gray16:
		reshape(room, m.Rect.Dx(), m.Rect.Dy())
		for i := range len(m.Pix) / 2 {
			v := m.Pix[2*i]
			setPixel(room.Pix[4*i:], v, v, v)
		}
	case *image.NRGBA64:
		halve(room, m.Pix, m.Rect)
	case *image.RGBA64:
		if !m.Opaque() {
			return each(m, room)
		}
		halve(room, m.Pix, m.Rect)
	case *image.Paletted:
		reshape(room, m.Rect.Dx(), m.Rect.Dy())
		colours := opaqueColours(m.Palette)
		for i, v := range m.Pix {
			copy(room.Pix[4*i:4*i+4], colours[v][:])
		}
	default:
		return each(m, room)
	}
	return room
}

// halve copies pixels of four values of 16 bits, without their alpha.
func halve(room *image.RGBA, pix []byte, r image.Rectangle) {
	reshape(room, r.Dx(), r.Dy())
	for i := range len(pix) / 8 {
		setPixel(room.Pix[4*i:], pix[8*i], pix[8*i+2], pix[8*i+4])
	}
}

// each copies pixels one by one.
func each(m image.Image, room *image.RGBA) image.Image {
	b := m.Bounds()
	reshape(room, b.Dx(), b.Dy())
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := opaqueColour(m.At(b.Min.X+x, b.Min.Y+y))
			copy(room.Pix[room.PixOffset(x, y):], c[:])
		}
	}
	return room
}

func setPixel(p []byte, r, g, b byte) {
	p = p[:4:4]
	p[0], p[1], p[2], p[3] = r, g, b, 255
}

// setInks sets a pixel of cyan, magenta, yellow and black.
func setInks(p []byte, c, m, y, k byte) {
	white := 255 - uint32(k)
	part := func(ink byte) byte { return byte(white - (uint32(ink)*white+127)/255) }
	setPixel(p, part(c), part(m), part(y))
}

// divide makes a pixel opaque whose colours are multiplied by its alpha.
func divide(p []byte) {
	if a := uint32(p[3]); a != 0 && a != 255 {
		for c := range 3 {
			p[c] = byte(min(uint32(p[c])*255/a, 255))
		}
	}
	p[3] = 255
}

// opaqueColours are the colours of a palette; indexes without one are black.
func opaqueColours(palette color.Palette) (out [256][4]byte) {
	for i := range out {
		out[i] = [4]byte{3: 255}
		if i < len(palette) {
			out[i] = opaqueColour(palette[i])
		}
	}
	return out
}

func opaqueColour(c color.Color) [4]byte {
	n := color.NRGBAModel.Convert(c).(color.NRGBA)
	return [4]byte{n.R, n.G, n.B, 255}
}
