package dataset

import (
	"fmt"
	"strings"
)

// LeftOut says which files and folders of an ImageFolder are no images of the
// set, of one kind.
type LeftOut struct {
	Why   string   `json:"why"`
	Count int      `json:"count"`
	First []string `json:"first"` // the first ten, below the folder of the part
}

// Why something is left out.
const (
	leftHidden = "hidden"
	leftSystem = "of the system"
	leftFormat = "not an image in a format that is read"
	leftLoose  = "in no class"
	leftLoop   = "a link to a folder above"
	leftBeside = "beside " // val
)

// leftOut is what is left out, by kind.
type leftOut []LeftOut

func (l *leftOut) add(why, name string) {
	for i := range *l {
		if k := &(*l)[i]; k.Why == why {
			if k.Count++; len(k.First) < maxNamed {
				k.First = append(k.First, name)
			}
			return
		}
	}
	*l = append(*l, LeftOut{why, 1, []string{name}})
}

// LeftOut are the files and folders that are no images of the part of the data
// that this set is of, by kind. What is in a folder that is left out is not
// counted.
func (s *Set) LeftOut() []LeftOut {
	if f, ok := s.images.(*folder); ok {
		return f.left
	}
	return nil
}

// Notes says what should be known about the set beside what it holds, a line
// each: which class order it has where the orders differ, what is left out, and of
// its pack where that was made.
func (s *Set) Notes() (lines []string) {
	if s.otherOrder {
		about := map[ClassOrder]string{
			NaturalOrder: "natural order, as BINAS and timm do: %s (torchvision's is --class-order bytes)",
			BytesOrder:   "order of bytes, as torchvision does: %s (that of BINAS and timm is --class-order natural)",
		}[s.ClassOrder]
		first := strings.Join(s.ClassNames[:min(len(s.ClassNames), maxNamed)], ", ")
		if len(s.ClassNames) > maxNamed {
			first += ", …"
		}
		lines = append(lines, fmt.Sprintf("classes of %s are numbered in "+about, s.Name, first))
	}
	lines = append(lines, s.leftOutLines()...)
	if f, is := s.images.(*folder); is {
		if f.divided != "" {
			lines = append(lines, f.divided)
		}
		if note := f.packNote.Load(); note != nil && *note != "" {
			lines = append(lines, *note)
		}
	}
	return lines
}

func (s *Set) leftOutLines() (lines []string) {
	for _, l := range s.LeftOut() {
		more := ""
		if l.Count > len(l.First) {
			more = ", …"
		}
		lines = append(lines, fmt.Sprintf("left out of %s, %s: %d: %s%s", s.Part, l.Why, l.Count, strings.Join(l.First, ", "), more))
	}
	return lines
}
