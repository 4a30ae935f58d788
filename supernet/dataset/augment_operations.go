package dataset

import (
	"image"
	"math"

	"golang.org/x/image/draw"
	"golang.org/x/image/math/f64"
)

// operation changes a picture with a strength of 0 (not at all, where an
// operation has a strength) to 1 and in a direction of 1 or -1. It works in
// place, or writes to dst and returns true. Outside is the colour beyond the
// border.
type operation func(dst, picture *image.RGBA, strength, sign float64, outside [4]byte) (written bool)

// operations are the 15 of RandAugment (Cubuk et al. 2019), with the strengths
// that are usual for ImageNet, each growing with the magnitude.
// The first three have no strength.
var operations = []operation{
	inPlace(func(p *image.RGBA, _, _ float64) { stretch(p) }),
	inPlace(func(p *image.RGBA, _, _ float64) { equalise(p) }),
	inPlace(func(p *image.RGBA, _, _ float64) { remapAll(p, func(v int) byte { return byte(255 - v) }) }),
	inPlace(posterise),
	inPlace(solarise),
	inPlace(solariseAdd),
	inPlace(func(p *image.RGBA, s, sign float64) { saturation(p, 1+0.9*s*sign) }),
	inPlace(func(p *image.RGBA, s, sign float64) { contrast(p, 1+0.9*s*sign) }),
	inPlace(func(p *image.RGBA, s, sign float64) { brightness(p, 1+0.9*s*sign) }),
	func(dst, p *image.RGBA, s, sign float64, _ [4]byte) bool {
		sharpness(dst, p, 1+0.9*s*sign)
		return true
	},
	affine(func(s, side float64) f64.Aff3 { // rotate by up to 30 degrees
		sin, cos := math.Sincos(s * math.Pi / 6)
		return f64.Aff3{cos, -sin, 0, sin, cos, 0}
	}),
	affine(func(s, side float64) f64.Aff3 { return f64.Aff3{1, 0.3 * s, 0, 0, 1, 0} }), // shear
	affine(func(s, side float64) f64.Aff3 { return f64.Aff3{1, 0, 0, 0.3 * s, 1, 0} }),
	affine(func(s, side float64) f64.Aff3 { return f64.Aff3{1, 0, 0.45 * s * side, 0, 1, 0} }), // move
	affine(func(s, side float64) f64.Aff3 { return f64.Aff3{1, 0, 0, 0, 1, 0.45 * s * side} }),
}

func inPlace(f func(p *image.RGBA, strength, sign float64)) operation {
	return func(_, p *image.RGBA, strength, sign float64, _ [4]byte) bool {
		f(p, strength, sign)
		return false
	}
}

// affine is an operation that maps points (x, y) from the middle of a picture
// of some side. The map is given for strengths of -1 to 1.
func affine(of func(strength, side float64) f64.Aff3) operation {
	return func(dst, p *image.RGBA, strength, sign float64, outside [4]byte) bool {
		if strength == 0 {
			return false
		}
		side := float64(p.Rect.Dx())
		m, c := of(strength*sign, side), side/2
		m[2] += c - m[0]*c - m[1]*c
		m[5] += c - m[3]*c - m[4]*c
		fill(dst.Pix, outside)
		draw.ApproxBiLinear.Transform(dst, m, p, p.Rect, draw.Src, nil)
		return true
	}
}

// posterise leaves 8 to 4 bits of every value.
func posterise(p *image.RGBA, strength, _ float64) {
	mask := byte(0xff) << int(4*strength+0.5)
	remapAll(p, func(v int) byte { return byte(v) & mask })
}

// solarise inverts values from a threshold on, which falls from 256 to 0.
func solarise(p *image.RGBA, strength, _ float64) {
	remapAll(p, func(v int) byte {
		if float64(v) >= 256*(1-strength) {
			return byte(255 - v)
		}
		return byte(v)
	})
}

// solariseAdd lightens values below 128 by up to 110.
func solariseAdd(p *image.RGBA, strength, _ float64) {
	remapAll(p, func(v int) byte {
		if v < 128 {
			return byte(min(v+int(110*strength), 255))
		}
		return byte(v)
	})
}
