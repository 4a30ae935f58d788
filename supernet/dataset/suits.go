package dataset

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
)

// Suits is the preset of [NewAugment] that suits the images of a set, and why, in
// words. Grey IDX files hold digits, letters and the like, which are another class
// or none when they are mirrored; so may be the images of folders whose classes are
// numbers or single letters, or say left and right.
func (s *Set) Suits() (augment, why string) {
	switch m := s.images.(type) {
	case *memory:
		if m.channels == 1 {
			return "digits", "moved, not mirrored, as those of grey IDX files"
		}
		return "cifar", "moved and mirrored, as those of CIFAR"
	}
	if class := directed(s.ClassNames); class != "" {
		return "no-flip", fmt.Sprintf("cropped, not mirrored, because of the class %.40q; --augment pictures mirrors too", class)
	}
	return "pictures", "cropped and mirrored, as pictures are; --augment no-flip where left and right differ"
}

// directed is a class whose images should not be mirrored, by its name; "" is none.
// Numbers and letters count where they are the names of all classes.
func directed(classes []string) string {
	signs := 0
	for _, class := range classes {
		words := strings.FieldsFunc(strings.ToLower(class), func(r rune) bool { return !unicode.IsLetter(r) })
		if slices.Contains(words, "left") || slices.Contains(words, "right") {
			return class
		}
		if number := strings.IndexFunc(class, func(r rune) bool { return !unicode.IsDigit(r) }) < 0; number || len([]rune(class)) == 1 {
			signs++
		}
	}
	if signs == len(classes) {
		return classes[0]
	}
	return ""
}

// sidesSeen is how many files [Set.UsualSide] looks at.
const sidesSeen = 100

// UsualSide is the shorter side of the images as they are kept, in pixels: the
// median of some of them. It is 0 where none of these can be read.
func (s *Set) UsualSide(ctx context.Context) int {
	var sides []int
	for _, i := range s.Spread(sidesSeen).index {
		switch m := s.images.(type) {
		case *memory:
			return min(m.width, m.height)
		case *folder:
			data, err := m.file(ctx, i)
			if err != nil {
				continue
			}
			format := formatOf(data[:min(len(data), magicBytes)])
			if format == nil {
				continue
			}
			if c, err := format.config(io.Reader(bytes.NewReader(data))); err == nil {
				sides = append(sides, min(c.Width, c.Height))
			}
		}
	}
	if len(sides) == 0 {
		return 0
	}
	slices.Sort(sides)
	return sides[len(sides)/2]
}
