package dataset

import (
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // formats that images may have
	_ "image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Bounds of an ImageFolder and its files.
const (
	maxImages     = 1 << 25
	maxImageBytes = 128 << 20
	maxPixels     = 1 << 26
)

// folderSize is the size of an ImageFolder's batches where none is asked for.
const folderSize = 224

// smallSize is the greatest size at which evaluation sees images up to their
// border.
const smallSize = 96

// folder is a source of image files: root/CLASS/…/FILE.
type folder struct {
	root   string
	names  []string // below root
	labels []int
	bad    unreadable
}

func (f *folder) len() int                { return len(f.names) }
func (f *folder) label(i int) int         { return f.labels[i] }
func (f *folder) unreadable() *unreadable { return &f.bad }

// openFolder opens an ImageFolder: train/CLASS/FILE and val/CLASS/FILE.
func openFolder(ctx context.Context, dir string, o Options) (train, val *Set, err error) {
	if there, err := isFolder(filepath.Join(dir, "train")); err != nil || !there {
		return nil, nil, errors.Join(errOther, err)
	}
	if there, _ := isFolder(filepath.Join(dir, "val")); !there {
		return nil, nil, fmt.Errorf("%w: it has a folder train and no folder val", ErrFormat)
	}
	classes, err := classFolders(filepath.Join(dir, "train"))
	if err != nil {
		return nil, nil, err
	}
	valClasses, err := classFolders(filepath.Join(dir, "val"))
	if err != nil {
		return nil, nil, err
	}
	for _, c := range valClasses {
		if _, known := slices.BinarySearch(classes, c); !known { // both are sorted by bytes
			return nil, nil, fmt.Errorf("%w: val has the class %q, which train has not", ErrClasses, c)
		}
	}
	if len(valClasses) != len(classes) {
		return nil, nil, fmt.Errorf("%w: train has %d, val has %d", ErrClasses, len(classes), len(valClasses))
	}
	if err := checkClasses(&Set{Classes: len(classes)}, o.Classes); err != nil {
		return nil, nil, err // before every file is listed
	}
	o.ClassOrder.sort(classes)
	set := Set{Name: folderName(dir), Classes: len(classes), ClassNames: classes, Size: folderSize, Mean: imageNetMean, Std: imageNetStd}
	set.ClassOrder, set.otherOrder = o.ClassOrder, ordersDiffer(classes)
	parts := [2]*Set{}
	for i, part := range []string{"train", "val"} {
		images, err := listFolder(ctx, filepath.Join(dir, part), classes, o)
		if err != nil {
			return nil, nil, err
		}
		parts[i] = newSet(set, part, images, o)
		parts[i].trim = parts[i].Size > smallSize
	}
	return parts[0], parts[1], nil
}

func isFolder(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil && info.IsDir(), err
}

// classFolders are the sorted names of the folders in a folder.
func classFolders(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var classes []string
	for _, e := range entries {
		if there, err := isFolder(filepath.Join(dir, e.Name())); err == nil && there && !strings.HasPrefix(e.Name(), ".") {
			classes = append(classes, e.Name())
		}
	}
	if len(classes) == 0 {
		return nil, fmt.Errorf("%s: %w: it has no folders, expected one per class", dir, ErrFormat)
	}
	slices.Sort(classes)
	return classes, nil
}

// listFolder lists the image files of every class, folders in these included.
func listFolder(ctx context.Context, root string, classes []string, o Options) (*folder, error) {
	f := &folder{root: root}
	for label, class := range classes {
		before := len(f.names)
		top := filepath.Join(root, class) + string(filepath.Separator) // follows a link
		err := filepath.WalkDir(top, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			ext := strings.ToLower(filepath.Ext(path))
			if e.IsDir() || strings.HasPrefix(e.Name(), ".") || !slices.Contains([]string{".jpg", ".jpeg", ".png"}, ext) {
				return nil
			}
			if len(f.names) == maxImages {
				return fmt.Errorf("%s: %w: more than %d images", root, ErrFormat, maxImages)
			}
			f.names = append(f.names, strings.TrimPrefix(path, root+string(filepath.Separator)))
			f.labels = append(f.labels, label)
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(f.names) == before {
			return nil, fmt.Errorf("%s: %w: it has no .jpg, .jpeg or .png file", filepath.Join(root, class), ErrFormat)
		}
	}
	share := o.MaxUnreadable
	if share == 0 {
		share = unreadableShare
	}
	f.bad.allowed = int(max(share, 0) * float64(len(f.names)))
	return f, nil
}

// read decodes an image file.
func (f *folder) read(ctx context.Context, i int, _ *image.RGBA) (image.Image, error) {
	m, err := decodeFile(ctx, filepath.Join(f.root, f.names[i]))
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return m, err
}

// decodeFile decodes a JPEG or PNG file, unless it is unreasonably large.
func decodeFile(ctx context.Context, path string) (image.Image, error) {
	file, err := safefile.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > maxImageBytes {
		return nil, fmt.Errorf("%s: %d bytes, expected a file of at most %d", path, info.Size(), maxImageBytes)
	}
	m, err := decodeImage(ctx, file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// decodeImage looks at the size of an image before it takes memory for it.
func decodeImage(ctx context.Context, r io.ReadSeeker) (image.Image, error) {
	config, _, err := image.DecodeConfig(stopping{ctx, r})
	if err != nil {
		return nil, err
	}
	if config.Width < 1 || config.Height < 1 || config.Width > maxPixels/config.Height {
		return nil, fmt.Errorf("%dx%d pixels, expected at most %d", config.Width, config.Height, maxPixels)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	m, _, err := image.Decode(stopping{ctx, r})
	return m, err
}
