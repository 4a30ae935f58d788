package training

import (
	"context"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// patches are noisy images of 32 pixels with a bright patch whose place is the
// class.
func patches(t testing.TB, n int) *dataset.Set {
	t.Helper()
	dir := t.TempDir()
	datatest.Patches(t, dir, "train", n)
	datatest.Patches(t, dir, "t10k", 4)
	set, _, err := dataset.Open(context.Background(), dir, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// first is the first n images of a set.
func first(t *testing.T, s *dataset.Set, n int) *dataset.Set {
	t.Helper()
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i
	}
	part, err := s.Subset(positions)
	if err != nil {
		t.Fatal(err)
	}
	return part
}

// quick are settings of a stage for patches.
func quick(stage Stage, data *dataset.Set) Settings {
	s := Small(stage).For(data, data)
	s.TrainPercent, s.Augment, s.BatchSize, s.Epochs, s.LogInterval = 100, "none", 8, 2, 2
	s.Drop, s.DropPath, s.WarmupEpochs, s.Validation, s.ModelEMADecay, s.ModelEMAEvery = 0.1, 0.1, 0, 12, 0.5, 1
	return s
}

// endsMidway is a context that ends when it is asked for the last time that is
// left whether it has.
type endsMidway struct {
	context.Context
	end  context.CancelFunc
	left atomic.Int64
}

func (c *endsMidway) Err() error {
	if c.left.Add(-1) == 0 {
		c.end()
	}
	return c.Context.Err()
}

// stopAt trains, and ends the run in the middle of the step after the given one:
// some blocks have run forward then. It is where it was before.
func stopAt(t *testing.T, step int, s Settings, o Options) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	midway := &endsMidway{Context: ctx, end: cancel}
	o.Progress = func(p Progress) {
		if p.Step == step && midway.left.Load() <= 0 {
			midway.left.Store(8)
		}
	}
	p, err := Train(midway, s, o)
	if !errors.Is(err, context.Canceled) || p.Step != step {
		t.Fatalf("%s: stopped at step %d, not %d: %v", s.Stage, p.Step, step, err)
	}
}

// TestStages runs the three stages on a small set: the loss falls, and runs that
// were interrupted in the middle of a step end with the same bits.
func TestStages(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	data := patches(t, 32)
	whole, halves := t.TempDir(), t.TempDir()
	train := func(s Settings, o Options, cut int) Progress {
		t.Helper()
		o.Train, o.HeldOut, o.Folder = data, data, halves
		stopAt(t, cut, s, o)
		if _, err := Train(context.Background(), s, o); err != nil {
			t.Fatal(err)
		}
		o.Folder = whole
		p, err := Train(context.Background(), s, o)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := lines(t, whole), lines(t, halves); strings.Join(a, "\n") != strings.Join(b, "\n") {
			t.Errorf("%s: the metrics differ:\n%s\n\n%s", s.Stage, strings.Join(a, "\n"), strings.Join(b, "\n"))
		}
		sameWeights(t, Run{Folder: whole}.Weights(s.Stage), Run{Folder: halves}.Weights(s.Stage))
		return p
	}

	p := train(quick(Heaviest, data), Options{}, 5)
	if first, last := p.Loss.Values[0], p.Last.Loss; !(last < 0.9*first) {
		t.Errorf("heaviest: the loss went from %.3f to %.3f", first, last)
	}
	heaviest := load(t, Run{Folder: whole}.Weights(Heaviest))

	s := quick(OneShot, data)
	s.Sampling, s.Paths, s.ReorderBatches, s.Epochs = SampleSandwich, 2, 2, 1
	p = train(s, Options{Heaviest: heaviest}, 2)
	if names := len(p.Scores); names != 4 || p.Last.KL == 0 || p.Last.Features == 0 {
		t.Errorf("oneshot: %+v, validated %+v", p.Last, p.Scores)
	}

	image := quick(OneShot, data)
	image.Sampling, image.ReorderBatches, image.Epochs = SampleImage, 0, 1
	o := Options{Heaviest: heaviest, Train: first(t, data, 16), Folder: t.TempDir()} // two steps, nothing validated
	if p, err := Train(context.Background(), image.For(o.Train, nil), o); err != nil || p.Step != 2 || p.Last.Features == 0 {
		t.Errorf("a path for each image: %+v, %v", p.Last, err)
	}

	s = quick(FineTune, data)
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		t.Fatal(err)
	}
	s.Arch, s.Epochs = space.Architecture(smallestPath(space)).String(), 1
	p = train(s, Options{Heaviest: heaviest, Supernet: load(t, Run{Folder: whole}.Weights(OneShot))}, 2)
	if _, err := supernet.CheckChild(space, smallestPath(space), load(t, Run{Folder: whole}.Weights(FineTune))); err != nil {
		t.Error(err)
	}
	if p.Last.KL == 0 {
		t.Errorf("finetune: no distillation: %+v", p.Last)
	}

	s.Quantize = onnx.INT8
	tuned, calibrations := load(t, Run{Folder: whole}.Weights(FineTune)), 0
	whole, halves = t.TempDir(), t.TempDir()
	p = train(s, Options{Start: tuned, Calibrate: func(ctx context.Context, arch model.Architecture, w onnx.StateDict) (onnx.Calibrated, error) {
		calibrations++
		return anyRanges(ctx, arch, w)
	}}, 2)
	c, err := supernet.Load(Run{Folder: whole}.Weights(FineTune))
	if err != nil {
		t.Fatal(err)
	}
	k, _, err := KnownOf(c.Meta)
	if err != nil || len(k.Ranges) == 0 || k.Quantize != onnx.INT8 || p.Last.KL == 0 || calibrations != 2 {
		t.Errorf("quantised: %v, %d ranges, %+v, calibrated %d times", err, len(k.Ranges), p.Last, calibrations)
	}
	for name, changes := range map[string]bool{"bn1.running_mean": false, "bn1.weight": false, "bn1.bias": true, "blocks.2.0.conv_dw.weight": true} {
		if slices.Equal(c.Weights[name].Data, tuned[name].Data) == changes {
			t.Errorf("quantised: %s changes: expected %v", name, changes)
		}
	}
}

func load(t *testing.T, file string) onnx.StateDict {
	t.Helper()
	c, err := supernet.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c.Weights
}

func sameWeights(t *testing.T, a, b string) {
	t.Helper()
	x, y := load(t, a), load(t, b)
	for name, tensor := range x {
		for i, v := range tensor.Data {
			if y[name].Data[i] != v {
				t.Fatalf("%s[%d] is %v in one run and %v in the other", name, i, v, y[name].Data[i])
			}
		}
	}
}

// Every stage ends with the same bits on images in memory and on the same ones
// read from disk and from a pack, in batches that do not divide them.
func TestStagesOnImagesFromDisk(t *testing.T) {
	onnxtest.Require(t)
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	inMemory, onDisk := datatest.Twins(t, 32, 4, 27, 13)
	open := func(dir string) (train, val *dataset.Set) {
		train, val, err := dataset.Open(context.Background(), dir, dataset.Options{Size: 32})
		if err != nil {
			t.Fatal(err)
		}
		return train, val
	}
	memory, memoryVal := open(inMemory)
	disk, diskVal := open(onDisk)
	for _, set := range []*dataset.Set{disk, diskVal} {
		set.Mean, set.Std = memory.Mean, memory.Std // a folder says none of its own
	}
	hometest.Own(t, "XDG_CACHE_HOME")
	packed, packedVal := open(onDisk)
	id, err := dataset.Identify(t.Context(), packed, packedVal)
	if err == nil {
		err = dataset.UsePack(t.Context(), id, false, packed, packedVal)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range []*dataset.Set{packed, packedVal} {
		set.Mean, set.Std = memory.Mean, memory.Std
	}
	runs := map[string]Options{
		t.TempDir(): {Train: memory, HeldOut: memoryVal},
		t.TempDir(): {Train: disk, HeldOut: diskVal},
		t.TempDir(): {Train: packed, HeldOut: packedVal},
	}
	both := func(change func(s *Settings, o *Options)) {
		t.Helper()
		var folders []string
		var stage Stage
		for folder, o := range runs {
			s := quick(Heaviest, o.Train).For(o.Train, o.HeldOut)
			s.Augment, s.Epochs = "digits", 1
			o.Folder = folder
			change(&s, &o)
			p, err := Train(context.Background(), s, o)
			if err != nil || p.Scores[0].Images != 12 {
				t.Fatalf("%s: %+v, %v", s.Stage, p.Scores, err)
			}
			folders, stage = append(folders, folder), s.Stage
		}
		for _, folder := range folders[1:] {
			if a, b := lines(t, folders[0]), lines(t, folder); strings.Join(a, "\n") != strings.Join(b, "\n") {
				t.Errorf("%s: the metrics differ:\n%s\n\n%s", stage, strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
			sameWeights(t, Run{Folder: folders[0]}.Weights(stage), Run{Folder: folder}.Weights(stage))
		}
	}
	both(func(*Settings, *Options) {})
	both(func(s *Settings, o *Options) {
		heaviest := load(t, Run{Folder: o.Folder}.Weights(Heaviest))
		*s = quick(OneShot, o.Train).For(o.Train, o.HeldOut)
		s.Sampling, s.Paths, s.ReorderBatches, s.Epochs = SampleBatch, 2, 2, 1
		o.Heaviest = heaviest
	})
	both(func(s *Settings, o *Options) {
		*s = quick(FineTune, o.Train).For(o.Train, o.HeldOut)
		space, err := model.NewSpace(s.Space, s.ImageSize)
		if err != nil {
			t.Fatal(err)
		}
		s.Arch, s.Epochs = space.Architecture(smallestPath(space)).String(), 1
		o.Heaviest, o.Supernet = load(t, Run{Folder: o.Folder}.Weights(Heaviest)), load(t, Run{Folder: o.Folder}.Weights(OneShot))
	})
}

// Garbage is collected as before once no engine is open, whichever was closed first.
func TestGarbageIsCollectedAsBefore(t *testing.T) {
	percent := func() int { // stays as it is
		p := debug.SetGCPercent(-1)
		debug.SetGCPercent(p)
		return p
	}
	defer debug.SetGCPercent(debug.SetGCPercent(77))
	for _, step := range []struct{ engines, want int }{{1, trainingGC}, {1, trainingGC}, {-1, trainingGC}, {-1, 77}, {1, trainingGC}, {-1, 77}} {
		collectGarbage(step.engines)
		if p := percent(); p != step.want {
			t.Errorf("at %d percent, want %d", p, step.want)
		}
	}
}
