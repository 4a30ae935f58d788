package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/binas-tui/binas-tui/internal/parallel"
	"github.com/binas-tui/binas-tui/internal/safefile"
)

// DigitsName is the name of the set that [MakeDigits] makes.
const DigitsName = "digits"

// digitsFiles are the files of the set and their SHA-256.
var digitsFiles = map[string]string{
	"train-images-idx3-ubyte": "3bcf0034c8b12634081be6f0eae690be96f8fc071a19f66ecae22236b0b2161d",
	"train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	"t10k-images-idx3-ubyte":  "c2c22089e086e90d403bae0f917d5f88578dead498cc12053eb1dfab318d3321",
	"t10k-labels-idx1-ubyte":  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

// Mean and deviation of the training images of digits, as values of 0 to 1;
// TestDigitsStatistics measures them.
const (
	digitsMean = 0.3163
	digitsStd  = 0.2326
)

// Images of the two parts, and how MNIST's files are named.
const (
	digitsTrain, digitsTest = 60000, 10000
	imagesFile, labelsFile  = "-images-idx3-ubyte", "-labels-idx1-ubyte"
)

// ErrRecipe says that a data set that was made differs from what its recipe makes.
var ErrRecipe = errors.New("not the data set of the recipe")

// MakeDigits makes the digits set from the four MNIST files in a folder (see
// [FetchMNIST]) and writes it to another: 60,000 training and 10,000 test images
// of 32x32, grey, as IDX files that [Open] reads, 72 MB. See docs/DIGITS.md.
//
// Report, if not nil, is called now and then, by one goroutine at a time. Files
// appear whole or not at all, and are checked by their SHA-256; where the
// set, or half of it, is there already, it is not made again.
func MakeDigits(ctx context.Context, mnist, dir string, report func(done, total int)) error {
	if CheckDigits(dir) == nil {
		return nil
	}
	if err := safefile.MkdirAll(dir); err != nil {
		return fmt.Errorf("make digits: %w", err)
	}
	progress := newProgress(report, digitsTrain+digitsTest)
	for _, part := range []struct {
		name string
		n    int
		seed uint64
	}{{"train", digitsTrain, digitsTrainSeed}, {"t10k", digitsTest, digitsTestSeed}} {
		if checkFile(dir, part.name+imagesFile) == nil && checkFile(dir, part.name+labelsFile) == nil {
			progress.add(part.n) // made before something went wrong
			continue
		}
		if err := makeDigitsPart(ctx, mnist, dir, part.name, part.seed, progress); err != nil {
			return fmt.Errorf("make digits: %w", err)
		}
	}
	// The description comes last: a folder that has it is complete.
	about, err := json.MarshalIndent(digitsDescription(), "", "  ")
	if err != nil {
		return err
	}
	return safefile.Write(filepath.Join(dir, descriptionFile), append(about, '\n'))
}

func digitsDescription() description {
	m, s := digitsMean, digitsStd
	return description{
		Name: DigitsName, Mean: []float64{m, m, m}, Std: []float64{s, s, s},
		From: "MNIST of " + MNISTModule + "@" + MNISTVersion,
	}
}

// makeDigitsPart makes and writes the images and labels of one MNIST file.
func makeDigitsPart(ctx context.Context, mnist, dir, part string, seed uint64, progress *progress) error {
	images, labels := part+imagesFile, part+labelsFile
	from, err := readMNIST(ctx, mnist, images)
	if err != nil {
		return err
	}
	label, err := readMNIST(ctx, mnist, labels)
	if err != nil {
		return err
	}
	pixels, err := digitImages(ctx, from.data, seed, progress)
	if err != nil {
		return err
	}
	if err := writeDigits(dir, images, idx{[]int{from.shape[0], digitsSide, digitsSide}, pixels}); err != nil {
		return err
	}
	return writeDigits(dir, labels, label)
}

// writeDigits writes a file of the set by rename, if it is as it should be.
func writeDigits(dir, name string, f idx) error {
	var content bytes.Buffer
	content.Grow(len(f.data) + 64)
	if err := writeIDX(&content, f.shape, f.data); err != nil {
		return err
	}
	if got := hash(content.Bytes()); got != digitsFiles[name] {
		return fmt.Errorf("%s: %w: SHA-256 %s, expected %s", name, ErrRecipe, got, digitsFiles[name])
	}
	return safefile.Write(filepath.Join(dir, name), content.Bytes())
}

// digitImages makes an image of each MNIST image, [n, 32, 32].
func digitImages(ctx context.Context, mnist []byte, seed uint64, progress *progress) ([]byte, error) {
	const size, chunk = digitsSide * digitsSide, 100
	n := len(mnist) / (mnistSide * mnistSide)
	out := make([]byte, n*size)
	err := parallel.For(ctx, (n+chunk-1)/chunk, func(c int) {
		from, end := c*chunk, min((c+1)*chunk, n)
		for i := from; i < end; i++ {
			digitImage(out[i*size:][:size], mnist, seed, i)
		}
		progress.add(end - from)
	})
	return out, err
}

// CheckDigits says what is missing from a folder for it to be the digits set;
// nil where all files are there and have the expected SHA-256.
func CheckDigits(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, descriptionFile)); err != nil {
		return err
	}
	for name := range digitsFiles {
		if err := checkFile(dir, name); err != nil {
			return err
		}
	}
	return nil
}

// maxDigitsFile bounds a file of the set, in bytes.
const maxDigitsFile = 64 << 20

func checkFile(dir, name string) error {
	path := filepath.Join(dir, name)
	data, err := safefile.Read(path, maxDigitsFile)
	if err != nil {
		return err
	}
	if got := hash(data); got != digitsFiles[name] {
		return fmt.Errorf("%s: %w: SHA-256 %s, expected %s", path, ErrRecipe, got, digitsFiles[name])
	}
	return nil
}

func hash(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// progress adds up what goroutines have done and reports it.
type progress struct {
	mu          sync.Mutex
	report      func(done, total int)
	done, total int
}

func newProgress(report func(done, total int), total int) *progress {
	return &progress{report: report, total: total}
}

func (p *progress) add(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done += n; p.report != nil {
		p.report(p.done, p.total)
	}
}
