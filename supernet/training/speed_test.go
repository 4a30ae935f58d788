package training

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// What a training will take is measured for every stage, follows its epochs, and
// leaves nothing behind.
func TestEstimate(t *testing.T) {
	onnxtest.Require(t)
	data, temp := t.TempDir(), t.TempDir()
	t.Setenv("TMPDIR", temp)
	datatest.Patches(t, data, "train", 60)
	datatest.Patches(t, data, "t10k", 10)
	train, val, err := dataset.Open(t.Context(), data, dataset.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, stage := range allStages {
		s := Auto(stage, Shape{ImageSize: 32, Classes: train.Classes, Images: train.Len()})
		o := Options{Folder: filepath.Join(temp, "run")}
		if o.Train, o.HeldOut, err = s.Divide(train, val); err != nil {
			t.Fatal(err)
		}
		s = s.For(o.Train, o.HeldOut)
		one, err := Estimate(t.Context(), s, o)
		if err != nil {
			t.Fatalf("%s: %v", stage, err)
		}
		if one.Seconds <= 0 || one.Memory <= baseMemory || one.Disk < 1e6 {
			t.Errorf("%s: %+v", stage, one)
		}
		if s.Epochs *= 100; stage == Heaviest {
			many, err := Estimate(t.Context(), s, o)
			if ratio := many.Seconds / one.Seconds; err != nil || ratio < 10 || ratio > 1000 { // 100 on a machine of one speed
				t.Errorf("a hundred times the epochs take %.3g times as long: %v", ratio, err)
			}
		}
		s.BatchSize = 4096
		if _, err := Estimate(t.Context(), s, o); !errors.Is(err, ErrSettings) {
			t.Errorf("%s: batch of 4096 of %d images: %v", stage, s.Images, err)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("left %v, %v", left, err)
	}
}

// What steps take once all sessions are open, and what opening takes, are told apart.
func TestSettled(t *testing.T) {
	const q, step, first = 0.9, 0.05, 0.3
	var took []float64
	for i := range 60 {
		took = append(took, step*(1+0.2*float64(i%3-1))+first*math.Pow(q, float64(i+1)))
	}
	if s, opening := settled(took, q); math.Abs(s/step-1) > 0.05 || math.Abs(opening/(first*q/(1-q))-1) > 0.1 {
		t.Errorf("a step %.4f, opening %.3f: expected %.4f and %.3f", s, opening, step, first*q/(1-q))
	}
	for name, took := range map[string][]float64{"one": {2}, "faster first": {1, 2, 3}} {
		if s, opening := settled(took, q); s != 2 || opening != 0 {
			t.Errorf("%s: %g and %g", name, s, opening)
		}
	}
}
