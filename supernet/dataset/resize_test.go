package dataset

import (
	"bytes"
	"image"
	"math/rand/v2"
	"testing"

	"golang.org/x/image/draw"
)

// Evaluation sees what draw.CatmullRom makes, to the bit, of whatever part and size.
func TestBicubicIsCatmullRom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var z bicubic
	for range 60 {
		width, height := 1+r.IntN(90), 1+r.IntN(90)
		colours, grey := image.NewRGBA(image.Rect(0, 0, width, height)), image.NewGray(image.Rect(0, 0, width, height))
		for i := range colours.Pix {
			if colours.Pix[i] = byte(r.IntN(256)); i%4 == 3 || r.IntN(3) == 0 {
				colours.Pix[i] = 255 // white beside others is what overshoots
			}
		}
		for i := range grey.Pix {
			grey.Pix[i] = colours.Pix[4*i]
		}
		side := 1 + r.IntN(min(width, height))
		corner := image.Pt(r.IntN(width-side+1), r.IntN(height-side+1))
		part := image.Rectangle{corner, corner.Add(image.Pt(side, side))}
		size := image.Rect(0, 0, 1+r.IntN(60), 1+r.IntN(60))
		for _, from := range []image.Image{colours, grey} {
			want, got := image.NewRGBA(size), image.NewRGBA(size)
			draw.CatmullRom.Scale(want, size, from, part, draw.Src, nil)
			if z.scale(got, from, part); !bytes.Equal(got.Pix, want.Pix) {
				t.Fatalf("%T, %v of %v to %v differs", from, part, colours.Rect, size)
			}
		}
	}
}
