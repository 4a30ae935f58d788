package training

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/memory"
)

var allStages = []Stage{Heaviest, OneShot, FineTune}

// On the digits auto is small; that it is told apart is all that differs.
func TestAutoIsSmallOnTheDigits(t *testing.T) {
	for _, stage := range allStages {
		for _, d := range []Shape{{}, {ImageSize: 32, Classes: 10, Images: 60_000, Augment: "digits", Memory: 8e9}} {
			want := Small(stage)
			want.Preset = "auto"
			if got := Auto(stage, d); got != want {
				t.Errorf("%s of %+v: %+v, expected %+v", stage, d, got, want)
			}
		}
	}
}

// The preset auto has no cliffs: from a size or a number of images to one a tenth
// larger no setting changes by much more, and what it says can be trained with.
func TestAutoHasNoCliffs(t *testing.T) {
	near := func(what string, a, b, least float64) {
		t.Helper()
		if math.Abs(a-b) > least && max(a, b) > 1.45*min(a, b) {
			t.Errorf("%s: from %g to %g", what, a, b)
		}
	}
	for _, stage := range allStages {
		for images := 16.0; images < 3e6; images *= 3.3 {
			for size := 32; size <= 512; size = size*6/5 + 1 {
				d := Shape{ImageSize: size, Classes: 8, Images: int(images), Augment: "pictures", Memory: 8e9}
				a := Auto(stage, d)
				for _, next := range []Shape{{size*11/10 + 1, 8, int(images), "pictures", 8e9}, {size, 8, int(images * 1.1), "pictures", 8e9}} {
					b := Auto(stage, next)
					what := fmt.Sprintf("%s, %+v to %+v: ", stage, d, next)
					near(what+"batch", float64(a.BatchSize), float64(b.BatchSize), 8)
					near(what+"rate", a.LR, b.LR, 0.03*Small(stage).LR*16)
					near(what+"epochs", float64(a.Epochs), float64(b.Epochs), 1)
					near(what+"warm-up", float64(a.WarmupEpochs), float64(b.WarmupEpochs), 1)
					if a.Augment != b.Augment || a.Sampling != b.Sampling || a.WeightDecay != b.WeightDecay {
						t.Errorf("%s%+v and %+v", what, a, b)
					}
				}
				a.ImageSize, a.Classes = size, 8
				if err := a.Check(); err != nil || a.WarmupEpochs > a.Epochs/2 || a.ModelEMADecay < 0 {
					t.Fatalf("%s of %+v: %v, %+v", stage, d, err, a)
				}
				if a.Augment != "pictures" {
					t.Fatalf("augmentation %s", a.Augment)
				}
			}
		}
	}
}

// Less memory makes steps smaller, and what is chosen fits.
func TestAutoFitsTheMemory(t *testing.T) {
	before := 0
	for _, memory := range []float64{1e9, 2e9, 4e9, 16e9, 256e9} {
		s := Auto(Heaviest, Shape{ImageSize: 224, Classes: 100, Images: 1_000_000, Memory: memory})
		if s.BatchSize < before {
			t.Errorf("%g bytes: %d images, fewer than with less memory", memory, s.BatchSize)
		}
		before = s.BatchSize
		s.ImageSize, s.Classes = 224, 100
		cost, err := s.cost()
		if took := cost.TrainBytes(fittingCopies * s.BatchSize); err != nil || took > memory/2 && s.BatchSize > autoLeastBatch {
			t.Errorf("%g bytes: %d images take %g: %v", memory, s.BatchSize, took, err)
		}
	}
	if before != 160 {
		t.Errorf("with all memory %d images a step", before)
	}
}

// What is refused for its memory says what fits, and that does.
func TestTooMuchMemorySaysWhatFits(t *testing.T) {
	defer func(f func() float64) { memory.Total = f }(memory.Total)
	memory.Total = func() float64 { return 4e9 }
	for _, stage := range allStages {
		s := Small(stage)
		s.ImageSize, s.Classes, s.BatchSize = 224, 10, 240
		err := s.CheckMemory("")
		if !errors.Is(err, memory.ErrTooMuch) {
			t.Fatalf("%s: %v", stage, err)
		}
		var parts, most int
		_, said, _ := strings.Cut(err.Error(), "; ")
		if _, err := fmt.Sscanf(said, "micro-batches %d would fit, or batch-size %d", &parts, &most); err != nil {
			t.Fatalf("%s: %s", stage, said)
		}
		small, accumulated := s, s
		small.BatchSize, accumulated.MicroBatches = most, parts
		for _, fits := range []Settings{small, accumulated} {
			if err := errors.Join(fits.Check(), fits.CheckMemory("")); err != nil {
				t.Errorf("%s: %v", stage, err)
			}
		}
		s.ImageSize = 4096
		if err := s.CheckMemory(""); err == nil || !strings.HasSuffix(err.Error(), "smaller ones do (image-size)") {
			t.Errorf("%s: %v", stage, err)
		}
	}
}

// docs/TRAINING.md has what the formula gives.
func TestAutoIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/TRAINING.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, images := range []int{500, 1_000, 4_000, 15_000, 60_000, 250_000, 1_280_000} {
		h, o, f := Auto(Heaviest, Shape{Images: images}), Auto(OneShot, Shape{Images: images}), Auto(FineTune, Shape{Images: images})
		row := fmt.Sprintf("| %d | %d | %d, %d, %d | %g, %g, %g | %d |", images, h.BatchSize, h.Epochs, o.Epochs, f.Epochs, h.LR, o.LR, f.LR, h.WarmupEpochs)
		if !strings.Contains(string(text), row+"\n") {
			t.Errorf("docs/TRAINING.md has no row\n%s", row)
		}
	}
}
