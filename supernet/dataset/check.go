package dataset

import (
	"context"
	"crypto/sha256"
	"image"
	"math"
	"slices"
	"sync"

	"github.com/binas-tui/binas-tui/internal/parallel"
)

// Check is what was found in the images of a part by reading all of them.
type Check struct {
	Images  int    `json:"images"`        // that could be read; the others are in [Set.Unreadable]
	Least   [2]int `json:"least_size"`    // the smallest width and the smallest height, in pixels
	Median  [2]int `json:"median_size"`   // likewise
	Most    [2]int `json:"greatest_size"` // likewise
	Small   Odd    `json:"small"`         // whose shorter side is below the image size: they are enlarged
	Long    Odd    `json:"long"`          // of more than 3:1: most of it is outside the square that evaluation sees
	Classes []int  `json:"per_class"`     // images by label, those that cannot be read too
	// Mean and deviation of the channels, of values in 0 to 1; each image counts alike.
	Mean [3]float64 `json:"mean"`
	Std  [3]float64 `json:"std"`
}

// Odd counts images that stand out, and names the first ten.
type Odd struct {
	Count int      `json:"count"`
	First []string `json:"first"`
}

func (o *Odd) add(name string) {
	if o.Count++; len(o.First) < maxNamed {
		o.First = append(o.First, name)
	}
}

// Duplicates are images whose files, or in memory pixels, are the same bytes.
type Duplicates struct {
	Images  int        `json:"images"`       // beyond the first of each group
	Groups  int        `json:"groups"`       // of equal images
	Parts   int        `json:"across_parts"` // groups in training and validation both: accuracy is too good there
	Classes int        `json:"in_classes"`   // groups in more than one class: one label is wrong
	First   [][]string `json:"first"`        // names in the first ten groups, ten each; those across parts or classes first
}

// longSides is the aspect ratio from which an image is long.
const longSides = 3

// seen is what a check keeps of an image.
type seen struct {
	sum           [16]byte // of the file; of the pixels where images are in memory
	width, height int      // 0: it cannot be read
	mean, squares [3]float64
}

// CheckAll reads every image of the parts of a data set, of which one may be nil,
// and reports how many it has read. The error is that of the context.
func CheckAll(ctx context.Context, parts []*Set, report func(done, total int)) ([]*Check, Duplicates, error) {
	total := 0
	for _, s := range parts {
		if s != nil {
			total += s.Len()
		}
	}
	progress := newProgress(report, total)
	rooms := sync.Pool{New: func() any { return &image.RGBA{} }}
	checks, all := make([]*Check, len(parts)), make([][]seen, len(parts))
	for i, s := range parts {
		if s == nil {
			continue
		}
		all[i] = make([]seen, s.Len())
		err := parallel.For(ctx, s.Len(), func(p int) {
			room := rooms.Get().(*image.RGBA)
			var err error
			if all[i][p], err = look(ctx, s.images, s.index[p], room); err != nil && ctx.Err() == nil {
				s.images.unreadable().note(s.index[p], err)
			}
			rooms.Put(room)
			progress.add(1)
		})
		if err != nil {
			return nil, Duplicates{}, err
		}
		checks[i] = s.check(all[i])
	}
	return checks, duplicates(parts, all), nil
}

// look reads an image.
func look(ctx context.Context, images source, i int, room *image.RGBA) (s seen, err error) {
	var m image.Image
	if f, is := images.(*folder); is {
		data, err := f.file(ctx, i)
		if err != nil {
			return s, err
		}
		sum := sha256.Sum256(data) // before it is decoded, which may change it
		copy(s.sum[:], sum[:])
		if m, err = decodeImage(ctx, data, room, nil); err != nil {
			return s, err
		}
	} else if m, err = images.read(ctx, i, room, nil); err != nil {
		return s, err
	}
	b := m.Bounds()
	s.width, s.height = b.Dx(), b.Dy()
	var counts [3][256]int
	switch m := m.(type) {
	case *image.RGBA:
		if s.sum == [16]byte{} {
			sum := sha256.Sum256(m.Pix)
			copy(s.sum[:], sum[:])
		}
		counts = histograms(m)
	case *image.Gray:
		for _, v := range m.Pix {
			counts[0][v]++
		}
		counts[1], counts[2] = counts[0], counts[0]
	}
	for c := range counts {
		for v, n := range counts[c] {
			share, x := float64(n)/float64(s.width*s.height), float64(v)/255
			s.mean[c] += share * x
			s.squares[c] += share * x * x
		}
	}
	return s, nil
}

func (s *Set) check(all []seen) *Check {
	c := &Check{Classes: s.PerClass()}
	c.Small.First, c.Long.First = []string{}, []string{}
	var sides [2][]int
	var squares [3]float64
	for p, one := range all {
		if one.width == 0 {
			continue
		}
		c.Images++
		sides[0], sides[1] = append(sides[0], one.width), append(sides[1], one.height)
		name := s.images.name(s.index[p])
		short, long := min(one.width, one.height), max(one.width, one.height)
		if short < s.Size {
			c.Small.add(name)
		}
		if long > longSides*short {
			c.Long.add(name)
		}
		for ch := range squares {
			c.Mean[ch] += one.mean[ch]
			squares[ch] += one.squares[ch]
		}
	}
	if c.Images == 0 {
		return c
	}
	for i := range sides {
		slices.Sort(sides[i])
		c.Least[i], c.Median[i], c.Most[i] = sides[i][0], sides[i][c.Images/2], sides[i][c.Images-1]
	}
	for ch := range squares {
		c.Mean[ch] /= float64(c.Images)
		c.Std[ch] = math.Sqrt(max(0, squares[ch]/float64(c.Images)-c.Mean[ch]*c.Mean[ch]))
	}
	return c
}

// PerClass is how many images of each class there are, by label.
func (s *Set) PerClass() []int {
	n := make([]int, s.Classes)
	for p := range s.index {
		n[s.Label(p)]++
	}
	return n
}

func duplicates(parts []*Set, all [][]seen) Duplicates {
	type place struct{ part, p int }
	var order [][16]byte
	groups := map[[16]byte][]place{}
	for part := range all {
		for p, one := range all[part] {
			if one.width == 0 {
				continue
			}
			if groups[one.sum] = append(groups[one.sum], place{part, p}); len(groups[one.sum]) == 2 {
				order = append(order, one.sum)
			}
		}
	}
	d := Duplicates{Groups: len(order), First: [][]string{}}
	var plain [][]string
	for _, sum := range order {
		group := groups[sum]
		d.Images += len(group) - 1
		var names []string
		parted, mixed := false, false
		for _, at := range group {
			s := parts[at.part]
			parted = parted || at.part != group[0].part
			mixed = mixed || s.Label(at.p) != parts[group[0].part].Label(group[0].p)
			name := s.images.name(s.index[at.p])
			if s.InMemory() {
				name = s.Part + " " + name
			}
			if len(names) < maxNamed {
				names = append(names, name)
			}
		}
		if parted {
			d.Parts++
		}
		if mixed {
			d.Classes++
		}
		switch {
		case parted || mixed:
			d.First = append(d.First, names)
		case len(plain) < maxNamed:
			plain = append(plain, names)
		}
	}
	d.First = append(d.First, plain...)
	d.First = d.First[:min(len(d.First), maxNamed)]
	return d
}
