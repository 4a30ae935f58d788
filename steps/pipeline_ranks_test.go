package steps

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/model"
)

// Trainings, samples, fine-tuning and validation of a pipeline are the same bytes over
// two ranks as in one process, and the other rank writes nothing.
func TestPipelineOverRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("trains and samples")
	}
	onnxtest.Require(t)
	data := t.TempDir()
	datatest.Patches(t, data, "train", 80)
	datatest.Patches(t, data, "t10k", 20)
	pipeline := func(folder string) *PipelineRun {
		p := quick(folder, data)
		p.Settings.BatchSize, p.Settings.MicroBatches, p.Trainers, p.Until = 32, 2, 1, "samples"
		return p
	}
	// finetune does that step with a network that was not searched.
	finetune := func(ctx context.Context, p *PipelineRun, j *job.Job) error {
		s, _, err := p.settings()
		if err != nil {
			return err
		}
		r := &run{PipelineSettings: s, task: p, folder: p.Run, job: j}
		if err := r.openData(ctx); err != nil {
			return err
		}
		space, err := model.NewSpace(s.Space, s.ImageSize)
		if err == nil {
			err = r.writeJSON(searchFile, []Network{{Name: "searched-1", Architecture: space.Architecture(space.HeaviestPath()).String()}})
		}
		if err == nil {
			err = r.tell(ctx, s)
		}
		if err == nil {
			err = r.finetune(ctx)
		}
		if err == nil {
			err = r.tell(ctx, order{})
		}
		return err
	}
	all := func(ranks []mpi.Comm, folder string) {
		t.Helper()
		for _, work := range []func(ctx context.Context, p *PipelineRun, j *job.Job) error{
			func(ctx context.Context, p *PipelineRun, j *job.Job) error { _, err := p.Work(ctx, j); return err },
			finetune,
		} {
			var wait sync.WaitGroup
			for _, c := range ranks {
				p := pipeline(folder)
				p.Ranks = c
				if p.follows() {
					p.Settings = PipelineSettings{} // they are rank 0's
				}
				wait.Go(func() {
					var runner job.Runner
					j := runner.Start(t.Context(), "pipeline", func(ctx context.Context, j *job.Job) (any, error) {
						if p.follows() {
							return p.Work(ctx, j)
						}
						return nil, work(ctx, p, j)
					})
					<-j.Ended()
					if err := j.Snapshot().Err; err != nil {
						t.Errorf("rank %d of %d: %v", c.Rank(), c.Size(), err)
					}
				})
			}
			wait.Wait()
		}
	}
	one, two := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "two")
	all([]mpi.Comm{mpi.Alone()}, one)
	all(mpi.Group(2), two)
	for _, name := range []string{"heaviest.safetensors", "oneshot.safetensors", samplesFile, networksFile, finetuneFolder + "/searched-1/finetuned.safetensors"} {
		want, err := os.ReadFile(filepath.Join(one, name))
		have, errTwo := os.ReadFile(filepath.Join(two, name))
		if err != nil || errTwo != nil || !bytes.Equal(have, want) {
			t.Errorf("%s of two ranks is another than that of one process: %v, %v", name, err, errTwo)
		}
	}
}
