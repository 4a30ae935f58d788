package dataset

import (
	"encoding/binary"
	"image"
)

// fromJPEG turns the colours of JPEG, full-range BT.601, to RGB in room. Where
// there are fewer chroma samples than pixels they are interpolated with weights
// 3, 1 along each side, rounding as libjpeg does ("fancy upsampling"), and so as
// PIL: image.YCbCr repeats the nearest.
func fromJPEG(m *image.YCbCr, room *image.RGBA) {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	reshape(room, width, height)
	across, down := 1, 1
	switch m.SubsampleRatio {
	case image.YCbCrSubsampleRatio422:
		across = 2
	case image.YCbCrSubsampleRatio420:
		across, down = 2, 2
	case image.YCbCrSubsampleRatio440:
		down = 2
	}
	if across*down == 1 || across == 2 && (width+1)/2 <= 2 { // libjpeg repeats those of narrow images
		nearest(m, room)
		return
	}
	columns, rows := (width+across-1)/across, (height+down-1)/down
	sums := make([]int32, columns)
	chroma := [2][]int32{make([]int32, width+1), make([]int32, width+1)} // one more, where a sample is of two
	for y := range height {
		near, far := y, y
		if down == 2 {
			near, far = nearFar(y, rows)
		}
		for c, plane := range [2][]byte{m.Cb, m.Cr} {
			upsample(chroma[c], sums, plane[near*m.CStride:], plane[far*m.CStride:], across, down, y&1)
		}
		setYCC(room.Pix[y*room.Stride:], m.Y[y*m.YStride:][:width], chroma[0], chroma[1])
	}
}

// upsample makes a row of chroma from the nearest row of samples and the second
// nearest. odd is the parity of the row.
func upsample(to, sums []int32, near, far []byte, across, down, odd int) {
	shift, rounds := 2, [2]int32{1, 2} // one side: of four parts
	near, far = near[:len(sums)], far[:len(sums)]
	for i := range sums {
		if sums[i] = int32(near[i]); down == 2 {
			sums[i] = 3*int32(near[i]) + int32(far[i])
		}
	}
	switch {
	case across == 1:
		for x, sum := range sums {
			to[x] = (sum + rounds[odd]) >> shift
		}
		return
	case down == 2:
		shift, rounds = 4, [2]int32{8, 7}
	}
	last := sums[0]
	for i, sum := range sums {
		next := sums[min(i+1, len(sums)-1)]
		two := to[2*i : 2*i+2 : 2*i+2]
		two[0], two[1] = (3*sum+last+rounds[0])>>shift, (3*sum+next+rounds[1])>>shift
		last = sum
	}
}

// nearest converts an image with the nearest chroma sample for every pixel.
func nearest(m *image.YCbCr, room *image.RGBA) {
	width := m.Rect.Dx()
	blue, red := make([]int32, width), make([]int32, width)
	for y := range m.Rect.Dy() {
		for x := range width {
			at := m.COffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)
			blue[x], red[x] = int32(m.Cb[at]), int32(m.Cr[at])
		}
		setYCC(room.Pix[y*room.Stride:], m.Y[m.YOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:width], blue, red)
	}
}

// setYCC sets a row of pixels from luma and chroma, in 16 bits behind the point as
// libjpeg does.
func setYCC(to, luma []byte, blue, red []int32) {
	blue, red = blue[:len(luma)], red[:len(luma)]
	for x, v := range luma {
		y, cb, cr := int32(v)<<16+1<<15, blue[x]-128, red[x]-128
		r, g, b := clip16(y+91881*cr), clip16(y-22554*cb-46802*cr), clip16(y+116130*cb)
		binary.LittleEndian.PutUint32(to[4*x:], r|g<<8|b<<16|0xff<<24)
	}
}

// clip16 is the whole part of a number with 16 bits behind the point, as a byte.
func clip16(v int32) uint32 {
	if uint32(v) >= 1<<24 {
		return uint32(^(v >> 31)) & 0xff
	}
	return uint32(v) >> 16
}
