package dataset

import "image"

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
	sums := make([]int, columns)
	chroma := [2][]int{make([]int, width), make([]int, width)}
	for y := range height {
		near, far := y, y
		if down == 2 {
			near, far = nearFar(y, rows)
		}
		for c, plane := range [2][]byte{m.Cb, m.Cr} {
			upsample(chroma[c], sums, plane[near*m.CStride:], plane[far*m.CStride:], across, down, y&1)
		}
		luma, to := m.Y[y*m.YStride:], room.Pix[y*room.Stride:]
		for x := range width {
			setYCC(to[4*x:], int(luma[x]), chroma[0][x]-128, chroma[1][x]-128)
		}
	}
}

// upsample makes a row of chroma from the nearest row of samples and the second
// nearest. odd is the parity of the row.
func upsample(to, sums []int, near, far []byte, across, down, odd int) {
	shift, rounds := 2, [2]int{1, 2} // one side: of four parts
	for i := range sums {
		if sums[i] = int(near[i]); down == 2 {
			sums[i] = 3*int(near[i]) + int(far[i])
		}
	}
	switch {
	case across == 1:
		for x := range to {
			to[x] = (sums[x] + rounds[odd]) >> shift
		}
		return
	case down == 2:
		shift, rounds = 4, [2]int{8, 7}
	}
	last := len(sums) - 1
	for x := range to {
		i := x / 2
		other := sums[max(i-1, 0)]
		if x&1 == 1 {
			other = sums[min(i+1, last)]
		}
		to[x] = (3*sums[i] + other + rounds[x&1]) >> shift
	}
}

// nearest converts an image with the nearest chroma sample for every pixel.
func nearest(m *image.YCbCr, room *image.RGBA) {
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			at := m.COffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)
			setYCC(room.Pix[room.PixOffset(x, y):], int(m.Y[m.YOffset(m.Rect.Min.X+x, m.Rect.Min.Y+y)]), int(m.Cb[at])-128, int(m.Cr[at])-128)
		}
	}
}

// setYCC sets a pixel from luma and chroma, in 16 bits behind the point as libjpeg
// does.
func setYCC(p []byte, luma, cb, cr int) {
	const half = 1 << 15
	setPixel(p, clip(luma+(91881*cr+half)>>16), clip(luma+(-22554*cb-46802*cr+half)>>16), clip(luma+(116130*cb+half)>>16))
}

func clip(v int) byte { return byte(min(max(v, 0), 255)) }
