package dataset

// inverseDCT makes the pixels of a block from its coefficients, both row by row: the
// algorithm of Loeffler, Ligtenberg and Moschytz (ICASSP 1989) with 13 bits behind
// the point and 2 kept between the passes, which is libjpeg's "slow" one, to the bit.
func inverseDCT(block *[64]int32, to []byte, stride int) {
	const bits, kept = 13, 2
	for x := range 8 {
		c := block[x:]
		if c[8]|c[16]|c[24]|c[32]|c[40]|c[48]|c[56] == 0 {
			v := c[0] << kept
			c[8], c[16], c[24], c[32], c[40], c[48], c[56] = v, v, v, v, v, v, v
			c[0] = v
			continue
		}
		even, odd := dct8(c[0], c[8], c[16], c[24], c[32], c[40], c[48], c[56])
		for i := range 4 {
			c[8*i] = (even[i] + odd[i] + 1<<(bits-kept-1)) >> (bits - kept)
			c[8*(7-i)] = (even[i] - odd[i] + 1<<(bits-kept-1)) >> (bits - kept)
		}
	}
	for y := range 8 {
		c := block[8*y : 8*y+8 : 8*y+8]
		row := to[y*stride:][:8:8]
		even, odd := dct8(c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7])
		for i := range 4 {
			row[i] = level(even[i] + odd[i])
			row[7-i] = level(even[i] - odd[i])
		}
	}
}

// level is a value with 18 bits behind the point as a byte around 128.
func level(v int32) byte {
	return byte(min(max((v+1<<17)>>18+128, 0), 255))
}

// dct8 is one row or column: pixel i is even[i] + odd[i], pixel 7-i their difference.
func dct8(c0, c1, c2, c3, c4, c5, c6, c7 int32) (even, odd [4]int32) {
	z := (c2 + c6) * 4433              // sqrt(2) cos(6 pi/16)
	low, high := z-c6*15137, z+c2*6270 // 1.847759065, 0.765366865
	sum, diff := (c0+c4)<<13, (c0-c4)<<13
	even = [4]int32{sum + high, diff + low, diff - low, sum - high}

	z1, z2, z3, z4 := c7+c1, c5+c3, c7+c3, c5+c1
	z5 := (z3 + z4) * 9633             // 1.175875602
	z1, z2 = z1*-7373, z2*-20995       // 0.899976223, 2.562915447
	z3, z4 = z3*-16069+z5, z4*-3196+z5 // 1.961570560, 0.390180644
	odd = [4]int32{
		c1*12299 + z1 + z4, // 1.501321110
		c3*25172 + z2 + z3, // 3.072711026
		c5*16819 + z2 + z4, // 2.053119869
		c7*2446 + z1 + z3,  // 0.298631336
	}
	return even, odd
}
