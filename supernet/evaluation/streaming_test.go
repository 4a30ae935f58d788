package evaluation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// lower sets a bound for a test.
func lower(t *testing.T, bound *int, to int) {
	before := *bound
	*bound = to
	t.Cleanup(func() { *bound = before })
}

// twins are the images of one folder, in memory and read from disk in runs.
func twins(t *testing.T, folder string, size int) (memory, disk *Images) {
	t.Helper()
	load := func(limit int) *Images {
		set, _, err := dataset.Open(t.Context(), folder, dataset.Options{Size: size})
		if err != nil {
			t.Fatal(err)
		}
		lower(t, &keptValues, limit)
		im, err := Load(t.Context(), set, 0)
		if err != nil {
			t.Fatal(err)
		}
		return im
	}
	memory, disk = load(1<<30), load(0)
	if memory.x == nil || disk.x != nil {
		t.Fatal("not one in memory and one on disk")
	}
	return memory, disk
}

// unreadable are twins of a number of images, some of whose files are none, answered
// by an evaluator in runs of a few.
func unreadable(t *testing.T, images, run int, bad ...string) (e *Evaluator, folder string, memory, disk *Images) {
	t.Helper()
	e = evaluator(t, 1)
	_, folder = datatest.Twins(t, 32, 10, images, 10)
	for _, file := range bad {
		if err := os.WriteFile(filepath.Join(folder, file), []byte("no image"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	lower(t, &maxRunPixels, run*32*32)
	memory, disk = twins(t, folder, 32)
	return e, folder, memory, disk
}

// sameStatistics compares the running statistics that were measured anew.
func sameStatistics(t *testing.T, have, want, before onnx.StateDict) {
	t.Helper()
	changed := 0
	for name, w := range want {
		if !strings.Contains(name, ".running_") {
			continue
		}
		for i, v := range w.Data {
			if d := math.Abs(float64(have[name].Data[i] - v)); !(d <= 1e-6*(math.Abs(float64(v))+1e-3)) {
				t.Fatalf("%s[%d] is %v: expected %v", name, i, have[name].Data[i], v)
			}
			if v != before[name].Data[i] {
				changed++
			}
		}
	}
	if changed == 0 {
		t.Error("no statistics were measured")
	}
}

// Whatever is done with images, it does not matter whether they are in memory or
// read from disk, in runs that divide neither the images nor what is read at once.
func TestImagesFromDisk(t *testing.T) {
	e := evaluator(t, 1)
	_, folder := datatest.Twins(t, 32, 10, 170, 10)
	memory, disk := twins(t, folder, 32)
	lower(t, &maxRunPixels, 37*32*32)
	on := func(images, calibration *Images) *Evaluator {
		return &Evaluator{Space: e.Space, Weights: e.Weights, Images: images, Calibration: calibration, Threads: 2, WeightsSum: "golden"}
	}
	both := func(t *testing.T, what string, ask func(*Evaluator) (any, error)) {
		t.Helper()
		for _, calibrate := range []bool{false, true} {
			a, b := on(memory, nil), on(disk, nil)
			if calibrate {
				a, b = on(memory, memory), on(disk, disk)
			}
			want, err := ask(a)
			if err != nil {
				t.Fatal(err)
			}
			if have, err := ask(b); err != nil || !reflect.DeepEqual(have, want) {
				t.Errorf("%s, calibrated %v: %+v from disk, %v: %+v from memory", what, calibrate, have, err, want)
			}
		}
	}
	p := RandomPath(e.Space, 3, 0)
	both(t, "a window over the end", func(e *Evaluator) (any, error) { return e.Child(t.Context(), p, 150, 61) })
	both(t, "samples", func(e *Evaluator) (any, error) {
		return e.sampleTo(t.Context(), filepath.Join(t.TempDir(), "samples.jsonl"), 2)
	})
	both(t, "contributions", func(e *Evaluator) (any, error) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		file := filepath.Join(t.TempDir(), "contributions.jsonl")
		runner := job.Runner{Publish: func(s job.Snapshot) {
			if s.Done >= 4 {
				cancel()
			}
		}}
		j := runner.Start(ctx, "contribute", func(ctx context.Context, j *job.Job) (any, error) {
			return e.Contribute(ctx, ContributeOptions{Networks: 2, Images: 90, Seed: 3, File: file}, j)
		})
		<-j.Ended()
		data, err := os.ReadFile(file)
		lines := bytes.SplitAfter(data, []byte("\n"))
		return string(bytes.Join(lines[:5], nil)), err
	})
	both(t, "validation", func(e *Evaluator) (any, error) {
		n, err := e.open(t.Context(), p)
		if err != nil {
			return nil, err
		}
		defer n.Close()
		v, err := Validate(t.Context(), n, e.Images, 2, nil, nil)
		return v.Score, err
	})
}

// Statistics are those of the images that can be read, batch by batch: pieces that
// are read may end within one.
func TestCalibrationWithUnreadableImages(t *testing.T) {
	e, _, memory, disk := unreadable(t, 130, 37, "train/4/00060.png")
	if memory.Len() != 129 || disk.Len() != 130 {
		t.Fatalf("%d images in memory, %d on disk", memory.Len(), disk.Len())
	}
	p := RandomPath(e.Space, 3, 0)
	w, err := supernet.Child(e.Space, e.Weights, p)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Calibrate(t.Context(), e.Space.Architecture(p), w, memory)
	if err != nil {
		t.Fatal(err)
	}
	have, err := Calibrate(t.Context(), e.Space.Architecture(p), w, disk)
	if err != nil {
		t.Fatal(err)
	}
	sameStatistics(t, have, want, w)
}

// As many images as there were are those that there were: records of an evaluation that
// left unreadable ones out are resumed on the same.
func TestLoadingAsManyAgain(t *testing.T) {
	_, folder, memory, _ := unreadable(t, 330, 37, "train/4/00160.png", "train/9/00320.png")
	lower(t, &keptValues, 1<<30)
	for _, n := range []int{1, 160, 327, memory.Len(), 329, 500} {
		set, _, err := dataset.Open(t.Context(), folder, dataset.Options{Size: 32})
		if err != nil {
			t.Fatal(err)
		}
		im, err := Load(t.Context(), set, n)
		if err != nil {
			t.Fatal(err)
		}
		if kept := min(n, memory.Len()); im.Len() != kept || !slices.Equal(im.positions, memory.positions[:kept]) || !slices.Equal(im.labels, memory.labels[:kept]) {
			t.Errorf("%d: %d images, other than the first of all", n, im.Len())
		}
	}
}

// Predictions are of every image that can be read, under its file's name, in an
// order that depends on nothing, and make the score.
func TestPredictions(t *testing.T) {
	const bad = "train/4/00060.png"
	e, folder, memory, disk := unreadable(t, 130, 7, bad)
	e.Images = memory
	n, err := e.open(t.Context(), RandomPath(e.Space, 3, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	predict := func(im *Images, threads int) (v Validation, out []Prediction) {
		v, err := Validate(t.Context(), n, im, threads, nil, func(p Prediction) error {
			out = append(out, p)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v, out
	}
	v, want := predict(memory, 1)
	var sum tally
	seen := map[string]bool{bad: true}
	for i, p := range want {
		if err := sum.add(p.Logits, p.Label, i); err != nil {
			t.Fatal(err)
		}
		if seen[p.Image] || !strings.HasPrefix(p.Image, fmt.Sprintf("train/%d/", p.Label)) || len(p.Top5) != 5 || p.Logits[p.Top5[0]] != slices.Max(p.Logits) {
			t.Errorf("%+v", p)
		}
		if seen[p.Image] = true; !exists(filepath.Join(folder, p.Image)) {
			t.Errorf("%s is not below the data's folder", p.Image)
		}
	}
	if len(want) != 129 || sum.score().Top1 != v.Top1 || sum.score().Top5 != v.Top5 || math.Abs(sum.score().Loss-v.Loss) > 1e-9 {
		t.Errorf("%d predictions with %+v, validated %+v", len(want), sum.score(), v.Score)
	}
	for _, im := range []*Images{memory, disk} {
		for _, threads := range []int{1, 5} {
			if _, have := predict(im, threads); !reflect.DeepEqual(have, want) {
				t.Errorf("other predictions with %d threads, in memory %v", threads, im == memory)
			}
		}
	}
	full, told := errors.New("full"), 0
	_, err = Validate(t.Context(), n, disk, 3, nil, func(Prediction) error {
		if told++; told == 20 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || told != 20 {
		t.Errorf("told %d predictions, %v", told, err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// 500 images of 224 pixels do not fit into what is kept in memory, and batches of
// 83 do not divide them. Their statistics are those of the same images in memory.
func TestCalibrationOnLargeImages(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const size, images = 224, 500
	_, folder := datatest.Twins(t, size, 10, images, 10)
	set, _, err := dataset.Open(t.Context(), folder, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	disk, err := Load(t.Context(), set, 0)
	if err != nil {
		t.Fatal(err)
	}
	if disk.x != nil || disk.Len() != images || disk.Size != size || images%disk.calibrationBatch() == 0 {
		t.Fatalf("%d images of %d pixels in batches of %d, in memory: %v", disk.Len(), disk.Size, disk.calibrationBatch(), disk.x != nil)
	}
	memory, _ := twins(t, folder, size)
	s, err := model.NewSpace(model.MobileNASNet, size)
	if err != nil {
		t.Fatal(err)
	}
	w := supernet.Init{Seed: 1}.Weights(supernet.Layout(s, 10))
	p := model.Path{Depth: make([]int, len(s.Stages)), Option: make([]int, s.NumBlocks())} // the cheapest
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth
	}
	if w, err = supernet.Child(s, w, p); err != nil {
		t.Fatal(err)
	}
	want, err := Calibrate(t.Context(), s.Architecture(p), w, memory)
	if err != nil {
		t.Fatal(err)
	}
	have, err := Calibrate(t.Context(), s.Architecture(p), w, disk)
	if err != nil {
		t.Fatal(err)
	}
	sameStatistics(t, have, want, w)
}
