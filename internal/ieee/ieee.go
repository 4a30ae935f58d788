// Package ieee converts the floating-point formats of 16 bits that checkpoints
// hold and Go has no type for.
package ieee

import "math"

// Half is the value of an IEEE 754 binary16 (torch.float16); a NaN keeps its sign
// and payload. Every one is a float32.
func Half(bits uint16) float32 {
	sign, exponent, fraction := uint32(bits>>15)<<31, uint32(bits>>10&31), uint32(bits&0x3ff)
	switch exponent {
	case 0: // subnormal: fraction·2^-24
		return math.Float32frombits(math.Float32bits(float32(fraction)/(1<<24)) | sign)
	case 31:
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+127-15)<<23 | fraction<<13)
}

// BFloat16 is the value of a bfloat16: the upper half of a float32.
func BFloat16(bits uint16) float32 { return math.Float32frombits(uint32(bits) << 16) }

// ToHalf is the binary16 next to a value, of two as near the one whose last bit is
// 0: beyond 65504 infinity. A NaN keeps its sign, and is quiet.
func ToHalf(v float32) uint16 {
	bits := math.Float32bits(v)
	sign, rest := uint16(bits>>16)&0x8000, bits&0x7fffffff
	switch {
	case rest > 0xff<<23:
		return sign | 0x7e00
	case rest >= 0x477ff000: // half a unit above 65504
		return sign | 0x7c00
	case rest < 113<<23: // subnormal: in units of 2^-24, which the addition rounds to
		return sign | uint16(math.Float32bits(math.Float32frombits(rest)+0.5)-0x3f000000)
	}
	rest += 0xfff + rest>>13&1
	return sign | uint16((rest-112<<23)>>13)
}
