package dataset

import "encoding/binary"

// inverseDCT makes the pixels of a block from its coefficients, both row by row, of
// which nonzero has the bits of those that are not zero: the algorithm of Loeffler,
// Ligtenberg and Moschytz (ICASSP 1989) with 13 bits behind the point and 2 kept
// between the passes, which is libjpeg's "slow" one, to the bit. Two columns, and
// then two rows, are computed at once, in the halves of 64 bits.
func inverseDCT(block *[64]int32, nonzero uint64, to []byte, stride int) {
	const bits, kept, column = 13, 2, 0x0101010101010101
	const round = 1 << (bits - kept - 1)
	const level = 128<<(bits+kept+3) + 1<<(bits+kept+2)
	if nonzero&^1 == 0 {
		v := uint64(clampDCT(int64(block[0])<<(bits+kept)+level)) * column
		for y := range 8 {
			binary.LittleEndian.PutUint64(to[y*stride:], v)
		}
		return
	}
	var rows [4][8]int64 // row i and row 7-i, by columns
	for x := 0; x < 8; x += 2 {
		c := block[x : x+58]
		if two := nonzero >> x & (3 * column); two == 0 {
			continue
		} else if two&^3 == 0 {
			a, b := int64(c[0])<<kept, int64(c[1])<<kept
			for i := range rows {
				rows[i][x], rows[i][x+1] = both(a, a), both(b, b)
			}
			continue
		}
		two := func(i int) int64 { return both(int64(c[i]), int64(c[i+1])) }
		e0, e1, e2, e3, o0, o1, o2, o3 := dct8(two(0), two(8), two(16), two(24), two(32), two(40), two(48), two(56), both(round, round))
		put := func(i int, even, odd int64) {
			p, q := even+odd, even-odd
			rows[i][x] = both(int64(int32(p)>>(bits-kept)), int64(int32(q)>>(bits-kept)))
			rows[i][x+1] = both(upper(p)>>(bits-kept), upper(q)>>(bits-kept))
		}
		put(0, e0, o0)
		put(1, e1, o1)
		put(2, e2, o2)
		put(3, e3, o3)
	}
	for i := range rows {
		r := &rows[i]
		e0, e1, e2, e3, o0, o1, o2, o3 := dct8(r[0], r[1], r[2], r[3], r[4], r[5], r[6], r[7], both(level, level))
		one, other := to[i*stride:][:8:8], to[(7-i)*stride:][:8:8]
		put := func(x int, even, odd int64) {
			p, q := even+odd, even-odd
			one[x], other[x] = clampDCT(int64(int32(p))), clampDCT(upper(p))
			one[7-x], other[7-x] = clampDCT(int64(int32(q))), clampDCT(upper(q))
		}
		put(0, e0, o0)
		put(1, e1, o1)
		put(2, e2, o2)
		put(3, e3, o3)
	}
}

// both is two numbers of 32 bits in one, with which one adds and multiplies by
// constants as with each; upper is the second of them, the first is int32.
func both(a, b int64) int64 { return a + b<<32 }

func upper(v int64) int64 { return (v - int64(int32(v))) >> 32 }

// clampDCT is the whole part of a number with 18 bits behind the point as a byte.
func clampDCT(v int64) byte {
	if v >>= 18; uint64(v) > 255 {
		return byte(^(v >> 63))
	}
	return byte(v)
}

// dct8 is one row or column, or two, with bias added: pixel i is the i-th even part
// and the odd one, pixel 7-i their difference.
func dct8(c0, c1, c2, c3, c4, c5, c6, c7, bias int64) (e0, e1, e2, e3, o0, o1, o2, o3 int64) {
	z := (c2 + c6) * 4433              // sqrt(2) cos(6 pi/16)
	low, high := z-c6*15137, z+c2*6270 // 1.847759065, 0.765366865
	sum, diff := (c0+c4)<<13+bias, (c0-c4)<<13+bias

	z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
	z5 := (z3 + z4) * 9633             // 1.175875602
	z1, z2 = z1*-7373, z2*-20995       // 0.899976223, 2.562915447
	z3, z4 = z3*-16069+z5, z4*-3196+z5 // 1.961570560, 0.390180644
	return sum + high, diff + low, diff - low, sum - high,
		c1*12299 + z1 + z4, // 1.501321110
		c3*25172 + z2 + z3, // 3.072711026
		c5*16819 + z2 + z4, // 2.053119869
		c7*2446 + z1 + z3 //   0.298631336
}
