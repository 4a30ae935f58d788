package dataset

import "math"

// The digits set: MNIST made hard enough for networks to differ. A digit is
// turned, scaled and moved, scraps of other digits and noise are laid over it.
// Every image is a function of the seed and its number, see docs/DIGITS.md.
const (
	digitsSide = 32
	mnistSide  = 28
	scraps     = 2 // pieces of other digits
	scrapSide  = 7
)

// The seeds of the two files, far enough apart.
const (
	digitsTrainSeed = 1
	digitsTestSeed  = 1001
)

// digitImage writes image i, 32x32 grey, made of the digits of one MNIST file.
// Products are rounded by conversion before they are added, which keeps
// processors with fused multiply-add from giving other images.
func digitImage(dst, mnist []byte, seed uint64, i int) {
	r := newStream(seed, uint64(i))
	var ink [digitsSide * digitsSide]float64
	placeDigit(&ink, mnist[i*mnistSide*mnistSide:][:mnistSide*mnistSide], &r)
	for range scraps {
		pasteScrap(&ink, mnist, &r)
	}
	for p, v := range ink {
		dst[p] = byte(math.Floor(float64(255*max(v, 0.5*r.float())) + 0.5))
	}
}

// placeDigit draws a digit turned by up to 45 degrees, scaled by 0.6 to 1.1 and
// moved by up to 4 pixels.
func placeDigit(ink *[digitsSide * digitsSide]float64, digit []byte, r *stream) {
	angle := (2*r.float() - 1) * 45 * math.Pi / 180
	scale := 0.6 + float64(0.5*r.float())
	r.float() // belongs to the recipe, decides nothing
	dx, dy := (2*r.float()-1)*4, (2*r.float()-1)*4
	sin, cos := math.Sincos(angle)
	const middle = (digitsSide - 1) / 2.0
	for y := range digitsSide {
		for x := range digitsSide {
			px, py := float64(x)-middle-dx, float64(y)-middle-dy
			qx := (float64(cos*px) + float64(sin*py)) / scale
			qy := (float64(-sin*px) + float64(cos*py)) / scale
			ink[y*digitsSide+x] = sample(digit, qx+(mnistSide-1)/2.0, qy+(mnistSide-1)/2.0)
		}
	}
}

// sample is the bilinear value of a digit at a point, 0 to 1; outside it is 0.
func sample(digit []byte, x, y float64) float64 {
	x0, y0 := math.Floor(x), math.Floor(y)
	at := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= mnistSide || y >= mnistSide {
			return 0
		}
		return float64(digit[y*mnistSide+x]) / 255
	}
	ix, iy, fx, fy := int(x0), int(y0), x-x0, y-y0
	if ix < -1 || iy < -1 || ix >= mnistSide || iy >= mnistSide {
		return 0
	}
	top := float64(at(ix, iy)*(1-fx)) + float64(at(ix+1, iy)*fx)
	bottom := float64(at(ix, iy+1)*(1-fx)) + float64(at(ix+1, iy+1)*fx)
	return float64(top*(1-fy)) + float64(bottom*fy)
}

// pasteScrap lays a piece of any digit of the file anywhere on the image.
func pasteScrap(ink *[digitsSide * digitsSide]float64, mnist []byte, r *stream) {
	const from, places = 4, 14 // corners of the piece: 4 to 17
	digit := mnist[r.below(len(mnist)/(mnistSide*mnistSide))*mnistSide*mnistSide:]
	ox, oy := from+r.below(places), from+r.below(places)
	dx, dy := r.below(digitsSide-scrapSide+1), r.below(digitsSide-scrapSide+1)
	for y := range scrapSide {
		for x := range scrapSide {
			p := &ink[(dy+y)*digitsSide+dx+x]
			*p = max(*p, float64(digit[(oy+y)*mnistSide+ox+x])/255)
		}
	}
}
