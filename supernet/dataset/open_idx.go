package dataset

import (
	"context"
	"fmt"
	"slices"
	"strconv"
)

// openIDXSet opens a folder of IDX files named as MNIST's: train-images-idx3-ubyte,
// train-labels-idx1-ubyte, and the same with t10k or val.
func openIDXSet(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	if _, err := findIDX(dir, imageNames("train")...); err != nil {
		return nil, nil, errOther
	}
	about, err := readDescription(dir)
	if err != nil {
		return nil, nil, err
	}
	images, err := readIDXPart(ctx, dir, "train")
	if err != nil {
		return nil, nil, err
	}
	held := "t10k"
	if _, err := findIDX(dir, imageNames("val")...); err == nil {
		held = "val"
	}
	valImages, err := readIDXPart(ctx, dir, held)
	if err != nil {
		return nil, nil, err
	}
	classes := 1 + int(max(slices.Max(images.labels), slices.Max(valImages.labels)))
	names := about.ClassNames
	if len(names) == 0 {
		names = numbers(classes)
	}
	if len(names) < classes {
		return nil, nil, fmt.Errorf("%w: there are labels up to %d, and %d class names in %s", ErrClasses, classes-1, len(names), descriptionFile)
	}
	set := Set{Name: about.Name, Classes: len(names), ClassNames: names, Size: min(images.height, images.width)}
	if set.Name == "" {
		set.Name = folderName(dir)
	}
	if len(about.Mean) == 3 {
		set.Mean, set.Std = [3]float64(about.Mean), [3]float64(about.Std)
	} else {
		set.Mean, set.Std = images.statistics()
	}
	return newSet(set, "train", images, o), newSet(set, "val", valImages, o), nil
}

func imageNames(part string) []string {
	return []string{part + "-images-idx3-ubyte", part + "-images-idx4-ubyte", part + "-images.idx3-ubyte"}
}

// readIDXPart reads the images and labels of train, t10k or val.
func readIDXPart(ctx context.Context, dir, part string) (*memory, error) {
	path, err := findIDX(dir, imageNames(part)...)
	if err != nil {
		return nil, err
	}
	images, err := openIDX(ctx, path)
	if err != nil {
		return nil, err
	}
	m, err := idxImages(images)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	path, err = findIDX(dir, part+"-labels-idx1-ubyte", part+"-labels.idx1-ubyte")
	if err != nil {
		return nil, err
	}
	labels, err := openIDX(ctx, path)
	if err != nil {
		return nil, err
	}
	if len(labels.shape) != 1 || labels.shape[0] != images.shape[0] {
		return nil, fmt.Errorf("%s: %w: labels of shape %v, expected [%d], one per image", path, ErrFormat, labels.shape, images.shape[0])
	}
	m.labels = labels.data
	return m, nil
}

// idxImages takes an IDX file for images: [n, height, width], [n, 1 or 3,
// height, width] or [n, height, width, 1 or 3].
func idxImages(f idx) (*memory, error) {
	m := &memory{pixels: f.data, channels: 1}
	color := func(n int) bool { return n == 1 || n == 3 }
	switch s := f.shape; {
	case len(s) == 3:
		m.height, m.width = s[1], s[2]
	case len(s) == 4 && color(s[1]):
		m.channels, m.height, m.width = s[1], s[2], s[3]
	case len(s) == 4 && color(s[3]):
		m.height, m.width, m.channels, m.interleaved = s[1], s[2], s[3], true
	default:
		return nil, fmt.Errorf("%w: shape %v, expected images: [n, height, width] or 1 or 3 channels of them", ErrFormat, s)
	}
	if m.height > maxSide || m.width > maxSide {
		return nil, fmt.Errorf("%w: images of %dx%d, expected at most %d a side", ErrFormat, m.width, m.height, maxSide)
	}
	return m, nil
}

// numbers are the names of classes that have none: 0, 1, and so on.
func numbers(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}
