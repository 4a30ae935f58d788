package training

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// Mixing keeps the sum of two images, gives each the other's label, follows from the
// step alone, and is of Beta's mean.
func TestMix(t *testing.T) {
	s := fakeSettings()
	s.Mixup = 0.4
	sum := 0.0
	for step := range 400 {
		x, labels := []float32{1, 2, 10, 20, 100, 200, 1000, 2000}, []int{0, 1, 2, 3}
		var loss, again backprop.Loss
		s.mix(x, labels, &loss, step, 0, 0)
		sum += loss.Share / 400
		for i, want := range []float32{1001, 2002, 110, 220} {
			if j := []int{6, 7, 4, 5}[i]; math.Abs(float64(x[i]+x[j]-want)) > 1e-3 {
				t.Fatalf("step %d: %v", step, x)
			}
		}
		if share := loss.Share; math.Abs(float64(x[0])-(share+1000*(1-share))) > 1e-3 || loss.Other[0] != 3 || loss.Other[3] != 0 || loss.Other[1] != 2 {
			t.Fatalf("step %d: %v, %+v", step, x, loss)
		}
		if s.mix(make([]float32, 8), labels, &again, step, 0, 0); again.Share != loss.Share {
			t.Fatalf("step %d: shares %v and %v", step, loss.Share, again.Share)
		}
	}
	if math.Abs(sum-0.5) > 0.06 {
		t.Errorf("mean share %v", sum)
	}
	s.Mixup = 0
	x, loss := []float32{1, 2}, backprop.Loss{}
	if s.mix(x, []int{0, 1}, &loss, 0, 0, 0); loss.Other != nil || x[0] != 1 {
		t.Errorf("not asked for: %v, %+v", x, loss)
	}
}

// A stage with patience ends that many epochs after its best, keeps the weights of
// that, and says so; it is done, however it was interrupted.
func TestEarlyStopping(t *testing.T) {
	s := fakeSettings()
	s.Epochs, s.Patience = 9, 2
	scores := []float64{10, 30, 20, 30, 90, 90, 90, 90, 90}
	folder := t.TempDir()
	var said []string
	p, err := fakeTrain(context.Background(), folder, s, &linear{scores: scores}, func(o *Options) {
		o.Log = func(line string) { said = append(said, line) }
	})
	if err != nil || p.Step != 4*fakeSteps || p.Steps != p.Step || p.Epochs != 4 || len(said) != 1 || !strings.Contains(said[0], "heaviest ends after epoch 4 of 9: none after epoch 2, with 30.00%, was better") {
		t.Fatalf("%v, %+v, %q", err, p, said)
	}
	best := t.TempDir()
	short := s
	short.Patience = 0
	if _, err := fakeTrain(context.Background(), best, short, &linear{before: cancelAt(2 * fakeSteps)}, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	sameTensors(t, folder, best)
	again, err := fakeTrain(context.Background(), folder, s, &linear{scores: scores}, nil)
	if err != nil || again.Step != p.Step || again.Epochs != 4 {
		t.Errorf("once more: %v, %+v", err, again)
	}
	sameTensors(t, folder, best)

	broken := t.TempDir()
	if _, err := fakeTrain(context.Background(), broken, s, &linear{scores: scores, before: cancelAt(3*fakeSteps + 2)}, nil); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := fakeTrain(context.Background(), broken, s, &linear{scores: scores, done: 3}, nil); err != nil {
		t.Fatal(err)
	}
	sameRun(t, "interrupted", folder, broken)
}

// A stage that is done goes on with more epochs: the rate begins again where it
// ended, which is kept; one that is not done is refused, and so are other settings.
func TestMoreEpochs(t *testing.T) {
	s := fakeSettings()
	folder := t.TempDir()
	train := func(change func(*Settings), l *linear) (Progress, string, error) {
		more, said := s, ""
		change(&more)
		p, err := fakeTrain(context.Background(), folder, more, l, func(o *Options) { o.Log = func(line string) { said += line + "\n" } })
		return p, said, err
	}
	if _, _, err := train(func(*Settings) {}, &linear{before: cancelAt(fakeSteps)}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, _, err := train(func(s *Settings) { s.Epochs = 7 }, &linear{}); !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), "a stage that is done continues") {
		t.Errorf("not done: %v", err)
	}
	if _, _, err := train(func(*Settings) {}, &linear{}); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Settings){
		"fewer": func(s *Settings) { s.Epochs = 2 }, "another rate": func(s *Settings) { s.Epochs, s.LR = 7, 0.2 },
	} {
		if _, _, err := train(change, &linear{}); !errors.Is(err, ErrMismatch) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p, said, err := train(func(s *Settings) { s.Epochs = 7 }, &linear{before: cancelAt(5 * fakeSteps)})
	if !errors.Is(err, context.Canceled) || !strings.Contains(said, "was done after 3 epochs and continues to 7: the learning rate starts at 0.1 again, without a warm-up, and falls until then") {
		t.Fatalf("%v, %+v, %q", err, p, said)
	}
	run, err := ReadRun(folder)
	kept := run.Stages[Heaviest]
	if err != nil || kept.Epochs != 7 || kept.Restarted != 3 {
		t.Fatalf("%+v, %v", kept, err)
	}
	if kept.rate(3, 0, 10) != s.LR || math.Abs(kept.rate(5, 0, 10)-(s.LR+s.MinLR)/2) > 1e-9 || !(kept.rate(6, 9, 10) < 0.01) {
		t.Errorf("rates %v %v %v", kept.rate(3, 0, 10), kept.rate(5, 0, 10), kept.rate(6, 9, 10))
	}
	if p, err := fakeTrain(context.Background(), folder, kept, &linear{}, nil); err != nil || p.Step != 7*fakeSteps || p.Epochs != 7 {
		t.Errorf("%v, %+v", err, p)
	}
	whole := folder
	folder = t.TempDir()
	for _, epochs := range []int{3, 7} {
		if _, _, err := train(func(s *Settings) { s.Epochs = epochs }, &linear{}); err != nil {
			t.Fatal(err)
		}
	}
	sameRun(t, "interrupted", whole, folder)
}

// cancelAt ends a training before a step.
func cancelAt(end int) func(int) error {
	return func(step int) error {
		if step == end {
			return context.Canceled
		}
		return nil
	}
}

func sameTensors(t *testing.T, a, b string) {
	t.Helper()
	var loaded [2]supernet.Checkpoint
	for i, folder := range []string{a, b} {
		var err error
		if loaded[i], err = supernet.Load(Run{Folder: folder}.Weights(Heaviest)); err != nil {
			t.Fatal(err)
		}
	}
	for name, w := range loaded[0].Weights {
		if !slices.Equal(w.Data, loaded[1].Weights[name].Data) {
			t.Errorf("%s differs", name)
		}
	}
}
