package dataset

import (
	"image"
	"math"
)

// tries is how often a random rectangle is drawn before one that fits is given
// up on.
const tries = 10

// randomCrop is a part of an image with at least a share of its area and an
// aspect ratio of 3/4 to 4/3 (Szegedy et al. 2015); where none fits, the
// greatest such part in the middle.
func randomCrop(b image.Rectangle, least float64, r *stream) image.Rectangle {
	area := float64(b.Dx()) * float64(b.Dy())
	for range tries {
		w, h := sides(area*r.between(least, 1), 4.0/3, r)
		if w >= 1 && h >= 1 && w <= b.Dx() && h <= b.Dy() {
			x, y := r.below(b.Dx()-w+1), r.below(b.Dy()-h+1)
			return image.Rect(x, y, x+w, y+h).Add(b.Min)
		}
	}
	w := min(b.Dx(), max(1, b.Dy()*4/3))
	h := min(b.Dy(), max(1, b.Dx()*4/3))
	x, y := (b.Dx()-w)/2, (b.Dy()-h)/2
	return image.Rect(x, y, x+w, y+h).Add(b.Min)
}

// sides are those of a rectangle of an area whose aspect ratio is random
// between 1/ratio and ratio, as likely wide as tall.
func sides(area, ratio float64, r *stream) (w, h int) {
	aspect := math.Exp(r.between(-math.Log(ratio), math.Log(ratio)))
	return int(math.Sqrt(area*aspect) + 0.5), int(math.Sqrt(area/aspect) + 0.5)
}

// erase replaces a rectangle of 2% to a third of a normalised picture
// [3, size, size] by normal noise (Zhong et al. 2017).
func erase(x []float32, size int, r *stream) {
	area := float64(size) * float64(size)
	for range tries {
		w, h := sides(area*r.between(0.02, 1.0/3), 1/0.3, r)
		if w < 1 || h < 1 || w > size || h > size {
			continue
		}
		left, top := r.below(size-w+1), r.below(size-h+1)
		for c := range 3 {
			for y := top; y < top+h; y++ {
				row := x[(c*size+y)*size+left:][:w]
				for i := range row {
					row[i] = float32(r.normal())
				}
			}
		}
		return
	}
}
