package dataset

import "image"

// clamp rounds to a byte.
func clamp(v float64) byte { return byte(min(max(v+0.5, 0), 255)) }

// grey is the luminance of a pixel, 0 to 255 (ITU-R BT.601).
func grey(p []byte) float64 {
	return 0.299*float64(p[0]) + 0.587*float64(p[1]) + 0.114*float64(p[2])
}

// pixels calls f with each pixel, four bytes; the last, opacity, is 255.
func pixels(picture *image.RGBA, f func(p []byte)) {
	for i := 0; i+4 <= len(picture.Pix); i += 4 {
		f(picture.Pix[i : i+4 : i+4])
	}
}

// remap replaces the values of every channel by those of a table.
func remap(picture *image.RGBA, table *[3][256]byte) {
	pixels(picture, func(p []byte) {
		p[0], p[1], p[2] = table[0][p[0]], table[1][p[1]], table[2][p[2]]
	})
}

// remapAll is remap with one table for all channels.
func remapAll(picture *image.RGBA, value func(v int) byte) {
	var t [256]byte
	for v := range t {
		t[v] = value(v)
	}
	remap(picture, &[3][256]byte{t, t, t})
}

// away moves values away from a base (factor over 1) or towards it (under 1).
func away(picture *image.RGBA, base, factor float64) {
	remapAll(picture, func(v int) byte { return clamp(base + factor*(float64(v)-base)) })
}

func brightness(picture *image.RGBA, factor float64) { away(picture, 0, factor) }

// contrast moves values away from the mean luminance of the picture.
func contrast(picture *image.RGBA, factor float64) {
	sum := 0.0
	pixels(picture, func(p []byte) { sum += grey(p) })
	away(picture, float64(clamp(sum/float64(len(picture.Pix)/4))), factor)
}

// saturation moves the channels of a pixel away from its luminance.
func saturation(picture *image.RGBA, factor float64) {
	pixels(picture, func(p []byte) {
		base := grey(p)
		for c := range 3 {
			p[c] = clamp(base + factor*(float64(p[c])-base))
		}
	})
}

// sharpness moves values away from those of the picture smoothed; the border
// stays.
func sharpness(dst, picture *image.RGBA, factor float64) {
	copy(dst.Pix, picture.Pix)
	side, stride := picture.Rect.Dx(), picture.Stride
	for y := 1; y < side-1; y++ {
		for x := 1; x < side-1; x++ {
			for i := y*stride + 4*x; i < y*stride+4*x+3; i++ {
				sum := 4 * int(picture.Pix[i]) // the middle counts five times
				for dy := -stride; dy <= stride; dy += stride {
					sum += int(picture.Pix[i+dy-4]) + int(picture.Pix[i+dy]) + int(picture.Pix[i+dy+4])
				}
				base := float64(sum) / 13
				dst.Pix[i] = clamp(base + factor*(float64(picture.Pix[i])-base))
			}
		}
	}
}

// histograms counts the values of each channel.
func histograms(picture *image.RGBA) (counts [3][256]int) {
	pixels(picture, func(p []byte) {
		counts[0][p[0]]++
		counts[1][p[1]]++
		counts[2][p[2]]++
	})
	return counts
}

// stretch spreads the values of each channel to 0 to 255.
func stretch(picture *image.RGBA) {
	var table [3][256]byte
	for c, counts := range histograms(picture) {
		low, high := 0, 255
		for low < 255 && counts[low] == 0 {
			low++
		}
		for high > 0 && counts[high] == 0 {
			high--
		}
		for v := range 256 {
			table[c][v] = byte(v)
			if high > low {
				table[c][v] = clamp(float64(v-low) * 255 / float64(high-low))
			}
		}
	}
	remap(picture, &table)
}

// equalise makes all values of each channel about as frequent.
func equalise(picture *image.RGBA) {
	var table [3][256]byte
	n := len(picture.Pix) / 4
	for c, counts := range histograms(picture) {
		last := 0
		for v, count := range counts {
			if count > 0 {
				last = count
			}
			table[c][v] = byte(v)
		}
		step := (n - last) / 255
		if step == 0 {
			continue
		}
		below := step / 2
		for v, count := range counts {
			table[c][v] = byte(min(below/step, 255))
			below += count
		}
	}
	remap(picture, &table)
}
