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
