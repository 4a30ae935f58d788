package evaluation

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

const sampled = 6

func (e *Evaluator) sampleTo(ctx context.Context, file string, num int) (Samples, error) {
	return do(ctx, func(ctx context.Context, j *job.Job) (Samples, error) {
		return e.Sample(ctx, SampleOptions{Num: num, Seed: 7, File: file}, j)
	})
}

// Sampling that is cut off anywhere goes on with the records of an unbroken run,
// byte for byte, and sample i is network i of the seed.
func TestSamplingGoesOn(t *testing.T) {
	e := evaluator(t, 20)
	var asked atomic.Int64
	e.child = pretended(e.Space, &asked)
	file := filepath.Join(t.TempDir(), "deep", "samples.jsonl")
	want, err := e.sampleTo(t.Context(), file, sampled)
	if err != nil || len(want) != sampled {
		t.Fatalf("%d samples, %v", len(want), err)
	}
	full, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range want {
		score, err := e.child(t.Context(), RandomPath(e.Space, 7, i), 0, 20)
		if err != nil || !reflect.DeepEqual(s.Path, RandomPath(e.Space, 7, i)) || s.Accuracy != score.Top1 || *s.Halves != score.Halves {
			t.Fatalf("sample %d is %+v: expected %+v, %v", i, s, score, err)
		}
	}
	e.Threads = 1
	for _, cut := range []int{0, 5, bytes.IndexByte(full, '\n') + 1, len(full) / 2, len(full) - 1, len(full)} {
		if err := os.WriteFile(file, full[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		have, err := e.sampleTo(t.Context(), file, sampled)
		if err != nil || !reflect.DeepEqual(have, want) {
			t.Fatalf("cut after %d bytes: %v, %v", cut, have, err)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, full) {
			t.Fatalf("cut after %d bytes, the file became\n%s\nfrom\n%s", cut, after, full)
		}
	}
	if have, err := e.sampleTo(t.Context(), file, 2); err != nil || !reflect.DeepEqual(have, want[:2]) {
		t.Errorf("fewer than there are: %v, %v", have, err)
	}
	if have, _, err := model.DecodeSamples(e.Space, full); err != nil || !reflect.DeepEqual(have, []model.Sample(want)) {
		t.Errorf("read by package model: %v, %v", have, err)
	}
}

// damage changes a file in ways that lose lines: a byte of every kind of line, a
// line without its middle, two run into each other.
func damage(t *testing.T, full []byte, each func(what string, damaged []byte)) {
	t.Helper()
	lines := bytes.SplitAfter(full, []byte("\n"))
	second := len(lines[0]) + len(lines[1])
	for what, damaged := range map[string][]byte{
		"a changed digit in the header": bytes.Replace(full, []byte(`"images":`), []byte(`"images":1`), 1),
		"half a header":                 full[len(lines[0])/2:],
		"a changed accuracy":            bytes.Replace(full, []byte(`"accuracy":`), []byte(`"accuracy":1`), 1),
		"half a line":                   append(bytes.Clone(full[:second-30]), full[second-1:]...),
		"half a line and the next":      append(bytes.Clone(full[:second-30]), full[second:]...),
		"two lines in one":              append(bytes.Clone(full[:second-1]), full[second:]...),
		"a line twice":                  append(bytes.Clone(full[:second]), full[len(lines[0]):]...),
		"a line of zeros":               append(append(bytes.Clone(full[:second]), make([]byte, 5000)...), full[second:]...),
		"no middle":                     append(bytes.Clone(full[:second]), full[len(full)-len(lines[len(lines)-2])-9:]...),
	} {
		if bytes.Equal(damaged, full) {
			t.Fatalf("%s: nothing was changed", what)
		}
		each(what, damaged)
	}
}

// Damage anywhere loses lines, never the file: they are made again, and the job
// says so. Whoever reads the damaged file gets the others.
func TestDamagedSamples(t *testing.T) {
	e := evaluator(t, 20)
	e.child = pretended(e.Space, new(atomic.Int64))
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	want, err := e.sampleTo(t.Context(), file, sampled)
	if err != nil {
		t.Fatal(err)
	}
	full, _ := os.ReadFile(file)
	damage(t, full, func(what string, damaged []byte) {
		if have, lost, err := model.DecodeSamples(e.Space, damaged); err != nil || lost.Count == 0 || len(have) < sampled-2 && what != "no middle" {
			t.Errorf("%s: %d samples, %s, %v", what, len(have), lost, err)
		}
		if err := os.WriteFile(file, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		var runner job.Runner
		j := runner.Start(t.Context(), "sample", func(ctx context.Context, j *job.Job) (any, error) {
			return e.Sample(ctx, SampleOptions{Num: sampled, Seed: 7, File: file}, j)
		})
		<-j.Ended()
		s := j.Snapshot()
		if s.Err != nil || !reflect.DeepEqual(s.Result, want) {
			t.Errorf("%s: %v, %v", what, s.Result, s.Err)
		}
		if !strings.Contains(strings.Join(s.Log, "\n"), "damaged") {
			t.Errorf("%s: not a word of it: %q", what, s.Log)
		}
		if after, _ := os.ReadFile(file); !bytes.Equal(after, full) {
			t.Errorf("%s: the file became\n%s", what, after)
		}
	})
}

// The same with a process that is killed outright.
func TestKilledSamplingGoesOn(t *testing.T) {
	if file := os.Getenv("EVALUATION_TEST_FILE"); file != "" {
		evaluator(t, 20).sampleTo(t.Context(), file, 1000)
		return
	}
	e := evaluator(t, 20)
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledSamplingGoesOn$")
	cmd.Env = append(os.Environ(), "EVALUATION_TEST_FILE="+file)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for end := time.Now().Add(5 * time.Minute); lines < 4 && time.Now().Before(end); time.Sleep(time.Millisecond) {
		data, _ := os.ReadFile(file)
		lines = bytes.Count(data, []byte("\n"))
	}
	cmd.Process.Kill()
	cmd.Wait()
	left, err := os.ReadFile(file)
	if err != nil || lines < 4 {
		t.Fatalf("the killed process left %q, %v", left, err)
	}
	num := bytes.Count(left, []byte("\n")) + 1
	if _, err := e.sampleTo(t.Context(), file, num); err != nil {
		t.Fatal(err)
	}
	whole := filepath.Join(t.TempDir(), "whole.jsonl")
	if _, err := e.sampleTo(t.Context(), whole, num); err != nil {
		t.Fatal(err)
	}
	have, _ := os.ReadFile(file)
	if want, _ := os.ReadFile(whole); !bytes.Equal(have, want) || !bytes.HasPrefix(have, left[:bytes.LastIndexByte(left, '\n')+1]) {
		t.Errorf("after the kill:\n%s\nunbroken:\n%s", have, want)
	}
}

func TestOtherRecordsAreRefused(t *testing.T) {
	e := evaluator(t, 20)
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	if _, err := e.sampleTo(t.Context(), file, 1); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(file)
	for want, change := range map[string]func(*Evaluator, *SampleOptions){
		"seed is 7 there and 8 now":     func(_ *Evaluator, o *SampleOptions) { o.Seed = 8 },
		"weights is golden there":       func(e *Evaluator, _ *SampleOptions) { e.WeightsSum = "other" },
		"images is 20 there and 10 now": func(e *Evaluator, _ *SampleOptions) { e.Images = noise(t, 10, 1) },
		"bn is running there":           func(e *Evaluator, _ *SampleOptions) { e.Calibration = noise(t, 100, 1) },
		"lut is  there and fast now":    func(_ *Evaluator, o *SampleOptions) { o.LUT = "fast" },
	} {
		changed, o := *e, SampleOptions{Num: 1, Seed: 7, File: file}
		change(&changed, &o)
		_, err := do(t.Context(), func(ctx context.Context, j *job.Job) (Samples, error) { return changed.Sample(ctx, o, j) })
		if !errors.Is(err, ErrRecords) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%v: expected %q", err, want)
		}
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("the refusals changed the file")
	}
	for _, text := range []string{"anything", "anything\n", `{"format":"binas-tui-lut"}` + "\n"} {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := e.sampleTo(t.Context(), file, 1); !errors.Is(err, ErrRecords) {
			t.Errorf("%q was taken for records: %v", text, err)
		}
		if after, _ := os.ReadFile(file); string(after) != text {
			t.Errorf("%q was overwritten", text)
		}
	}
}

// Progress, results so far and expected latencies arrive; cancelling keeps what is done.
func TestSamplingAsAJob(t *testing.T) {
	e := evaluator(t, 20)
	table := &latency.Table{BlockMS: make([]float64, e.Space.NumAlphas()), FixedMS: 2}
	var file string
	timetest.Within(t, 400*time.Millisecond, func(asked func()) { // sessions in preparation
		file = filepath.Join(t.TempDir(), "samples.jsonl")
		var j *job.Job
		cancelled := false
		runner := job.Runner{Publish: func(s job.Snapshot) {
			if s.Done >= 2 && s.Done < 1000 && s.State == job.Running && !cancelled {
				if partial, ok := s.Result.(Samples); s.Total != 1000 || s.Left <= 0 || !ok || len(partial) == 0 {
					t.Errorf("after 2 samples: %+v", s)
				}
				cancelled = true
				asked()
				j.Cancel()
			}
		}}
		started := make(chan struct{})
		j = runner.Start(t.Context(), "sample", func(ctx context.Context, j *job.Job) (any, error) {
			<-started
			return e.Sample(ctx, SampleOptions{Num: 1000, Seed: 7, File: file, Table: table, LUT: "two"}, j)
		})
		close(started)
		<-j.Ended()
		if s := j.Snapshot(); s.State != job.Cancelled {
			t.Fatalf("%v, %v", s.State, s.Err)
		}
	})
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	samples, _, err := model.DecodeSamples(e.Space, data)
	if err != nil || len(samples) < 2 || samples[0].ExpectedLatencyMS != 2 {
		t.Errorf("%d samples are kept, %v", len(samples), err)
	}
	if score, err := e.Child(t.Context(), RandomPath(e.Space, 7, 0), 0, 20); err != nil || samples[0].Accuracy != score.Top1 || samples[0].Loss != score.Loss || *samples[0].Halves != score.Halves {
		t.Errorf("sample 0 is %+v: expected %+v, %v", samples[0], score, err)
	}
}

// Without options pinned, decisions are uniform; a pinned network differs from its
// base in nothing else.
func TestPaths(t *testing.T) {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	depths, options := make([]int, s.NumDepths()), make([]int, s.NumOptions())
	const n = 3000
	for i := range n {
		p := RandomPath(s, 5, i)
		if err := s.CheckPath(p); err != nil {
			t.Fatal(err)
		}
		depths[p.Depth[2]-s.MinDepth]++
		options[p.Option[7]]++
	}
	for _, c := range []struct{ counts []int }{{depths}, {options}} {
		chi2 := 0.0
		want := float64(n) / float64(len(c.counts))
		for _, k := range c.counts {
			chi2 += (float64(k) - want) * (float64(k) - want) / want
		}
		if chi2 > 40 {
			t.Errorf("counts %v are not uniform", c.counts)
		}
	}
	for _, d := range s.Decisions() {
		deeper := map[int]bool{}
		for i := range 60 {
			p, q := RandomPath(s, 5, i), PinnedPath(s, 5, i, d)
			if err := s.CheckPath(q); err != nil || !s.Has(q, d) {
				t.Fatalf("%s: %v, %v", d.Name, q, err)
			}
			for b := range p.Option {
				if b != d.Block && p.Option[b] != q.Option[b] {
					t.Fatalf("%s: block %d differs", d.Name, b)
				}
			}
			for stage := range p.Depth {
				if stage != d.Stage && p.Depth[stage] != q.Depth[stage] {
					t.Fatalf("%s: depth of stage %d differs", d.Name, stage)
				}
			}
			if d.Block >= 0 {
				deeper[q.Depth[d.Stage]] = true
			}
		}
		if d.Block >= 0 && len(deeper) != s.MaxDepth-max(s.MinDepth, d.Block%s.MaxDepth+1)+1 {
			t.Errorf("%s was tried at depths %v", d.Name, deeper)
		}
	}
}

// Records are written by one job at a time, and say what they were begun with.
func TestRecordsAreWrittenByOne(t *testing.T) {
	e := evaluator(t, 20)
	file := filepath.Join(t.TempDir(), "samples.jsonl")
	if _, began, err := Recorded(file, model.SamplesFormat); began || err != nil {
		t.Errorf("without a file: %v, %v", began, err)
	}
	pretend := pretended(e.Space, new(atomic.Int64))
	e.child = func(ctx context.Context, p model.Path, first, count int) (Score, error) {
		other := *e
		other.child = pretend
		if _, err := other.sampleTo(ctx, file, 1); !errors.Is(err, safefile.ErrLocked) || !strings.Contains(err.Error(), file) {
			t.Errorf("a second writer: %v", err)
		}
		return pretend(ctx, p, first, count)
	}
	if _, err := e.sampleTo(t.Context(), file, 2); err != nil {
		t.Fatal(err)
	}
	info, began, err := Recorded(file, model.SamplesFormat)
	if err != nil || !began || info.Seed != 7 || info.Images != 20 || info.BN != Running {
		t.Errorf("recorded %+v, %v, %v", info, began, err)
	}
	if _, _, err := Recorded(file, model.ContributionsFormat); !errors.Is(err, ErrRecords) {
		t.Errorf("samples read as contributions: %v", err)
	}
	e.child = pretend
	if _, err := e.sampleTo(t.Context(), file, 3); err != nil {
		t.Errorf("after the first writer: %v", err)
	}
}
