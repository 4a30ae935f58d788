package dataset

import (
	"encoding/binary"
	"image"
)

// black is a pixel without light.
var black = [4]byte{0, 0, 0, 255}

// shift writes picture moved by (dx, dy) pixels to dst; what comes in at the
// border is black.
func shift(dst, picture *image.RGBA, dx, dy int) {
	side := picture.Rect.Dx()
	left, right := min(max(dx, 0), side), min(max(side+dx, 0), side)
	for y := range side {
		row := dst.Pix[4*side*y:][:4*side]
		if y-dy < 0 || y-dy >= side || left >= right {
			fill(row, black)
			continue
		}
		from := picture.Pix[4*side*(y-dy):][:4*side]
		fill(row[:4*left], black)
		copy(row[4*left:4*right], from[4*(left-dx):])
		fill(row[4*right:], black)
	}
}

// fill sets every pixel of a run.
func fill(pix []byte, p [4]byte) {
	for i := 0; i < len(pix); i += 4 {
		copy(pix[i:i+4], p[:])
	}
}

// mirror turns left and right.
func mirror(picture *image.RGBA) {
	for row := range rows(picture) {
		for l, r := 0, len(row)-4; l < r; l, r = l+4, r-4 {
			a, b := binary.NativeEndian.Uint32(row[l:]), binary.NativeEndian.Uint32(row[r:])
			binary.NativeEndian.PutUint32(row[l:], b)
			binary.NativeEndian.PutUint32(row[r:], a)
		}
	}
}

// rows are the pixels of a picture, row by row.
func rows(picture *image.RGBA) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		width := 4 * picture.Rect.Dx()
		for pix := picture.Pix; len(pix) >= width; pix = pix[picture.Stride:] {
			if !yield(pix[:width]) {
				return
			}
		}
	}
}
