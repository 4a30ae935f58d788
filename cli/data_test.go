package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// idxFolder is a data set of IDX files: per part, n grey images of 4x4 in three
// classes.
func idxFolder(t *testing.T, n int) string {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []string{"train", "t10k"} {
		images := append([]byte{0, 0, 8, 3, 0, 0, 0, byte(n), 0, 0, 0, 4, 0, 0, 0, 4}, make([]byte, 16*n)...)
		labels := []byte{0, 0, 8, 1, 0, 0, 0, byte(n)}
		for i := range n {
			images[16+16*i] = byte(i)
			labels = append(labels, byte(i%3))
		}
		for name, data := range map[string][]byte{"images-idx3": images, "labels-idx1": labels} {
			if err := os.WriteFile(filepath.Join(dir, part+"-"+name+"-ubyte"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestDataShow(t *testing.T) {
	dir := idxFolder(t, 7)
	r := decode[dataReport](t, mustRun(t, "data", "show", dir, "--json"))
	if r.Name != filepath.Base(dir) || r.ImageSize != 4 || r.Classes != 3 || r.Train != 7 || r.Val != 7 || r.TrainPer != [2]int{2, 3} {
		t.Errorf("%+v", r)
	}
	if text := mustRun(t, "data", "show", dir); !strings.Contains(text, "3: 0, 1, 2") || !strings.Contains(text, "7 images, 2 to 3 per class") {
		t.Error(text)
	}
}

func TestDataBadInput(t *testing.T) {
	dir := idxFolder(t, 7)
	for _, c := range []struct {
		args  []string
		code  int
		words string
	}{
		{[]string{"data", "show", dir, "--classes", "10"}, exitUsage, "it has 3, expected 10"},
		{[]string{"data", "show", dir, "--image-size", "-1"}, exitUsage, "image size -1"},
		{[]string{"data", "show", t.TempDir()}, exitUsage, "no folder train"},
		{[]string{"data", "show", filepath.Join(dir, "none")}, exitUsage, "no such file or directory; expected a folder, or the name of one in"},
		{[]string{"data", "show"}, exitUsage, "FOLDER|NAME"},
		{[]string{"data"}, exitUsage, "digits, show"},
		{[]string{"data", "digits", "--mnist", dir, "--out", t.TempDir()}, exitUsage, "that of MNIST"},
		{[]string{"data", "digits", "--mnist", t.TempDir(), "--out", t.TempDir()}, exitUsage, "it has no file train-images-idx3-ubyte"},
	} {
		r := runCLI(t, c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.words) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("%v: %+v, expected code %d and %q", c.args, r, c.code, c.words)
		}
	}
}
