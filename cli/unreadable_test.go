package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Images that cannot be read are counted and named by every step that meets them,
// in text, in JSON and in the run's folder, and so is the order of classes where
// there are two.
func TestUnreadableImagesAreSaid(t *testing.T) {
	onnxtest.Require(t)
	_, dir := datatest.Twins(t, 32, 3, 110, 110)
	for _, part := range []string{"train", "val"} {
		for from, to := range map[string]string{"1": "9", "2": "10"} {
			if err := os.Rename(filepath.Join(dir, part, from), filepath.Join(dir, part, to)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"train/9/00050.png", "val/9/00050.png"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("<!DOCTYPE html>404"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run, checkpoint, space := newSupernet(t, dir)
	arch := space.Architecture(model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, space.NumBlocks())}).String()
	validate := []string{"validate", "--arch", arch, "--checkpoint", checkpoint, "--data", dir, "--image-size", "32"}
	said := func(r result, words ...string) {
		t.Helper()
		for _, w := range words {
			if r.code != exitDone || !strings.Contains(r.err, w) {
				t.Errorf("%q is not in %+v", w, r)
			}
		}
	}

	r := runCLI(t, append(validate, "--json")...)
	said(r, "1 of 110 images could not be read and are not counted", "  val/9/00050.png: it begins with", "natural order, as BINAS and timm do: 0, 9, 10 (")
	report := decode[validateReport](t, r.out)
	if u := report.Unreadable; report.Images != 109 || u == nil || u.Count != 1 || u.Of != 110 || u.First[0].Image != "val/9/00050.png" {
		t.Errorf("%d images, %+v", report.Images, u)
	}
	if report.ClassOrder != dataset.NaturalOrder || !report.OrderMatters || !slices.ContainsFunc(report.Notes, func(n string) bool { return strings.Contains(n, "natural order") }) {
		t.Errorf("class order %q, %v, notes %q", report.ClassOrder, report.OrderMatters, report.Notes)
	}
	r = runCLI(t, append(validate, "--class-order", "bytes")...)
	said(r, "order of bytes, as torchvision does: 0, 10, 9 (")
	if !strings.Contains(r.out, "images  109 (") || !strings.Contains(r.out, "1 of 110 images could not be read and are not counted\n") {
		t.Error(r.out)
	}

	// The image is one of those that are held out, or of those that statistics are measured on.
	r = runCLI(t, "sample", "--run", run, "--data", dir, "--num", "1", "--bn", "recalibrated", "--json")
	said(r, "images could not be read and are not counted", "  train/9/00050.png: it begins with", "all are in "+filepath.Join(run, dataset.UnreadableFile))
	if data := string(readFile(t, filepath.Join(run, dataset.UnreadableFile))); !strings.HasPrefix(data, `{"image":"train/9/00050.png","reason":"it begins with`) || strings.Count(data, "\n") != 1 {
		t.Errorf("%s", data)
	}

	// A validation part alone suffices to validate on, and for nothing else.
	if err := os.RemoveAll(filepath.Join(dir, "train")); err != nil {
		t.Fatal(err)
	}
	r = runCLI(t, append(validate, "--json")...)
	said(r, "1 of 110 images")
	if report := decode[validateReport](t, r.out); report.Images != 109 {
		t.Errorf("%+v", report)
	}
	for _, args := range [][]string{append(validate, "--train-percent", "80"), append(validate, "--bn", "recalibrated")} {
		if r := runCLI(t, args...); r.code != exitUsage || !strings.Contains(r.err, "a folder val and no folder train") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%+v", r)
		}
	}
}

// Images of which none can be read leave no training behind; how many may be so is
// a parameter.
func TestTrainingOnUnreadableImages(t *testing.T) {
	onnxtest.Require(t)
	_, dir := datatest.Twins(t, 32, 3, 40, 40)
	spoil := func(pattern string, most int) {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", pattern, len(files), err)
		}
		for _, f := range files[:min(most, len(files))] {
			if err := os.WriteFile(f, []byte("<!DOCTYPE html>404"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	_, checkpoint, space := newSupernet(t, dir)
	arch := space.Architecture(model.Path{Depth: []int{2, 2, 2, 2, 2}, Option: make([]int, space.NumBlocks())}).String()
	validate := []string{"validate", "--arch", arch, "--checkpoint", checkpoint, "--data", dir, "--image-size", "32"}
	spoil("val/1/*.png", 1)
	if r := runCLI(t, validate...); r.code != exitUsage || !strings.Contains(r.err, "1 of 40, at most 0 are skipped") {
		t.Errorf("one of forty: %+v", r)
	}
	if r := runCLI(t, append(validate, "--max-unreadable", "5")...); r.code != exitDone || !strings.Contains(r.out, "images  39 (") {
		t.Errorf("one of forty, up to two allowed: %+v", r)
	}
	spoil("train/1/*.png", 1)
	piped := []string{"pipeline", "--data", dir, "--out", filepath.Join(t.TempDir(), "run"), "--until", "heaviest", "--heaviest-epochs", "1", "--batch-size", "8"}
	if r := runCLI(t, piped...); r.code != exitUsage || !strings.Contains(r.err, "1 of 40, at most 0 are skipped") {
		t.Errorf("one of forty in a pipeline: %+v", r)
	}
	if r := runCLI(t, append(piped, "--max-unreadable", "5")...); r.code != exitDone {
		t.Errorf("one of forty in the same pipeline, up to two allowed: %+v", r)
	}
	spoil("train/*/*.png", 40)
	run := filepath.Join(t.TempDir(), "run")
	r := runCLI(t, "train", "--stage", "heaviest", "--data", dir, "--out", run, "--image-size", "32", "--batch-size", "8", "--epochs", "1")
	if r.code != exitUsage || !strings.Contains(r.err, "are skipped") {
		t.Errorf("no image can be read: %+v", r)
	}
	left, _ := os.ReadDir(run)
	for _, e := range left {
		if e.Name() != dataset.UnreadableFile {
			t.Errorf("%s is left in the run folder", e.Name())
		}
	}
}
