package training

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
)

// lines are the metrics of a run without what depends on the machine's speed.
func lines(t *testing.T, folder string) []string {
	t.Helper()
	metrics, lost, err := ReadMetrics(folder)
	if err != nil || lost.Count > 0 {
		t.Fatal(err, lost)
	}
	var out []string
	for _, m := range metrics {
		m.ImagesPerSecond = 0
		out = append(out, fmt.Sprintf("%+v", m))
	}
	return out
}

func sameRun(t *testing.T, what, a, b string) {
	t.Helper()
	if x, y := lines(t, a), lines(t, b); strings.Join(x, "\n") != strings.Join(y, "\n") {
		t.Errorf("%s: the metrics differ:\n%s\n\n%s", what, strings.Join(x, "\n"), strings.Join(y, "\n"))
	}
	for _, name := range []string{"heaviest.safetensors", "heaviest.state"} {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s: %s differs", what, name)
		}
	}
}

// TestInterruptedRunsEndAlike cancels a run at every step, before it and in the
// middle of it, and kills it in the same places, which leaves the checkpoint
// of some steps before and lines of metrics after it.
func TestInterruptedRunsEndAlike(t *testing.T) {
	s := fakeSettings()
	whole := t.TempDir()
	p, err := fakeTrain(context.Background(), whole, s, &linear{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	first, last := p.Loss.Values[0], p.Last.Loss
	if p.Step != 30 || !(last < 0.8*first) {
		t.Fatalf("the loss went from %v to %v in %d steps", first, last, p.Step)
	}
	want := lines(t, whole)
	if len(want) != 3*(3+1) {
		t.Fatalf("%d lines of metrics", len(want))
	}
	for _, at := range []int{0, 1, 3, 7, 9, 10, 11, 20, 26, 29} {
		for _, place := range []string{"before", "middle", "killed"} {
			folder := t.TempDir()
			ctx, cancel := context.WithCancel(context.Background())
			stop := func(step int) error {
				if step != at {
					return nil
				}
				cancel()
				return ctx.Err()
			}
			l := &linear{before: stop}
			if place == "middle" {
				l = &linear{middle: stop}
			}
			if place == "killed" { // nothing is written any more
				l = &linear{before: func(step int) error {
					if step == at {
						return writeError{errors.New("killed")}
					}
					return nil
				}}
			}
			if _, err := fakeTrain(ctx, folder, s, l, nil); err == nil {
				t.Fatalf("%s step %d: not stopped", place, at)
			}
			cancel()
			if place == "killed" {
				f, err := os.OpenFile(filepath.Join(folder, metricsFile), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				f.WriteString(`{"stage":"heaviest","ep`)
				f.Close()
			}
			if _, err := fakeTrain(context.Background(), folder, s, &linear{}, nil); err != nil {
				t.Fatal(err)
			}
			sameRun(t, fmt.Sprintf("%s step %d", place, at), whole, folder)
		}
	}
	// Once more after the end changes nothing.
	if _, err := fakeTrain(context.Background(), whole, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	if got := lines(t, whole); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Error("a finished run was changed by running it again")
	}
}

func TestCancelledJobsKeepTheirWork(t *testing.T) {
	var r job.Runner
	folder, s := t.TempDir(), fakeSettings()
	reached := make(chan struct{})
	var once sync.Once
	work := func(ctx context.Context, j *job.Job) (any, error) {
		return fakeTrain(ctx, folder, s, &linear{}, func(o *Options) {
			o.Wait = j.Wait
			o.Progress = func(p Progress) {
				if p.Step == 7 {
					j.Pause()
					once.Do(func() { close(reached) })
				}
			}
		})
	}
	j := r.Start(context.Background(), "train", work)
	<-reached
	j.Cancel()
	<-j.Ended()
	if got := j.Snapshot().State; got != job.Cancelled {
		t.Fatalf("the job is %v", got)
	}
	saved, ok, err := readState(filepath.Join(folder, "heaviest.state"))
	if err != nil || !ok || saved.Step != 7 {
		t.Errorf("checkpoint of step %d: %v", saved.Step, err)
	}
}

func TestOtherSettingsAreRefused(t *testing.T) {
	folder, s := t.TempDir(), fakeSettings()
	if _, err := fakeTrain(context.Background(), folder, s, &linear{}, nil); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Settings){
		"lr":           func(s *Settings) { s.LR = 0.2 },
		"seed":         func(s *Settings) { s.Seed = 1 << 60 },
		"zero_last_bn": func(s *Settings) { s.ZeroLastBN = !s.ZeroLastBN },
		"split_seed":   func(s *Settings) { s.Stage, s.SplitSeed = FineTune, 9 }, // shared by all stages
	} {
		other := s
		change(&other)
		_, err := fakeTrain(context.Background(), folder, other, &linear{}, nil)
		if !errors.Is(err, ErrMismatch) || !strings.Contains(err.Error(), " "+name+" ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestOneProcessTrainsInAFolder(t *testing.T) {
	folder := t.TempDir()
	f, err := openFolder(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, nil); !errors.Is(err, ErrLocked) {
		t.Errorf("while locked: %v", err)
	}
	f.close()
	if _, err := fakeTrain(context.Background(), folder, fakeSettings(), &linear{}, nil); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

func TestDivergenceKeepsTheLastCheckpoint(t *testing.T) {
	folder, s := t.TempDir(), fakeSettings()
	s.LR, s.ClipGrad, s.Epochs, s.WarmupEpochs = 1e2, 0, 40, 0
	l := &linear{before: func(step int) error { return nil }}
	l.middle = func(step int) error {
		if step == 14 {
			return fmt.Errorf("step: %w", backprop.ErrDiverged)
		}
		return nil
	}
	_, err := fakeTrain(context.Background(), folder, s, l, nil)
	if !errors.Is(err, ErrDiverged) || !strings.Contains(err.Error(), "step 15") || !strings.Contains(err.Error(), "checkpoint of step 10") {
		t.Errorf("%v", err)
	}
	data, err := os.ReadFile(filepath.Join(folder, "heaviest.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := supernet.Decode(data)
	if err != nil || c.Meta["epoch"] != "1" {
		t.Errorf("weights of epoch %s: %v", c.Meta["epoch"], err)
	}
}

func TestUnwritableFolders(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := fakeTrain(context.Background(), file, fakeSettings(), &linear{}, nil)
	if err == nil || !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a file as the folder: %v", err)
	}
	// The folder goes, as that of a network does: what was in it stays.
	folder := filepath.Join(t.TempDir(), "run")
	gone := folder + ".gone"
	l := &linear{before: func(step int) error {
		if step == 13 {
			return os.Rename(folder, gone)
		}
		return nil
	}}
	_, err = fakeTrain(context.Background(), folder, fakeSettings(), l, nil)
	if err == nil || !strings.Contains(err.Error(), "checkpoint of step 10 is kept") {
		t.Errorf("%v", err)
	}
	saved, ok, err := readState(filepath.Join(gone, "heaviest.state"))
	if err != nil || !ok || saved.Step != 10 {
		t.Errorf("checkpoint of step %d, %v, %v", saved.Step, ok, err)
	}
}
