package explore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/solver"
)

// Pin holds a decision: "2=3" holds stage 2 at 3 blocks, "2.1=k5,e3,se" block 1
// of stage 2 at what its kernel, expansion and squeeze-excite are to be; what is
// not said of a block stays free. Stages count from 1, blocks from 0. A decision
// that is held already is held anew.
func (s *Setup) Pin(text string) error {
	where, what, ok := strings.Cut(text, "=")
	stage, block, isBlock := strings.Cut(where, ".")
	st, err := strconv.Atoi(stage)
	k := 0
	if isBlock && err == nil {
		k, err = strconv.Atoi(block)
	}
	if !ok || err != nil || st < 1 || st > len(s.Space.Stages) || k < 0 || k >= s.Space.MaxDepth {
		return fmt.Errorf("pin %q: expected a stage and its depth, 2=3, or a block and its option, 2.1=k5,e3,se: stages 1 to %d, blocks 0 to %d",
			text, len(s.Space.Stages), s.Space.MaxDepth-1)
	}
	pins := s.PinsToChange()
	if depth := &pins.Depth[st-1]; isBlock {
		pins.Allowed[(st-1)*s.Space.MaxDepth+k], err = OptionMask(s.Space, strings.Split(what, ","))
	} else if *depth, err = strconv.Atoi(what); err != nil || *depth < s.Space.MinDepth || *depth > s.Space.MaxDepth {
		err = fmt.Errorf("depth %q: expected %d to %d", what, s.Space.MinDepth, s.Space.MaxDepth)
	}
	if err != nil {
		return fmt.Errorf("pin %q: %w", text, err)
	}
	s.Pins = pins
	return nil
}

// PinsToChange is a copy of the pins with a place for every decision.
func (s Setup) PinsToChange() solver.Pins {
	p := solver.Pins{Depth: make([]int, len(s.Space.Stages)), Allowed: make([]uint64, s.Space.NumBlocks())}
	copy(p.Depth, s.Pins.Depth)
	copy(p.Allowed, s.Pins.Allowed)
	return p
}

// PinTexts are the pins as Pin reads them.
func (s Setup) PinTexts() []string {
	var out []string
	for st, d := range s.Pins.Depth {
		if d != 0 {
			out = append(out, fmt.Sprintf("%d=%d", st+1, d))
		}
	}
	for b, mask := range s.Pins.Allowed {
		if mask != 0 {
			out = append(out, fmt.Sprintf("%d.%d=%s", b/s.Space.MaxDepth+1, b%s.Space.MaxDepth, maskText(s.Space, mask)))
		}
	}
	return out
}

// optionSpelling are other ways to write the words of an option.
var optionSpelling = strings.NewReplacer("se=on", "se", "se=off", "nose", "no-se", "nose", "=", "")

// OptionMask are the options, a bit for each, that are all of the words: k5, e3,
// se or nose, also written k=5, e=3, se=on, se=off.
func OptionMask(space *model.Space, words []string) (uint64, error) {
	mask := uint64(1)<<space.NumOptions() - 1
	for _, w := range words {
		one := uint64(0)
		for i, o := range space.Options {
			if slices.Contains(optionWords(o), optionSpelling.Replace(strings.ToLower(w))) {
				one |= 1 << i
			}
		}
		if one == 0 {
			return 0, fmt.Errorf("%q: expected such as k%d, e%g, se or nose", w, space.Options[0].Kernel, space.Options[0].Expansion)
		}
		mask &= one
	}
	if mask == 0 {
		return 0, fmt.Errorf("no option is all of %s", strings.Join(words, " "))
	}
	return mask, nil
}

func optionWords(o model.Option) []string {
	se := "nose"
	if o.SERatio > 0 {
		se = "se"
	}
	return []string{fmt.Sprintf("k%d", o.Kernel), fmt.Sprintf("e%g", o.Expansion), se}
}

// maskText are the words that the options of a mask share.
func maskText(space *model.Space, mask uint64) string {
	var shared []string
	for i, o := range space.Options {
		if mask>>i&1 == 0 {
			continue
		}
		words := optionWords(o)
		if shared == nil {
			shared = words
		}
		shared = slices.DeleteFunc(slices.Clone(shared), func(w string) bool { return !slices.Contains(words, w) })
	}
	return strings.Join(shared, ",")
}
