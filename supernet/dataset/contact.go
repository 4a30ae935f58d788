package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// contactGap is the space between the pictures of a contact sheet, in pixels.
const contactGap = 2

// contactSide is the side that pictures of a contact sheet have at least, in
// pixels: smaller ones are enlarged.
const contactSide = 64

// ContactSheet draws what batches of a training hold: a row for each of some images
// at equal distances, first as evaluation sees it, then as it is in one epoch after
// the other. Images that cannot be read are left out; the error is [ErrUnreadable]
// where none can be.
func ContactSheet(ctx context.Context, s *Set, o LoaderOptions, images, epochs int) (sheet *image.RGBA, drawn int, err error) {
	if images < 1 || epochs < 1 {
		return nil, 0, fmt.Errorf("%w: a contact sheet of %d images and %d epochs", ErrOptions, images, epochs)
	}
	o.Batch, o.Evaluate = 1, false
	training, err := NewLoader(s, o)
	if err != nil {
		return nil, 0, err
	}
	evaluation, err := NewLoader(s, LoaderOptions{Batch: 1, Evaluate: true})
	if err != nil {
		return nil, 0, err
	}
	shown := s.Spread(images)
	times := (contactSide + s.Size - 1) / s.Size
	step := times*s.Size + contactGap
	var rows []*image.RGBA
	plain, changed := newMaker(evaluation), newMaker(training)
	x := make([]float32, 3*s.Size*s.Size)
	for _, number := range shown.index {
		row := image.NewRGBA(image.Rect(0, 0, contactGap+(1+epochs)*step, step))
		draw.Draw(row, row.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
		good := true
		for column := 0; column <= epochs && good; column++ {
			m := plain
			if column > 0 {
				m = changed
			}
			// One image too many that cannot be read ends a training, not a look at the data.
			if good, err = m.number(ctx, x, max(column-1, 0), number, number); err != nil && !errors.Is(err, ErrUnreadable) {
				return nil, 0, err
			}
			s.paint(row, x, contactGap+column*step, times)
		}
		if good {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		return nil, 0, fmt.Errorf("%w: none of %d", ErrUnreadable, shown.Len())
	}
	sheet = image.NewRGBA(image.Rect(0, 0, rows[0].Rect.Dx(), contactGap+step*len(rows)))
	draw.Draw(sheet, sheet.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	for i, row := range rows {
		draw.Draw(sheet, row.Rect.Add(image.Pt(0, contactGap+i*step)), row, image.Point{}, draw.Src)
	}
	return sheet, len(rows), nil
}

// paint draws a normalised image, so many times enlarged.
func (s *Set) paint(to *image.RGBA, x []float32, left, times int) {
	n := s.Size * s.Size
	for i := range n {
		c := color.RGBA{A: 255}
		for ch, v := range []*uint8{&c.R, &c.G, &c.B} {
			*v = clamp(255 * (float64(x[ch*n+i])*s.Std[ch] + s.Mean[ch]))
		}
		at := image.Pt(left+i%s.Size*times, i/s.Size*times)
		draw.Draw(to, image.Rectangle{at, at.Add(image.Pt(times, times))}, image.NewUniform(c), image.Point{}, draw.Src)
	}
}
