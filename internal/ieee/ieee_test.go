package ieee

import (
	"math"
	"testing"
)

// value is what 1 sign bit, exponent bits and fraction bits mean, from the
// definition of the formats.
func value(bits uint16, exponentBits int) float64 {
	fractionBits := 15 - exponentBits
	bias, top := 1<<(exponentBits-1)-1, 1<<exponentBits-1
	exponent, fraction := int(bits>>fractionBits)&top, int(bits)&(1<<fractionBits-1)
	v := math.Ldexp(float64(fraction), 1-bias-fractionBits)
	switch {
	case exponent == top && fraction != 0:
		v = math.NaN()
	case exponent == top:
		v = math.Inf(1)
	case exponent > 0:
		v = math.Ldexp(float64(fraction+1<<fractionBits), exponent-bias-fractionBits)
	}
	if bits>>15 == 1 {
		return math.Copysign(v, -1)
	}
	return v
}

func TestEveryValue(t *testing.T) {
	for bits := range 1 << 16 {
		for name, c := range map[string]struct{ have, want float64 }{
			"half":     {float64(Half(uint16(bits))), value(uint16(bits), 5)},
			"bfloat16": {float64(BFloat16(uint16(bits))), value(uint16(bits), 8)},
		} {
			same := math.Float64bits(c.have) == math.Float64bits(c.want)
			if math.IsNaN(c.want) {
				same = math.IsNaN(c.have) && math.Signbit(c.have) == math.Signbit(c.want)
			}
			if !same {
				t.Errorf("%s %#04x is %v, expected %v", name, bits, c.have, c.want)
			}
		}
	}
}

// A value becomes the half that is nearest to it, of two as near the even one.
func TestToHalf(t *testing.T) {
	for bits := range uint16(0x7c00) { // of every positive half, the way to the next
		v, next := Half(bits), float64(Half(bits+1))
		if bits == 0x7bff {
			next = 65536
		}
		middle := float32((float64(v) + next) / 2)
		even := bits + bits&1
		for x, want := range map[float32]uint16{
			v: bits, middle: even, math.Nextafter32(middle, 0): bits, math.Nextafter32(middle, 1e9): bits + 1,
		} {
			if ToHalf(x) != want || ToHalf(-x) != want|0x8000 {
				t.Fatalf("%v: %#x and %#x, want %#x", x, ToHalf(x), ToHalf(-x), want)
			}
		}
	}
	for x, want := range map[float32]uint16{float32(math.Inf(1)): 0x7c00, math.MaxFloat32: 0x7c00, float32(math.Inf(-1)): 0xfc00, 1e-30: 0} {
		if ToHalf(x) != want {
			t.Errorf("%v: %#x, want %#x", x, ToHalf(x), want)
		}
	}
	if nan := ToHalf(float32(math.NaN())); !math.IsNaN(float64(Half(nan))) {
		t.Errorf("NaN becomes %#x", nan)
	}
}
