package evaluation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"sync/atomic"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
)

// pretended answers for a network and images at once with a number made from them.
func pretended(s *model.Space, asked *atomic.Int64) func(context.Context, model.Path, int, int) (Score, error) {
	return func(_ context.Context, p model.Path, first, count int) (Score, error) {
		asked.Add(1)
		h := fnv.New64a()
		fmt.Fprint(h, s.Architecture(p), first, count)
		return Score{Top1: float64(h.Sum64()%10000) / 100, Images: count}, nil
	}
}

func (e *Evaluator) contributeTo(ctx context.Context, file string, networks, images int) (*Contribution, error) {
	return do(ctx, func(ctx context.Context, j *job.Job) (*Contribution, error) {
		return e.Contribute(ctx, ContributeOptions{Networks: networks, Images: images, Seed: 3, File: file}, j)
	})
}

// Every entry is the mean accuracy of the networks it says on their images; a file
// that was cut off goes on to the same bytes, and one that is done can be made longer.
func TestContribute(t *testing.T) {
	e := evaluator(t, 100)
	var asked atomic.Int64
	e.child = pretended(e.Space, &asked)
	file := filepath.Join(t.TempDir(), "contributions.jsonl")
	c, err := e.contributeTo(t.Context(), file, 3, 40)
	if err != nil || c.Networks != 3 || !(c.MedianSpread() > 0) {
		t.Fatalf("%+v, %v", c, err)
	}
	if n := asked.Load(); n > 3*240 || n < 3*200 {
		t.Errorf("%d networks were asked: expected fewer than 768, as some decisions change nothing", n)
	}
	full, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if read, _, err := model.DecodeContributions(e.Space, full); err != nil || !reflect.DeepEqual(*read, c.Contributions) {
		t.Errorf("read by package model: %v", err)
	}
	for _, d := range e.Space.Decisions() {
		want := 0.0
		for network, first := range []int{0, 40, 80} { // of 100 images: the third goes over the end
			score, _ := e.child(t.Context(), PinnedPath(e.Space, 3, network, d), first, 40)
			want += score.Top1 / 3
		}
		have := c.Base
		if d.Block >= 0 {
			have = c.Alpha[d.Block*e.Space.NumOptions()+d.Option]
		} else if d.Stage >= 0 {
			have = c.Beta[d.Stage*e.Space.NumDepths()+d.Depth-e.Space.MinDepth]
		}
		if math.Abs(have-want) > 1e-9 {
			t.Errorf("%s is %v: expected %v", d.Name, have, want)
		}
	}
	for cut := 0; cut < len(full); cut += 4999 {
		if err := os.WriteFile(file, full[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		if again, err := e.contributeTo(t.Context(), file, 3, 40); err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("cut after %d bytes: %v", cut, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, full) {
			t.Fatalf("cut after %d bytes, the file is another", cut)
		}
	}
	if longer, err := e.contributeTo(t.Context(), file, 4, 40); err != nil || longer.Networks != 4 {
		t.Errorf("made longer: %v", err)
	}
	if after, _ := os.ReadFile(file); !bytes.HasPrefix(after, full) {
		t.Error("a longer run does not go on from the shorter one")
	}
	if shorter, err := e.contributeTo(t.Context(), file, 3, 40); err != nil || !reflect.DeepEqual(shorter, c) {
		t.Errorf("the first three of four: %v", err)
	}
	if _, err := e.contributeTo(t.Context(), file, 3, 41); !errors.Is(err, ErrRecords) {
		t.Errorf("another number of images: %v", err)
	}
}

func TestDamagedContributions(t *testing.T) {
	e := evaluator(t, 100)
	e.child = pretended(e.Space, new(atomic.Int64))
	file := filepath.Join(t.TempDir(), "contributions.jsonl")
	want, err := e.contributeTo(t.Context(), file, 2, 40)
	if err != nil {
		t.Fatal(err)
	}
	full, _ := os.ReadFile(file)
	damage(t, full, func(what string, damaged []byte) {
		if err := os.WriteFile(file, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if have, err := e.contributeTo(t.Context(), file, 2, 40); err != nil || !reflect.DeepEqual(have, want) {
			t.Errorf("%s: %v", what, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, full) {
			t.Errorf("%s: the file is another", what)
		}
	})
}

// What is measured is the accuracy of real children.
func TestContributeAsksChildren(t *testing.T) {
	e := evaluator(t, 20)
	file := filepath.Join(t.TempDir(), "contributions.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	runner := job.Runner{Publish: func(s job.Snapshot) {
		if s.Done >= 2 {
			cancel()
		}
	}}
	j := runner.Start(ctx, "contribute", func(ctx context.Context, j *job.Job) (any, error) {
		return e.Contribute(ctx, ContributeOptions{Seed: 3, File: file}, j)
	})
	<-j.Ended()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	info, accuracies, _, err := model.DecodeContributionRecords(e.Space, data)
	if err != nil || info.Images != 20 || len(accuracies) != 1 || math.IsNaN(accuracies[0][1]) {
		t.Fatalf("%+v, %v, %v", info, accuracies, err)
	}
	for i, d := range e.Space.Decisions()[:2] {
		if score, err := e.Child(t.Context(), PinnedPath(e.Space, 3, 0, d), 0, 20); err != nil || score.Top1 != accuracies[0][i] {
			t.Errorf("%s is %v: expected %v, %v", d.Name, accuracies[0][i], score.Top1, err)
		}
	}
}
