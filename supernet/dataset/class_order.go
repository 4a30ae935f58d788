package dataset

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// ClassOrder says in which order the folders of an ImageFolder are numbered as
// classes.
type ClassOrder string

const (
	// NaturalOrder reads numbers in names as numbers and ignores case, as the
	// data sets of timm and of BINAS do: 2 comes before 10, b before C.
	NaturalOrder ClassOrder = "natural"
	// BytesOrder compares names byte by byte, as torchvision does: 10 comes
	// before 2, C before b.
	BytesOrder ClassOrder = "bytes"
)

// ClassOrders lists the orders, the default first.
var ClassOrders = []ClassOrder{NaturalOrder, BytesOrder}

func (o ClassOrder) check() error {
	if o != "" && !slices.Contains(ClassOrders, o) {
		return fmt.Errorf("%w: class order %.40q: expected one of %v", ErrOptions, string(o), ClassOrders)
	}
	return nil
}

// sort sorts names.
func (o ClassOrder) sort(names []string) {
	if o == BytesOrder {
		slices.Sort(names)
		return
	}
	keys := make(map[string][]part, len(names))
	for _, n := range names {
		keys[n] = naturalKey(n)
	}
	slices.SortFunc(names, func(a, b string) int {
		// timm leaves the order of equal keys ("01" and "1") to chance.
		return cmp.Or(slices.CompareFunc(keys[a], keys[b], part.compare), strings.Compare(a, b))
	})
}

// ordersDiffer says whether names have another order by bytes than naturally.
func ordersDiffer(names []string) bool {
	a, b := slices.Clone(names), slices.Clone(names)
	NaturalOrder.sort(a)
	BytesOrder.sort(b)
	return !slices.Equal(a, b)
}

// part is a piece of a name: text, or a number without its leading zeros.
type part struct {
	text   []rune
	number bool
}

// naturalKey is timm's natural_key: the name in lower case, text and numbers by
// turns, beginning with text.
func naturalKey(name string) []part {
	key := []part{{}}
	for lower := cases.Lower(language.Und).String(name); lower != ""; {
		r, size := utf8.DecodeRuneInString(lower)
		if r == utf8.RuneError && size == 1 {
			r = 0xDC00 + rune(lower[0]) // as Python has bytes that are no UTF-8
		}
		lower = lower[size:]
		digit, isDigit := digitOf(r)
		if last := &key[len(key)-1]; last.number != isDigit {
			key = append(key, part{number: isDigit})
		}
		last := &key[len(key)-1]
		switch {
		case !isDigit:
			last.text = append(last.text, r)
		case digit != 0 || len(last.text) > 0:
			last.text = append(last.text, digit)
		}
	}
	return key
}

// digitOf is the value of a decimal digit of any script.
func digitOf(r rune) (rune, bool) {
	if r < 0x80 {
		return r - '0', '0' <= r && r <= '9'
	}
	if !unicode.Is(unicode.Nd, r) {
		return 0, false
	}
	zero := r
	for unicode.Is(unicode.Nd, zero-1) {
		zero--
	}
	return (r - zero) % 10, true // each script has ten in a row
}

// compare compares text with text and numbers with numbers.
func (p part) compare(q part) int {
	if p.number {
		return cmp.Or(cmp.Compare(len(p.text), len(q.text)), slices.Compare(p.text, q.text))
	}
	return slices.Compare(p.text, q.text)
}
