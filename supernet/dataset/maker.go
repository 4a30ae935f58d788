package dataset

import (
	"context"
	"image"
)

// maker makes the images of batches, one at a time, in memory of its own.
type maker struct {
	loader       *Loader
	room         *image.RGBA // the image as it is stored
	square, copy *image.RGBA // Size x Size
	outside      [4]byte     // the mean colour of the set
	packed       picture     // as it is in a pack
	resizer      resizer
	bicubic      bicubic
}

func newMaker(l *Loader) *maker {
	size := image.Rect(0, 0, l.set.Size, l.set.Size)
	m := &maker{loader: l, room: &image.RGBA{}, square: image.NewRGBA(size), copy: image.NewRGBA(size), outside: black}
	for c, mean := range l.set.Mean {
		m.outside[c] = clamp(255 * mean)
	}
	return m
}

// image writes the image at a position of the set, [3, Size, Size], augmented
// as (seed, epoch, number) says. It returns false for an image that cannot be
// read and is to be skipped.
func (m *maker) image(ctx context.Context, dst []float32, epoch, position, own int) (bool, error) {
	return m.number(ctx, dst, epoch, m.loader.set.index[position], m.loader.set.index[own])
}

// number is image by the numbers of images in the source.
func (m *maker) number(ctx context.Context, dst []float32, epoch, number, own int) (bool, error) {
	s, o := m.loader.set, &m.loader.o
	bad := s.images.unreadable()
	if bad.known(number) {
		return false, nil
	}
	r := newStream(o.Seed, purposeAugment, uint64(epoch), uint64(own))
	picture, err := m.view(ctx, number, &r)
	if err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return false, bad.add(s.images, number, err)
	}
	picture = o.Augment.apply(picture, m.copy, m.outside, &r)
	m.normalise(dst, picture)
	if e := o.Augment.Erase; e > 0 && r.float() < e {
		erase(dst, s.Size, &r)
	}
	return true, nil
}

// view is a part of the image as a square of Size: a random one, or the middle.
func (m *maker) view(ctx context.Context, number int, r *stream) (*image.RGBA, error) {
	s, o := m.loader.set, &m.loader.o
	pack, form := s.pack(), s.square()
	if o.Augment.Crop > 0 {
		form = formReduced
	}
	if _, files := s.images.(*folder); form == formReduced && !(o.Packed && files) {
		var crop image.Rectangle
		from, err := s.images.read(ctx, number, m.room, func(b image.Rectangle) image.Rectangle {
			crop = randomCrop(b, o.Augment.Crop, r)
			return crop
		})
		if err != nil {
			return nil, err
		}
		m.resizer.crop(m.square, from, crop)
		return m.square, nil
	}
	if !pack.get(number, form, &m.packed) {
		part := wantedPart(s.centre)
		if form == formReduced {
			part = nil
		}
		from, err := s.images.read(ctx, number, m.room, part)
		if err != nil {
			return nil, err
		}
		if form != formReduced {
			square := m.evaluated(from)
			if pack != nil {
				m.packed.set(square)
				pack.put(ctx, number, form, &m.packed, false)
			}
			return square, nil
		}
		m.reduce(from)
		pack.put(ctx, number, form, &m.packed, false)
	}
	if form == formReduced {
		m.resizer.crop(m.square, &m.packed, randomCrop(m.packed.bounds(), o.Augment.Crop, r))
	} else {
		m.packed.copyTo(m.square)
	}
	return m.square, nil
}

// reduce makes of an image what a pack has for random crops.
func (m *maker) reduce(from image.Image) {
	width, height := reducedSides(from.Bounds(), m.loader.set.Size)
	m.resizer.reduce(&m.packed, from, width, height)
}

// centre is the part of an image that evaluation sees: the square in its
// middle, and if it is trimmed, 224/256 of that. So the usual resize to 256 and
// crop of 224 is one step.
func (s *Set) centre(b image.Rectangle) image.Rectangle {
	side := min(b.Dx(), b.Dy())
	if s.trim {
		side = max(1, int(float64(side)*trimmedShare+0.5))
	}
	corner := image.Pt(b.Min.X+(b.Dx()-side)/2, b.Min.Y+(b.Dy()-side)/2)
	return image.Rectangle{corner, corner.Add(image.Pt(side, side))}
}

// evaluated is what evaluation sees of an image: bicubic (Catmull and Rom 1974),
// averaged over the pixels that become one. An RGBA image that is it already is
// returned as it is.
func (m *maker) evaluated(from image.Image) *image.RGBA {
	part := m.loader.set.centre(from.Bounds())
	if rgba, is := from.(*image.RGBA); is && part == rgba.Rect && part == m.square.Rect {
		return rgba
	}
	m.bicubic.scale(m.square, from, part)
	return m.square
}

// normalise writes a picture as (value/255 - mean) / std, channel by channel.
func (m *maker) normalise(dst []float32, picture *image.RGBA) {
	n := len(dst) / 3
	red, green, blue := dst[:n], dst[n:2*n], dst[2*n:3*n]
	scale, pix := &m.loader.scale, picture.Pix
	for p := range n {
		q := pix[4*p : 4*p+3 : 4*p+3]
		red[p], green[p], blue[p] = scale[0][q[0]], scale[1][q[1]], scale[2][q[2]]
	}
}
