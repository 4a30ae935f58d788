package dataset

import (
	"bytes"
	"image"
	"image/color"
	"path/filepath"
	"testing"
)

// A contact sheet shows each image as evaluation sees it, then as batches of
// training hold it.
func TestContactSheet(t *testing.T) {
	s, _, err := Open(t.Context(), pictures(t, 12), Options{Size: 32})
	if err != nil {
		t.Fatal(err)
	}
	o := LoaderOptions{Seed: 4, Augment: Augment{Crop: 0.3, Flip: 0.5}, Packed: true}
	sheet, drawn, err := ContactSheet(t.Context(), s, o, 5, 3)
	if err != nil {
		t.Fatal(err)
	}
	const step = 2*32 + contactGap
	if drawn != 5 || sheet.Rect != image.Rect(0, 0, contactGap+4*step, contactGap+5*step) {
		t.Fatal(drawn, sheet.Rect)
	}
	if sheet.RGBAAt(0, 0) != (color.RGBA{255, 255, 255, 255}) || sheet.RGBAAt(contactGap, contactGap+step) != sheet.RGBAAt(contactGap+1, contactGap+1+step) {
		t.Error("pixels are not enlarged, or nothing is between pictures")
	}
	tile := func(row, column int) []byte {
		var pix []byte
		for y := range 32 {
			for x := range 32 {
				c := sheet.RGBAAt(contactGap+column*step+2*x, contactGap+row*step+2*y)
				pix = append(pix, c.R, c.G, c.B)
			}
		}
		return pix
	}
	bytesOf := func(x []float32) []byte {
		var pix []byte
		for i := range 32 * 32 {
			for c := range 3 {
				pix = append(pix, clamp(255*(float64(x[c*1024+i])*s.Std[c]+s.Mean[c])))
			}
		}
		return pix
	}
	shown := s.Spread(5)
	for row, b := range collect(t, shown, LoaderOptions{Batch: 1, Evaluate: true}, 0, 0, 5) {
		if !bytes.Equal(tile(row, 0), bytesOf(b.X)) {
			t.Errorf("row %d does not begin with what evaluation sees", row)
		}
	}
	o.Batch = 1
	for epoch := range 3 {
		for _, b := range collect(t, s, o, epoch, 0, 12) {
			for row, number := range shown.index {
				if s.index[b.Images[0]] == number && !bytes.Equal(tile(row, 1+epoch), bytesOf(b.X)) {
					t.Errorf("epoch %d of row %d is not what training gets", epoch, row)
				}
			}
		}
	}
	for _, name := range s.images.(*folder).names {
		writeFile(t, filepath.Join(s.images.(*folder).root, name), nil)
	}
	if _, _, err := ContactSheet(t.Context(), s, o, 5, 3); err == nil {
		t.Error("a sheet of nothing")
	}
}
