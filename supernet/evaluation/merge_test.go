package evaluation

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
)

// making is one of the two kinds of records that shards are of.
type making struct {
	name string
	most int // networks
	make func(ctx context.Context, e *Evaluator, file string, num int, shard *model.Shard, j *job.Job) error
}

var makings = []making{
	{"samples", 11, func(ctx context.Context, e *Evaluator, file string, num int, shard *model.Shard, j *job.Job) error {
		_, err := e.Sample(ctx, SampleOptions{Num: num, Seed: 7, File: file, Shard: shard}, j)
		return err
	}},
	{"contributions", 3, func(ctx context.Context, e *Evaluator, file string, num int, shard *model.Shard, j *job.Job) error {
		_, err := e.Contribute(ctx, ContributeOptions{Networks: num, Images: 40, Seed: 3, File: file, Shard: shard}, j)
		return err
	}},
}

// to makes records and returns the file and what the job said.
func (k making) to(t *testing.T, e *Evaluator, file string, num int, shard string) (data []byte, log string) {
	t.Helper()
	s, err := model.ParseShard(shard)
	if err != nil {
		t.Fatal(err)
	}
	var runner job.Runner
	j := runner.Start(t.Context(), k.name, func(ctx context.Context, j *job.Job) (any, error) {
		return nil, k.make(ctx, e, file, num, s, j)
	})
	<-j.Ended()
	if err := j.Snapshot().Err; err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(file); err != nil {
		t.Fatal(err)
	}
	return data, strings.Join(j.Snapshot().Log, "\n")
}

func pretending(t *testing.T, images int) *Evaluator {
	e := evaluator(t, images)
	e.child = pretended(e.Space, new(atomic.Int64))
	return e
}

// shards makes all n shards of num networks in a folder.
func (k making) shards(t *testing.T, e *Evaluator, num, n int) (files []string) {
	t.Helper()
	folder := t.TempDir()
	for i := range n {
		file := filepath.Join(folder, fmt.Sprintf("%d.jsonl", i))
		k.to(t, e, file, num, fmt.Sprintf("%d/%d", i, n))
		files = append(files, file)
	}
	return files
}

// Shards in any order, made longer, cut off anywhere and resumed, are merged to the
// bytes that one process writes.
func TestMergedShardsAreTheWhole(t *testing.T) {
	for _, k := range makings {
		for _, n := range []int{1, 2, 4, 5} {
			e := pretending(t, 100)
			e.Threads = 3
			folder := t.TempDir()
			out := filepath.Join(folder, "merged.jsonl")
			files := k.shards(t, e, k.most-1, n)
			odd := slices.Clone(files)
			slices.Reverse(odd)
			odd[0], odd[n/2] = odd[n/2], odd[0]
			for _, num := range []int{k.most - 1, k.most} { // the second time the merged file is there and becomes longer
				whole, _ := k.to(t, e, filepath.Join(folder, fmt.Sprintf("whole-%d", num)), num, "")
				for i, file := range files {
					full, _ := k.to(t, e, file, num, fmt.Sprintf("%d/%d", i, n))
					if shard := model.ShardOf(full); shard == nil || shard.String() != fmt.Sprintf("%d/%d", i, n) || shard.Num != num {
						t.Fatalf("%s: the header says shard %+v", k.name, shard)
					}
					for cut := 0; cut < len(full); cut += 1 + len(full)/5 {
						if err := os.WriteFile(file, full[:cut], 0o644); err != nil {
							t.Fatal(err)
						}
						if again, _ := k.to(t, e, file, num, fmt.Sprintf("%d/%d", i, n)); !bytes.Equal(again, full) {
							t.Fatalf("%s: shard %d of %d, cut after %d bytes, is another", k.name, i, n, cut)
						}
					}
				}
				m, err := Merge(t.Context(), out, odd)
				if err != nil {
					t.Fatalf("%s, %d shards: %v", k.name, n, err)
				}
				if merged, _ := os.ReadFile(out); !bytes.Equal(merged, whole) {
					t.Errorf("%s: %d shards are merged to\n%.300s\none process writes\n%.300s", k.name, n, merged, whole)
				}
				if m.Shards != n || m.Networks != num || m.Records != bytes.Count(whole, []byte("\n"))-1 {
					t.Errorf("%s: %+v", k.name, m)
				}
			}
		}
	}
}

// What does not belong together is refused with the file and the reason, and
// nothing is written.
func TestMergeRefuses(t *testing.T) {
	for _, k := range makings {
		e := pretending(t, 100)
		whole := filepath.Join(t.TempDir(), "whole.jsonl")
		k.to(t, e, whole, k.most, "")
		for _, c := range []struct {
			name string
			want []string
			with func(files []string) (out string, in []string)
		}{
			{"none", []string{"there are none"}, func([]string) (string, []string) { return "", nil }},
			{"one missing", []string{"missing of 3 shards: 1/3"}, func(f []string) (string, []string) { return "", []string{f[0], f[2]} }},
			{"one twice", []string{f("0"), "are both shard 0/3"}, func(f []string) (string, []string) { return "", append(f, f[0]) }},
			{"a whole file", []string{"whole.jsonl is no shard"}, func(f []string) (string, []string) { return "", append(f[:2], whole) }},
			{"no records", []string{f("1"), "no header of records"}, func(f []string) (string, []string) {
				return "", changed(t, f, 1, func([]byte) []byte { return []byte("hello\nthere\n") })
			}},
			{"an empty file", []string{f("1"), "not whole"}, func(f []string) (string, []string) { return "", changed(t, f, 1, func([]byte) []byte { return nil }) }},
			{"a header cut off", []string{f("1"), "not whole"}, func(f []string) (string, []string) {
				return "", changed(t, f, 1, func(b []byte) []byte { return b[:50] })
			}},
			{"a damaged header", []string{f("1"), "damaged"}, func(f []string) (string, []string) {
				return "", changed(t, f, 1, func(b []byte) []byte { return bytes.Replace(b, []byte(`"images":`), []byte(`"images":1`), 1) })
			}},
			{"a damaged line", []string{f("2"), "line 2 is damaged", "--shard 2/3"}, func(f []string) (string, []string) {
				return "", changed(t, f, 2, func(b []byte) []byte { return bytes.Replace(b, []byte(`"accuracy":`), []byte(`"accuracy":1`), 1) })
			}},
			{"a line of another shard", []string{f("1"), "is not of shard 1/3"}, func(f []string) (string, []string) {
				other, _ := os.ReadFile(f[0])
				return "", changed(t, f, 1, func(b []byte) []byte { return append(b, bytes.SplitAfter(other, []byte("\n"))[1]...) })
			}},
			{"not done", []string{f("0"), "records: the command that made it, with --shard 0/3"}, func(f []string) (string, []string) {
				return "", changed(t, f, 0, func(b []byte) []byte { return b[:len(b)-10] })
			}},
			{"another number of networks", []string{f("1"), fmt.Sprintf("of %d: make them of as many", k.most+1)}, func(f []string) (string, []string) {
				k.to(t, e, f[1], k.most+1, "1/3")
				return "", f
			}},
			{"another number of shards", []string{"shard 0/2", "expected shards of one number"}, func(f []string) (string, []string) {
				return "", append(f[:2], k.shards(t, e, k.most, 2)[0])
			}},
			{"another supernet", []string{f("2"), "weights is golden there and silver now"}, func(f []string) (string, []string) {
				other := *e
				other.WeightsSum = "silver"
				os.Remove(f[2])
				k.to(t, &other, f[2], k.most, "2/3")
				return "", f
			}},
			{"the other kind", []string{"format is"}, func(f []string) (string, []string) {
				for _, other := range makings {
					if other.name != k.name {
						os.Remove(f[2])
						other.to(t, e, f[2], 3, "2/3")
					}
				}
				return "", f
			}},
			{"into a shard", []string{f("1"), "the file to write and one of the shards"}, func(f []string) (string, []string) { return f[1], f }},
			{"over something else", []string{"is there and is not the beginning"}, func(f []string) (string, []string) {
				return changed(t, []string{filepath.Join(t.TempDir(), "mine")}, 0, func([]byte) []byte { return []byte("mine") })[0], f
			}},
		} {
			out, in := c.with(k.shards(t, e, k.most, 3))
			if out == "" {
				out = filepath.Join(t.TempDir(), "out.jsonl")
			}
			before, _ := os.ReadFile(out)
			_, err := Merge(t.Context(), out, in)
			if !errors.Is(err, ErrMerge) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, %s: %v", k.name, c.name, err)
				continue
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%s, %s: %v: expected it to hold %q", k.name, c.name, err, want)
				}
			}
			if after, _ := os.ReadFile(out); !bytes.Equal(after, before) {
				t.Errorf("%s, %s: something was written", k.name, c.name)
			}
		}
	}
}

// f is the end of the name of a shard's file.
func f(shard string) string { return shard + ".jsonl" }

// changed changes one of the files.
func changed(t *testing.T, files []string, i int, change func([]byte) []byte) []string {
	t.Helper()
	data, _ := os.ReadFile(files[i])
	if err := os.WriteFile(files[i], change(data), 0o644); err != nil {
		t.Fatal(err)
	}
	return files
}

// Shards know on what they were computed, also where one was resumed elsewhere, and
// so does who merges them; the merged file has no word of it.
func TestShardsOfSeveralProcessors(t *testing.T) {
	k := makings[0]
	e := pretending(t, 20)
	whole, _ := k.to(t, e, filepath.Join(t.TempDir(), "whole.jsonl"), k.most, "")
	e.Computed = "one"
	files := k.shards(t, e, k.most, 2)
	full, _ := os.ReadFile(files[1])
	changed(t, files, 1, func(b []byte) []byte { return b[:len(b)-10] })
	other := *e
	other.Computed = "another"
	data, log := k.to(t, &other, files[1], k.most, "1/2")
	if !strings.Contains(log, "one; another") || !reflect.DeepEqual(model.ShardOf(data).Computed, []string{"one", "another"}) {
		t.Errorf("resumed on another processor: %s, %+v", log, model.ShardOf(data))
	}
	if _, lines, _ := bytes.Cut(data, []byte("\n")); !bytes.HasSuffix(full, lines) {
		t.Error("resumed on another processor, the lines are others")
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	m, err := Merge(t.Context(), out, files)
	if err != nil || !reflect.DeepEqual(m.Computed, []string{"one", "another"}) {
		t.Fatalf("%+v, %v", m, err)
	}
	if merged, _ := os.ReadFile(out); !bytes.Equal(merged, whole) {
		t.Error("the merged file is another")
	}
}
