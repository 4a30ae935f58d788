package dataset

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/timetest"
)

// pattern is a set of n images of side x side in memory, all different, in 10
// classes.
func pattern(n, side int) *Set {
	m := &memory{pixels: make([]byte, 3*n*side*side), labels: make([]byte, n), channels: 3, height: side, width: side}
	r := newStream(7)
	for i := range m.pixels {
		m.pixels[i] = byte(r.next())
	}
	for i := range m.labels {
		m.labels[i] = byte(i * i % 10)
	}
	set := Set{Name: "pattern", Classes: 10, ClassNames: numbers(10), Size: side, Mean: cifarMean, Std: cifarStd}
	return newSet(set, "train", m, Options{})
}

// firstOf is the first n images of a set.
func firstOf(t *testing.T, s *Set, n int) *Set {
	t.Helper()
	positions := make([]int, n)
	for i := range positions {
		positions[i] = i
	}
	out, err := s.Subset(positions)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// collect reads n batches, or all with n of -1.
func collect(t testing.TB, s *Set, o LoaderOptions, epoch, step, n int) []*Batch {
	t.Helper()
	l, err := NewLoader(s, o)
	if err != nil {
		t.Fatal(err)
	}
	var out []*Batch
	for b, err := range l.From(context.Background(), epoch, step) {
		if err != nil {
			t.Fatal(err)
		}
		if n < 0 && b.Epoch > epoch {
			break
		}
		if out = append(out, b); len(out) == n {
			break
		}
	}
	return out
}

// everything is every augmentation at once.
var everything = Augment{Crop: 0.2, Shift: 3, Flip: 0.5, Ops: 3, Magnitude: 9, OpsApplied: 0.8, Erase: 0.5}

func TestEpochIsAPermutation(t *testing.T) {
	s := pattern(103, 8)
	var orders [][]int
	for epoch := range 3 {
		var order []int
		for _, b := range collect(t, s, LoaderOptions{Batch: 10, Seed: 5}, epoch, 0, -1) {
			if len(b.Labels) != 10 || b.Epoch != epoch || b.Step != len(order)/10 {
				t.Fatalf("batch %d of epoch %d has %d images", b.Step, b.Epoch, len(b.Labels))
			}
			for i, p := range b.Images {
				if b.Labels[i] != s.Label(p) {
					t.Fatalf("image %d has label %d, expected %d", p, b.Labels[i], s.Label(p))
				}
			}
			order = append(order, b.Images...)
		}
		sorted := slices.Sorted(slices.Values(order))
		if len(order) != 100 || len(slices.Compact(sorted)) != 100 || sorted[0] < 0 || sorted[len(sorted)-1] > 102 {
			t.Errorf("epoch %d is no permutation: %v", epoch, order)
		}
		orders = append(orders, order)
	}
	if slices.Equal(orders[0], orders[1]) || slices.Equal(orders[1], orders[2]) {
		t.Error("two epochs have the same order")
	}
	if other := collect(t, s, LoaderOptions{Batch: 10, Seed: 6}, 0, 0, 1)[0]; slices.Equal(other.Images, orders[0][:10]) {
		t.Error("two seeds give the same order")
	}
}

// The same seed gives the same batches, bit for bit, for any number of
// goroutines, and wherever reading starts.
func TestBatchesDependOnSeedAlone(t *testing.T) {
	s := pattern(64, 16)
	want := collect(t, s, LoaderOptions{Batch: 8, Seed: 1, Augment: everything, Workers: 1, Queue: 1}, 0, 0, 24)
	for _, workers := range []int{2, 7} {
		got := collect(t, s, LoaderOptions{Batch: 8, Seed: 1, Augment: everything, Workers: workers}, 0, 0, 24)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%d workers make other batches than one", workers)
		}
	}
	for at := range want {
		got := collect(t, s, LoaderOptions{Batch: 8, Seed: 1, Augment: everything}, at/8, at%8, 1)[0]
		if !reflect.DeepEqual(got, want[at]) {
			t.Errorf("resumed at epoch %d, step %d: another batch than without", at/8, at%8)
		}
	}
	if reflect.DeepEqual(want[0].X, collect(t, s, LoaderOptions{Batch: 8, Seed: 2, Augment: everything}, 0, 0, 1)[0].X) {
		t.Error("two seeds make the same batch")
	}
}

func TestEvaluationKeepsOrderAndEveryImage(t *testing.T) {
	s := pattern(23, 8)
	l, err := NewLoader(s, LoaderOptions{Batch: 10, Evaluate: true, Augment: everything})
	if err != nil {
		t.Fatal(err)
	}
	next := 0
	for b, err := range l.Epoch(context.Background(), 0, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for i, p := range b.Images {
			if p != next {
				t.Fatalf("image %d came where %d was expected", p, next)
			}
			m := s.images.(*memory)
			for k, x := range b.X[i*3*64:][:3*64] {
				c := k / 64
				want := (float64(m.pixels[p*3*64+k])/255 - s.Mean[c]) / s.Std[c]
				if diff := float64(x) - want; diff > 1e-5 || diff < -1e-5 {
					t.Fatalf("image %d, value %d is %g, expected %g", p, k, x, want)
				}
			}
			next++
		}
		if len(b.X) != 3*64*len(b.Labels) {
			t.Errorf("%d values for %d images", len(b.X), len(b.Labels))
		}
	}
	if next != 23 || l.Steps() != 3 {
		t.Errorf("%d images in %d steps, expected 23 in 3", next, l.Steps())
	}
}

// A loop that ends leaves no goroutine behind, and a cancelled one ends at once.
func TestLoaderEnds(t *testing.T) {
	before := runtime.NumGoroutine()
	l, err := NewLoader(pattern(200, 64), LoaderOptions{Batch: 16, Augment: everything, Workers: 4})
	if err != nil {
		t.Fatal(err)
	}
	for range l.From(context.Background(), 0, 0) {
		break
	}
	timetest.Within(t, 200*time.Millisecond, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		var last error
		for b, err := range l.From(ctx, 0, 0) {
			if last = err; err == nil && b.Step == 3 {
				asked()
				cancel()
			}
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("ended with %v", last)
		}
	})
	for range 10_000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func TestLoaderRefuses(t *testing.T) {
	s := pattern(20, 8)
	for _, o := range []LoaderOptions{
		{Batch: 21}, {Batch: -1}, {Workers: -1, Batch: 4}, {Batch: 4, Queue: -1}, {Batch: 4, Augment: Augment{Flip: 1.5}},
		{Batch: 4, Augment: Augment{Magnitude: 11}}, {Batch: 4, Augment: Augment{Shift: -1}},
	} {
		if _, err := NewLoader(s, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	large := pattern(50, 2)
	large.Size = MaxSize
	if _, err := NewLoader(large, LoaderOptions{Batch: 50}); !errors.Is(err, ErrOptions) || !strings.Contains(err.Error(), "take 2.3 GiB each") {
		t.Errorf("a batch of 50 images of %d pixels: %v", MaxSize, err)
	}
	if _, err := NewLoader(firstOf(t, large, 4), LoaderOptions{Batch: 50, Evaluate: true}); err != nil {
		t.Error(err)
	}
	if _, err := NewLoader(firstOf(t, s, 0), LoaderOptions{Evaluate: true}); err == nil {
		t.Error("an empty set is accepted")
	}
	l, err := NewLoader(s, LoaderOptions{Batch: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range l.Epoch(context.Background(), -1, 0) {
		if err == nil {
			t.Error("epoch -1 is accepted")
		}
	}
}

func TestSplitIsDisjointAndStratified(t *testing.T) {
	s := pattern(1003, 2)
	for _, percent := range []int{1, 50, 80, 99} {
		train, held, err := s.Split(percent, 3)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[int]int{}
		for _, i := range slices.Concat(train.index, held.index) {
			seen[i]++
		}
		if len(seen) != s.Len() || train.Len()+held.Len() != s.Len() {
			t.Errorf("%d percent: %d and %d images, %d different", percent, train.Len(), held.Len(), len(seen))
		}
		all, part := perClass(s), perClass(train)
		for c := range all {
			if diff := float64(part[c]) - float64(all[c]*percent)/100; diff > 0.5 || diff < -0.5 {
				t.Errorf("%d percent: %d of %d images of class %d", percent, part[c], all[c], c)
			}
		}
		again, _, _ := s.Split(percent, 3)
		other, _, _ := s.Split(percent, 4)
		if !slices.Equal(again.index, train.index) || slices.Equal(other.index, train.index) {
			t.Errorf("%d percent: the seed does not decide", percent)
		}
	}
	for _, percent := range []int{0, 100, -5} {
		if _, _, err := s.Split(percent, 0); err == nil {
			t.Errorf("%d percent is accepted", percent)
		}
	}
}

func perClass(s *Set) []int {
	n := make([]int, s.Classes)
	for _, l := range s.Labels() {
		n[l]++
	}
	return n
}

func BenchmarkLoader(b *testing.B) {
	s := pattern(2048, 32)
	for _, name := range []string{"none", "digits", "cifar", "imagenet"} {
		a, err := NewAugment(name)
		if err != nil {
			b.Fatal(err)
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/workers=%d", name, workers), func(b *testing.B) {
				benchmarkLoader(b, s, LoaderOptions{Augment: a, Workers: workers})
			})
		}
	}
}

// BenchmarkLoaderFolder is of JPEG files of 500x375, ImageNet's usual size, at
// 224.
func BenchmarkLoaderFolder(b *testing.B) {
	dir := b.TempDir()
	m := image.NewRGBA(image.Rect(0, 0, 500, 375))
	for i := range m.Pix {
		m.Pix[i] = byte(i/7 + i*i/911) // some texture
	}
	var file bytes.Buffer
	if err := jpeg.Encode(&file, m, &jpeg.Options{Quality: 90}); err != nil {
		b.Fatal(err)
	}
	for i := range 32 {
		for _, part := range []string{"train", "val"} {
			writeFile(b, filepath.Join(dir, part, "class", fmt.Sprintf("%d.jpg", i)), file.Bytes())
		}
	}
	train, val, err := Open(context.Background(), dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("train", func(b *testing.B) {
		benchmarkLoader(b, train, LoaderOptions{Batch: 16, Augment: augments["imagenet"]})
	})
	b.Run("evaluate", func(b *testing.B) { benchmarkLoader(b, val, LoaderOptions{Batch: 16, Evaluate: true}) })
}

func benchmarkLoader(b *testing.B, s *Set, o LoaderOptions) {
	l, err := NewLoader(s, o)
	if err != nil {
		b.Fatal(err)
	}
	n, before := 0, timetest.Processor()
	for batch, err := range l.From(context.Background(), 0, 0) {
		if err != nil {
			b.Fatal(err)
		}
		if n += len(batch.Labels); !b.Loop() {
			break
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "images/s")
	b.ReportMetric(float64(n)/(timetest.Processor()-before).Seconds(), "images/core-s") // of processor time: other processes change it less
}
