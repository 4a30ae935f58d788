package dataset

import (
	"fmt"
	"slices"
)

// Split divides a set into percent of the images of every class, to train on,
// and the rest, held out for validation. Which images go where is decided by
// the seed; both parts keep the order of the set. Where dataset.json says so, the
// images of one folder below that of their class stay together, and a part has a
// percent of a class to a folder. It is an error if percent is not 1 to 99, or
// leaves one part without images.
func (s *Set) Split(percent int, seed uint64) (train, heldOut *Set, err error) {
	if percent < 1 || percent > 99 {
		return nil, nil, fmt.Errorf("%w: %d percent of the images to train on: expected 1 to 99", ErrOptions, percent)
	}
	byClass := make([][]int, s.Classes)
	for p := range s.index {
		byClass[s.Label(p)] = append(byClass[s.Label(p)], p)
	}
	var in, out []int
	for class, positions := range byClass {
		r := newStream(seed, uint64(class))
		groups, order := s.groups(positions)
		r.shuffle(order)
		n := (len(positions)*percent + 50) / 100
		for _, g := range order {
			if n -= len(groups[g]); n+len(groups[g])/2 >= 0 {
				in = append(in, groups[g]...)
			} else {
				out = append(out, groups[g]...)
			}
		}
	}
	if len(in) == 0 || len(out) == 0 {
		most := 0 // images of a class
		for _, positions := range byClass {
			most = max(most, len(positions))
		}
		return nil, nil, fmt.Errorf("data set %s: %d percent of the images of each of its %d classes, which have %d at most, leaves one part empty", s.Name, percent, s.Classes, most)
	}
	slices.Sort(in)
	slices.Sort(out)
	if train, err = s.Subset(in); err != nil {
		return nil, nil, err
	}
	heldOut, err = s.Subset(out)
	return train, heldOut, err
}

// groups are the positions that stay together, and their numbers 0, 1, and so on.
func (s *Set) groups(positions []int) (groups [][]int, numbers []int) {
	f, is := s.images.(*folder)
	at := map[string]int{}
	for _, p := range positions {
		if is {
			name := f.group(s.index[p])
			if g, known := at[name]; known {
				groups[g] = append(groups[g], p)
				continue
			}
			at[name] = len(groups)
		}
		numbers, groups = append(numbers, len(groups)), append(groups, []int{p})
	}
	return groups, numbers
}
