package dataset

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// maxImages bounds the images of a part of an ImageFolder.
const maxImages = 1 << 25

// folderSize is the size of an ImageFolder's batches where none is asked for.
const folderSize = 224

// smallSize is the greatest size at which evaluation sees images up to their
// border.
const smallSize = 96

// Folders of the parts of an ImageFolder; of those for validation the first that
// is there.
const trainFolder = "train"

var valFolders = []string{"val", "valid", "validation"}

// imageEndings are the endings of names that are taken for images without a look
// into the file.
var imageEndings = []string{".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}

// systemFolders are what file managers and servers leave in folders.
var systemFolders = []string{"__MACOSX", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "lost+found"}

// folder is a source of image files: root/CLASS/…/FILE.
type folder struct {
	root   string
	names  []string // below root
	labels []int
	bad    unreadable
	left   leftOut
	// Images of one folder below that of their class are on one side of a split.
	together bool
	divided  string                   // what is said of parts that are of one folder
	files    atomic.Pointer[[32]byte] // sum of names, labels, sizes and times of the files, as [Identify] found them
	pack     atomic.Pointer[packFile]

	packNote atomic.Pointer[string] // what should be known of it
}

func (f *folder) len() int                { return len(f.names) }
func (f *folder) label(i int) int         { return f.labels[i] }
func (f *folder) name(i int) string       { return filepath.Join(filepath.Base(f.root), f.names[i]) }
func (f *folder) unreadable() *unreadable { return &f.bad }

// group names the images that stay together with image i: its own file, or its
// folder below that of the class.
func (f *folder) group(i int) string {
	if below := filepath.Dir(f.names[i]); f.together && below != filepath.Base(below) {
		return below
	}
	return f.names[i]
}

// describe takes from the description in dir what an ImageFolder has use for.
// Another program's file of that name is left out.
func (f *folder) describe(dir string) {
	about, err := readDescription(dir)
	if err != nil {
		f.left.add("no description of a data set", descriptionFile)
	}
	f.together = about.Together
}

// openFolder opens an ImageFolder: train/CLASS/FILE and val/CLASS/FILE.
func openFolder(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	valFolder, others := "", []string(nil)
	for _, name := range valFolders {
		if there, err := isFolder(filepath.Join(dir, name)); err != nil {
			return nil, nil, err
		} else if there && valFolder == "" {
			valFolder = name
		} else if there {
			others = append(others, name)
		}
	}
	there, err := isFolder(filepath.Join(dir, trainFolder))
	switch {
	case err != nil:
		return nil, nil, err
	case !there && valFolder == "":
		return nil, nil, errOther
	case valFolder == "":
		return openWithoutVal(ctx, dir, filepath.Join(dir, trainFolder), o)
	case !there && !o.ValAlone:
		return nil, nil, fmt.Errorf("%w: it has a folder %s and no folder train: all that is possible is to validate on the whole of it", ErrFormat, valFolder)
	}
	parts := []string{trainFolder, valFolder}
	if !there {
		parts = parts[1:]
	}
	folders := make([]*folder, len(parts))
	var classes []string // in the order of bytes
	for i, name := range parts {
		folders[i] = &folder{root: filepath.Join(dir, name)}
		found, err := folders[i].classes()
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			classes = found
		} else if err := sameClasses(classes, found, name); err != nil {
			return nil, nil, err
		}
	}
	for _, name := range others {
		folders[len(folders)-1].left.add(leftBeside+valFolder, name)
	}
	if err := checkClasses(classes, o.Classes); err != nil {
		return nil, nil, err // before every file is listed
	}
	o.ClassOrder.sort(classes)
	set := folderSet(dir, classes, o)
	sets := make([]*Set, len(parts))
	for i, f := range folders {
		f.describe(dir)
		if err := f.list(ctx, classes, o); err != nil {
			return nil, nil, err
		}
		sets[i] = newSet(set, "val", f, o)
		sets[i].trim = sets[i].Size > smallSize
	}
	if val = sets[len(sets)-1]; there {
		train = sets[0]
		train.Part = "train"
	}
	return train, val, nil
}

// folderSet is what is common to the parts of a folder of images.
func folderSet(dir string, classes []string, o Options) Set {
	return Set{
		Name: folderName(dir), Classes: len(classes), ClassNames: classes, Size: folderSize, Mean: imageNetMean, Std: imageNetStd,
		ClassOrder: o.ClassOrder, otherOrder: ordersDiffer(classes),
	}
}

// Of a folder of images without a validation part, that share of the images of
// every class is it.
const (
	heldOutPercent = 20
	heldOutSeed    = 1
)

// openClasses opens a folder of classes, CLASS/FILE, without parts.
func openClasses(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	classes, err := (&folder{root: dir}).classes()
	if errors.Is(err, ErrFormat) {
		return nil, nil, errOther
	}
	if err != nil {
		return nil, nil, err
	}
	images := false
	for _, class := range classes {
		for _, part := range append([]string{trainFolder}, valFolders...) {
			if there, err := isFolder(filepath.Join(dir, class, part)); err != nil {
				return nil, nil, err
			} else if there {
				return nil, nil, errOther // a folder of data sets
			}
		}
		entries, err := os.ReadDir(filepath.Join(dir, class))
		if err != nil {
			return nil, nil, err
		}
		images = images || slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
			return slices.Contains(imageEndings, strings.ToLower(filepath.Ext(e.Name())))
		})
	}
	if !images {
		return nil, nil, errOther
	}
	return openWithoutVal(ctx, dir, dir, o)
}

// openWithoutVal opens a folder of classes and holds some images out for
// validation. Which is decided by their names alone: an image that is added
// moves at most one other of its class.
func openWithoutVal(ctx context.Context, dir, root string, o Options) (train, val *Set, err error) {
	all := &folder{root: root}
	classes, err := all.classes()
	if err != nil {
		return nil, nil, err
	}
	if err := checkClasses(classes, o.Classes); err != nil {
		return nil, nil, err
	}
	o.ClassOrder.sort(classes)
	if err := all.list(ctx, classes, o); err != nil {
		return nil, nil, err
	}
	all.describe(dir)
	byClass, numbers := make([][]int, len(classes)), make([]uint64, all.len())
	for i, label := range all.labels {
		byClass[label], numbers[i] = append(byClass[label], i), nameNumber(all.group(i))
	}
	held := make([]bool, all.len())
	for label, images := range byClass {
		n := (len(images)*heldOutPercent + 50) / 100
		if n = max(n, 1); len(images) < 2 {
			return nil, nil, fmt.Errorf("%s: %w: it has one image, expected at least 2: one is held out for validation, as there is no folder val",
				filepath.Join(root, classes[label]), ErrFormat)
		}
		slices.SortFunc(images, func(a, b int) int {
			return cmp.Or(cmp.Compare(numbers[a], numbers[b]), cmp.Compare(a, b))
		})
		for n < len(images) && numbers[images[n]] == numbers[images[n-1]] {
			n++ // of one group
		}
		if n == len(images) {
			return nil, nil, fmt.Errorf("%s: %w: its images are of one folder and stay together (%s), expected those of at least 2: one is held out for validation, as there is no folder val",
				filepath.Join(root, classes[label]), ErrFormat, descriptionFile)
		}
		for _, i := range images[:n] {
			held[i] = true
		}
	}
	parts := [2]*folder{{root: root, left: all.left, together: all.together}, {root: root, together: all.together}}
	for i, name := range all.names {
		f := parts[0]
		if held[i] {
			f = parts[1]
		}
		f.names, f.labels = append(f.names, name), append(f.labels, all.labels[i])
	}
	note := fmt.Sprintf("%s has no folder val: of the images of every class %d%%, drawn by their names, are held out as val", dir, heldOutPercent)
	if root == dir {
		note = fmt.Sprintf("%s has no folders train and val: its %d folders are the classes, and of the images of each %d%%, drawn by their names, are held out as val", dir, len(classes), heldOutPercent)
	}
	set := folderSet(dir, classes, o)
	var sets [2]*Set
	for i, part := range []string{trainFolder, "val"} {
		parts[i].allow(o)
		parts[i].divided = note
		sets[i] = newSet(set, part, parts[i], o)
		sets[i].trim = sets[i].Size > smallSize
	}
	return sets[0], sets[1], nil
}

// nameNumber is a random number that a file's name decides.
func nameNumber(name string) uint64 {
	sum := sha256.Sum256([]byte(filepath.ToSlash(name)))
	return newStream(heldOutSeed, binary.LittleEndian.Uint64(sum[:])).state
}

// sameClasses compares the classes of a validation part with those of train, both
// in the order of bytes.
func sameClasses(train, val []string, name string) error {
	for _, c := range val {
		if _, known := slices.BinarySearch(train, c); !known {
			return fmt.Errorf("%w: %s has the class %q, which train has not", ErrClasses, name, c)
		}
	}
	if len(val) != len(train) {
		return fmt.Errorf("%w: train has %d, %s has %d", ErrClasses, len(train), name, len(val))
	}
	return nil
}

func isFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// skipped says why a file or folder is left out for its name, or is "".
func skipped(name string) string {
	switch {
	case strings.HasPrefix(name, "."):
		return leftHidden
	case slices.Contains(systemFolders, name):
		return leftSystem
	}
	return ""
}

// classes are the names of the folders in the root, in the order of bytes.
func (f *folder) classes() ([]string, error) {
	entries, err := os.ReadDir(f.root)
	if err != nil {
		return nil, err
	}
	var classes []string
	for _, e := range entries {
		why := skipped(e.Name())
		if why == "" {
			there, err := isFolder(filepath.Join(f.root, e.Name()))
			if err == nil && there {
				classes = append(classes, e.Name())
				continue
			}
			why = leftLoose
		}
		f.left.add(why, e.Name())
	}
	if len(classes) == 0 {
		return nil, fmt.Errorf("%s: %w: it has no folders, expected one per class", f.root, ErrFormat)
	}
	slices.Sort(classes)
	return classes, nil
}

// list lists the image files of every class, folders in these included.
func (f *folder) list(ctx context.Context, classes []string, o Options) error {
	top, err := os.Stat(f.root)
	if err != nil {
		return err
	}
	for label, class := range classes {
		before := len(f.names)
		if err := f.add(ctx, class, label, []fs.FileInfo{top}); err != nil {
			return err
		}
		if len(f.names) == before {
			return fmt.Errorf("%s: %w: it has no image", filepath.Join(f.root, class), ErrFormat)
		}
	}
	f.allow(o)
	return nil
}

// allow sets how many images may be unreadable.
func (f *folder) allow(o Options) {
	f.bad.allowed = int(max(cmp.Or(o.MaxUnreadable, unreadableShare), 0) * float64(len(f.names)))
}

// add lists the image files of a folder below the root. Links are followed,
// unless they lead to a folder above.
func (f *folder) add(ctx context.Context, below string, label int, above []fs.FileInfo) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	dir := filepath.Join(f.root, below)
	own, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(above, func(a fs.FileInfo) bool { return os.SameFile(a, own) }) {
		f.left.add(leftLoop, below)
		return nil
	}
	above = append(above, own)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := filepath.Join(below, e.Name())
		if why := skipped(e.Name()); why != "" {
			f.left.add(why, name)
			continue
		}
		kind := e.Type()
		if kind&fs.ModeSymlink != 0 {
			if info, err := os.Stat(filepath.Join(f.root, name)); err == nil {
				kind = info.Mode()
			}
		}
		switch {
		case kind.IsDir():
			if err := f.add(ctx, name, label, above); err != nil {
				return err
			}
		case !slices.Contains(imageEndings, strings.ToLower(filepath.Ext(name))) && !looksLikeImage(filepath.Join(f.root, name)):
			f.left.add(leftFormat, name)
		case len(f.names) == maxImages:
			return fmt.Errorf("%s: %w: more than %d images", f.root, ErrFormat, maxImages)
		default: // what has the name of an image and is no file is unreadable
			f.names, f.labels = append(f.names, name), append(f.labels, label)
		}
	}
	return ctx.Err()
}

// looksLikeImage says whether a file begins as an image does.
func looksLikeImage(path string) bool {
	file, err := safefile.Open(path)
	if err != nil {
		return false
	}
	defer file.Close()
	head := make([]byte, magicBytes)
	n, _ := io.ReadFull(file, head)
	return formatOf(head[:n]) != nil
}

// file reads an image file.
func (f *folder) file(ctx context.Context, i int) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	data, err := safefile.Read(filepath.Join(f.root, f.names[i]), maxImageBytes)
	if err != nil {
		if file := (*safefile.Error)(nil); errors.As(err, &file) {
			err = file.Err
		}
	}
	return data, err
}

// read decodes an image file.
func (f *folder) read(ctx context.Context, i int, room *image.RGBA, part wantedPart) (image.Image, error) {
	data, err := f.file(ctx, i)
	if err != nil {
		return nil, err
	}
	m, err := decodeImage(ctx, data, room, part)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, err
}
