package dataset

import (
	"bytes"
	"image"
	"math"
	"slices"
	"testing"
)

// gradient is a colourful square picture with some texture.
func gradient(side int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			p := m.Pix[y*m.Stride+4*x:]
			p[0], p[1], p[2], p[3] = byte(40+150*x/side+(x+y)%3*10), byte(30+200*y/side), byte(20+100*(x+y)/side), 255
		}
	}
	return m
}

func clone(m *image.RGBA) *image.RGBA {
	c := *m
	c.Pix = slices.Clone(m.Pix)
	return &c
}

func apply(a Augment, m *image.RGBA, seed uint64) *image.RGBA {
	r := newStream(seed)
	return a.apply(clone(m), clone(m), black, &r)
}

func run(op operation, m *image.RGBA, strength, sign float64) *image.RGBA {
	p, dst := clone(m), clone(m)
	if op(dst, p, strength, sign, black) {
		return dst
	}
	return p
}

func TestAugmentOfZeroStrengthChangesNothing(t *testing.T) {
	m := gradient(24)
	for seed := range uint64(20) {
		for _, a := range []Augment{{}, {Ops: 4, Magnitude: 9}} {
			if got := apply(a, m, seed); !bytes.Equal(got.Pix, m.Pix) {
				t.Errorf("%+v changes the picture", a)
			}
		}
	}
	for i, op := range operations[3:] {
		if got := run(op, m, 0, 1); !bytes.Equal(got.Pix, m.Pix) {
			t.Errorf("operation %d of strength 0 changes the picture", i+3)
		}
	}
}

func TestOperationsChangeThePicture(t *testing.T) {
	m := gradient(24)
	if len(operations) != 15 {
		t.Fatalf("%d operations", len(operations))
	}
	for i, op := range operations {
		for _, sign := range []float64{1, -1} {
			got := run(op, m, 1, sign)
			if bytes.Equal(got.Pix, m.Pix) {
				t.Errorf("operation %d, sign %g changes nothing", i, sign)
			}
			pixels(got, func(p []byte) {
				if p[3] != 255 {
					t.Fatalf("operation %d makes a pixel transparent", i)
				}
			})
		}
	}
}

// A picture of one colour, moved or turned in front of that colour, stays.
func TestGeometryKeepsAPlainPicture(t *testing.T) {
	m := image.NewRGBA(image.Rect(0, 0, 15, 15))
	colour := [4]byte{90, 20, 200, 255}
	fill(m.Pix, colour)
	for i, op := range operations[10:] {
		dst := clone(m)
		if !op(dst, clone(m), 0.7, -1, colour) || !bytes.Equal(dst.Pix, m.Pix) {
			t.Errorf("operation %d changes a plain picture", i+10)
		}
	}
}

func TestShiftAndMirror(t *testing.T) {
	m := gradient(9)
	for _, d := range [][2]int{{0, 0}, {3, 0}, {-2, 1}, {0, -8}, {9, 9}, {-40, 2}} {
		got := clone(m)
		shift(got, m, d[0], d[1])
		for y := range 9 {
			for x := range 9 {
				want := black
				if from := image.Pt(x-d[0], y-d[1]); from.In(m.Rect) {
					want = [4]byte(m.Pix[m.PixOffset(from.X, from.Y):])
				}
				if p := [4]byte(got.Pix[got.PixOffset(x, y):]); p != want {
					t.Fatalf("moved by %v, (%d, %d) is %v, expected %v", d, x, y, p, want)
				}
			}
		}
	}
	got := clone(m)
	mirror(got)
	if bytes.Equal(got.Pix, m.Pix) || got.RGBAAt(0, 4) != m.RGBAAt(8, 4) || got.RGBAAt(4, 2) != m.RGBAAt(4, 2) {
		t.Error("mirrored wrongly")
	}
	mirror(got)
	if !bytes.Equal(got.Pix, m.Pix) {
		t.Error("mirrored twice is another picture")
	}
}

func TestColourChanges(t *testing.T) {
	m := gradient(16)
	without := func(change func(*image.RGBA, float64)) *image.RGBA {
		p := clone(m)
		change(p, 0)
		return p
	}
	pixels(without(brightness), func(p []byte) {
		if p[0] != 0 || p[1] != 0 || p[2] != 0 {
			t.Fatal("without brightness a picture is not black")
		}
	})
	first := without(contrast).Pix[0]
	pixels(without(contrast), func(p []byte) {
		if p[0] != first || p[1] != first || p[2] != first {
			t.Fatal("without contrast a picture is not one grey")
		}
	})
	pixels(without(saturation), func(p []byte) {
		if p[0] != p[1] || p[1] != p[2] {
			t.Fatal("without saturation a picture is not grey")
		}
	})
	spread := clone(m)
	stretch(spread)
	for c, counts := range histograms(spread) {
		if counts[0] == 0 || counts[255] == 0 {
			t.Errorf("channel %d does not reach from 0 to 255", c)
		}
	}
}

func TestRandomCrop(t *testing.T) {
	r := newStream(3)
	for _, b := range []image.Rectangle{image.Rect(0, 0, 500, 375), image.Rect(5, 7, 37, 39), image.Rect(0, 0, 1, 1), image.Rect(-3, 0, 1000, 2)} {
		smallest := 1.0
		for range 2000 {
			part := randomCrop(b, 0.08, &r)
			if part.Empty() || !part.In(b) {
				t.Fatalf("part %v of %v", part, b)
			}
			share := float64(part.Dx()*part.Dy()) / float64(b.Dx()*b.Dy())
			aspect := float64(part.Dx()) / float64(part.Dy())
			if b.Dy() > 300 && (share < 0.0795 || aspect < 0.74 || aspect > 1.35) {
				t.Fatalf("part %v of %v: share %g, aspect %g", part, b, share, aspect)
			}
			smallest = min(smallest, share)
		}
		if b.Dy() > 300 && smallest > 0.1 {
			t.Errorf("no part of %v is smaller than %g of it", b, smallest)
		}
	}
}

func TestErase(t *testing.T) {
	const size = 40
	r := newStream(9)
	for range 200 {
		x := make([]float32, 3*size*size)
		erase(x, size, &r)
		n, sum, squares := 0.0, 0.0, 0.0
		box := image.Rectangle{}
		for i, v := range x {
			if v != 0 {
				n, sum, squares = n+1, sum+float64(v), squares+float64(v*v)
				y, x := i/size%size, i%size
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
		if int(n) != 3*box.Dx()*box.Dy() {
			t.Fatalf("%g values changed, in %v of 3 channels", n, box)
		}
		if share := n / float64(len(x)); share < 0.015 || share > 0.36 {
			t.Fatalf("erased %g of the picture", share)
		}
		if mean := sum / n; math.Abs(mean) > 5/math.Sqrt(n) || math.Abs(squares/n-1) > 8/math.Sqrt(n) {
			t.Fatalf("noise of mean %g and variance %g in %g values", mean, squares/n, n)
		}
	}
}

// Each preset changes training images, keeps their range, and does not depend
// on which other images there are.
func TestPresets(t *testing.T) {
	s := pattern(40, 32)
	plain := collect(t, s, LoaderOptions{Batch: 40}, 0, 0, 1)[0]
	for name := range augments {
		a, err := NewAugment(name)
		if err != nil {
			t.Fatal(err)
		}
		b := collect(t, s, LoaderOptions{Batch: 40, Augment: a}, 0, 0, 1)[0]
		same := slices.Equal(b.X, plain.X)
		if same != (name == "none") {
			t.Errorf("%s: changed nothing: %v", name, same)
		}
		if len(b.X) != 40*3*32*32 || !slices.Equal(b.Images, plain.Images) {
			t.Errorf("%s: %d values", name, len(b.X))
		}
		for _, v := range b.X {
			if !(math.Abs(float64(v)) < 10) {
				t.Fatalf("%s: value %g", name, v)
			}
		}
	}
	if _, err := NewAugment("more"); err == nil {
		t.Error("an unknown preset is accepted")
	}
}

func TestFlipAndOpsAreApplied(t *testing.T) {
	m := gradient(16)
	for _, c := range []struct {
		a    Augment
		p    float64
		slop float64
	}{{Augment{Flip: 0.5}, 0.5, 0.1}, {Augment{Flip: 0.1}, 0.1, 0.07}, {Augment{Ops: 1, Magnitude: 9, OpsApplied: 0.5}, 0.5, 0.1}} {
		changed := 0
		for seed := range uint64(500) {
			if !bytes.Equal(apply(c.a, m, seed).Pix, m.Pix) {
				changed++
			}
		}
		if got := float64(changed) / 500; math.Abs(got-c.p) > c.slop {
			t.Errorf("%+v changes %g of the pictures, expected %g", c.a, got, c.p)
		}
	}
}
