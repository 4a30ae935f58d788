package dataset

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// openIDXSet opens a folder of IDX files, which it knows by their content. Names
// say which are to train on (train) and which to validate on (val, test or t10k),
// as in train-images-idx3-ubyte.
func openIDXSet(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	files, err := findIDX(dir)
	if err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, errOther
	}
	about, err := readDescription(dir)
	if err != nil {
		return nil, nil, err
	}
	images, err := files.read(ctx, dir, "train")
	if err != nil {
		return nil, nil, err
	}
	held := "t10k"
	if len(files["val"]) > 0 {
		held = "val"
	}
	valImages, err := files.read(ctx, dir, held)
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

// idxFiles are the IDX files of a folder: names by part (train, val or t10k, which
// test is too) and by whether they hold images or labels.
type idxFiles map[string]map[bool][]string

// Bounds of the search for IDX files.
const maxIDXSearched = 4096 // files

// findIDX looks for IDX files in a folder. Of a file that is there plain and
// packed it takes the plain one.
func findIDX(dir string) (idxFiles, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	files, lost := idxFiles{}, []string(nil)
	for i, e := range entries {
		if i == maxIDXSearched {
			break
		}
		name := e.Name()
		images, is := idxKind(filepath.Join(dir, name))
		if !is {
			continue
		}
		part := partOf(name)
		if part == "" {
			lost = append(lost, name)
			continue
		}
		if files[part] == nil {
			files[part] = map[bool][]string{}
		}
		if n := files[part][images]; len(n) > 0 && name == n[len(n)-1]+".gz" {
			continue
		}
		files[part][images] = append(files[part][images], name)
	}
	if len(files) == 0 && len(lost) > 0 {
		return nil, fmt.Errorf("%w: names do not say what the IDX files %.200q are for: expected train in some and val, test or t10k in others", ErrFormat, lost)
	}
	return files, nil
}

// partOf is the part of a data set that the name of a file is about, or "".
func partOf(name string) string {
	name = strings.ToLower(name)
	for _, words := range [][]string{{"train", "train"}, {"val", "val"}, {"t10k", "t10k", "test"}} {
		for _, word := range words[1:] {
			if strings.Contains(name, word) {
				return words[0]
			}
		}
	}
	return ""
}

// idxKind says whether a file is IDX, and then whether it has images.
func idxKind(path string) (images, is bool) {
	file, err := safefile.Open(path)
	if err != nil {
		return false, false
	}
	defer file.Close()
	r, err := unpacked(bufio.NewReaderSize(file, 512))
	if err != nil {
		return false, false
	}
	var head [4]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return false, false
	}
	types := []byte{0x08, 0x09, 0x0b, 0x0c, 0x0d, 0x0e}
	is = head[0] == 0 && head[1] == 0 && slices.Contains(types, head[2]) && head[3] >= 1 && head[3] <= 4
	return is && head[3] >= 3, is
}

// path is the one file of a part with images or labels.
func (f idxFiles) path(dir, part string, images bool) (string, error) {
	kind, what := labelsFile, "labels"
	if images {
		kind, what = imagesFile, "images"
	}
	switch names := f[part][images]; len(names) {
	case 0:
		return "", fmt.Errorf("%s: %w: it has no file %s%s, plain or packed", dir, ErrFormat, part, kind)
	case 1:
		return filepath.Join(dir, names[0]), nil
	default:
		return "", fmt.Errorf("%s: %w: it has %d files of %s for %s, %.200q: expected one", dir, ErrFormat, len(names), what, part, names)
	}
}

// read reads the images and labels of a part.
func (f idxFiles) read(ctx context.Context, dir, part string) (*memory, error) {
	path, err := f.path(dir, part, true)
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
	if path, err = f.path(dir, part, false); err != nil {
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
