package dataset

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/internal/timetest"
)

// mnistFolder returns the folder of MNIST, which it fetches once.
var mnistFolder = func() func(testing.TB) string {
	fetch := sync.OnceValues(func() (string, error) { return FetchMNIST(context.Background()) })
	return func(t testing.TB) string {
		t.Helper()
		dir, err := fetch()
		if err != nil {
			needed.Missing(t, fmt.Errorf("MNIST is not there: %w", err))
		}
		return dir
	}
}()

// mnistImages are the values of one of MNIST's files, read once.
var mnistImages = func() func(testing.TB, string) []byte {
	var mu sync.Mutex
	files := map[string][]byte{}
	return func(t testing.TB, name string) []byte {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if files[name] == nil {
			f, err := readMNIST(context.Background(), mnistFolder(t), name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = f.data
		}
		return files[name]
	}
}()

// digits is the first n images of train or t10k.
func digits(t testing.TB, part string, seed uint64, n int) []byte {
	t.Helper()
	mnist := mnistImages(t, part+"-images-idx3-ubyte")
	out := make([]byte, n*digitsSide*digitsSide)
	for i := range n {
		digitImage(out[i*digitsSide*digitsSide:], mnist, seed, i)
	}
	return out
}

// The recipe was first written with another library; these hashes are of its
// images, grey copied to three channels.
func TestDigitsAreThoseOfTheRecipe(t *testing.T) {
	if testing.Short() {
		t.Skip("reads MNIST")
	}
	for _, c := range []struct {
		part string
		seed uint64
		n    int
		want string
	}{
		{"train", digitsTrainSeed, 16, "1bba4ace80bab55ccd860d0e822b3b71cce2122c0d8e120c91ba8970bb0cb6a1"},
		{"train", digitsTrainSeed, 1000, "14f5c9179d28311bf7212ce263fd8c326eb7250b56fad8f9a254f96ee93eb618"},
		{"t10k", digitsTestSeed, 1000, "3b1587c26ad3dbe26e56254102470d59bb1dff9ec363fe6efd67aaa78c89cc46"},
	} {
		sum := sha256.New()
		for image := range chunks(digits(t, c.part, c.seed, c.n), digitsSide*digitsSide) {
			for range 3 {
				sum.Write(image)
			}
		}
		if got := hex.EncodeToString(sum.Sum(nil)); got != c.want {
			t.Errorf("first %d of %s: SHA-256 %s, expected %s", c.n, c.part, got, c.want)
		}
	}
	row := digits(t, "train", digitsTrainSeed, 1)[14*digitsSide:]
	for x, want := range []byte{67, 31, 43, 110, 92, 86, 49, 29} {
		if row[x] != want {
			t.Errorf("row 14, column %d is %d, expected %d", x, row[x], want)
		}
	}
}

func chunks(data []byte, size int) func(func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for ; len(data) > 0; data = data[size:] {
			if !yield(data[:size]) {
				return
			}
		}
	}
}

func TestStreamIsThatOfTheRecipe(t *testing.T) {
	r := newStream(1, 0)
	for k, want := range []float64{0.36818952, 0.94356423, 0.045257} {
		if got := r.float(); math.Abs(got-want) > 1e-6 {
			t.Errorf("draw %d is %g, expected %g", k, got, want)
		}
	}
}

// MakeDigits writes what Open reads, reports how far it is, and leaves alone
// what is there.
func TestMakeDigits(t *testing.T) {
	if testing.Short() {
		t.Skip("makes 70,000 images")
	}
	mnist, dir, ctx := mnistFolder(t), filepath.Join(t.TempDir(), "digits"), context.Background()
	last := 0
	report := func(done, total int) {
		if done <= last || done > total || total != 70000 {
			t.Errorf("progress went from %d to %d of %d", last, done, total)
		}
		last = done
	}
	if err := MakeDigits(ctx, mnist, dir, report); err != nil {
		t.Fatal(err)
	}
	if last != 70000 {
		t.Errorf("progress ended at %d", last)
	}
	train, val, err := Open(ctx, dir, Options{Classes: 10})
	if err != nil {
		t.Fatal(err)
	}
	if train.Name != DigitsName || train.Size != 32 || train.Len() != 60000 || val.Len() != 10000 || train.Classes != 10 {
		t.Errorf("opened %+v with %d and %d images", train, train.Len(), val.Len())
	}
	mean, std := train.images.(*memory).statistics()
	for c := range mean {
		if math.Abs(mean[c]-train.Mean[c]) > 1e-4 || math.Abs(std[c]-train.Std[c]) > 1e-4 {
			t.Errorf("channel %d: mean %g, deviation %g, measured %g and %g", c, train.Mean[c], train.Std[c], mean[c], std[c])
		}
	}
	if err := MakeDigits(ctx, "nowhere", dir, nil); err != nil {
		t.Errorf("made again: %v", err)
	}
	damage(t, filepath.Join(dir, "t10k-images-idx3-ubyte"))
	if err := MakeDigits(ctx, mnist, dir, nil); err != nil || CheckDigits(dir) != nil {
		t.Errorf("a damaged file was not made again: %v, %v", err, CheckDigits(dir))
	}
}

func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// Goroutines make the same images in any number, and stop soon after they are
// cancelled.
func TestDigitImages(t *testing.T) {
	mnist := make([]byte, 3000*mnistSide*mnistSide)
	r := newStream(2)
	for i := range mnist {
		mnist[i] = byte(r.next())
	}
	var made [][]byte
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, workers := range []int{1, 5} {
		runtime.GOMAXPROCS(workers)
		images, err := digitImages(context.Background(), mnist, 9, newProgress(nil, 0))
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, images)
	}
	if !bytes.Equal(made[0], made[1]) {
		t.Error("five goroutines make other images than one")
	}
	timetest.Within(t, 200*time.Millisecond, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := sync.OnceFunc(func() { asked(); cancel() })
		_, err := digitImages(ctx, mnist, 9, newProgress(func(int, int) { stop() }, 3000))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled, it ended with %v", err)
		}
	})
}

// Cancelled, the set is not written.
func TestMakeDigitsCancelled(t *testing.T) {
	if testing.Short() {
		t.Skip("reads MNIST")
	}
	mnist, dir := mnistFolder(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	err := MakeDigits(ctx, mnist, dir, func(int, int) { cancel() })
	if files, _ := os.ReadDir(dir); len(files) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v, %v was written", err, files)
	}
}

// Without MNIST the error says what is missing.
func TestFetchMNISTFails(t *testing.T) {
	mnistFolder(t)
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Setenv("GOPROXY", "off")
	if _, err := FetchMNIST(context.Background()); err == nil || !strings.Contains(err.Error(), MNISTModule) {
		t.Errorf("without a proxy: %v", err)
	}
	t.Setenv("PATH", "")
	if _, err := FetchMNIST(context.Background()); err == nil || !strings.Contains(err.Error(), "go command is not installed") {
		t.Errorf("without Go: %v", err)
	}
}
