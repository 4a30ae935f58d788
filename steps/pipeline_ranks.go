package steps

import (
	"context"
	"encoding/json"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// order is a step that all ranks of a pipeline do together. Rank 0 does the pipeline,
// has its folder, and tells the others what to do with it.
type order struct {
	Step    Step    `json:"step"` // "" is the end
	File    string  `json:"file"` // of Sample, with the next
	Num     int     `json:"num"`
	Seed    uint64  `json:"seed"`
	Network Network `json:"network"` // of FineTune and Validate
}

// together has all ranks do a step, and returns what it has left.
func (r *run) together(ctx context.Context, o order) (any, error) {
	if err := r.tell(ctx, o); err != nil {
		return nil, err
	}
	return r.part(ctx, o)
}

// tell tells the other ranks, which hear it.
func (r *run) tell(ctx context.Context, what any) error {
	if r.task.ranks().Size() == 1 {
		return nil
	}
	data, err := json.Marshal(what)
	_, err = mpi.Agree(ctx, r.task.ranks(), data, err)
	return err
}

// hear is what rank 0 tells.
func (r *run) hear(ctx context.Context, what any) error {
	all, err := mpi.Agree(ctx, r.task.ranks(), nil, nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(all[0], what)
}

// follow does the pipeline as another rank than 0: what that tells, with its settings.
func (p *PipelineRun) follow(ctx context.Context, j *job.Job) error {
	r := &run{task: p, folder: p.Run, job: j}
	if err := r.hear(ctx, &r.PipelineSettings); err != nil {
		return err
	}
	if err := r.openData(ctx); err != nil {
		return err
	}
	for {
		var o order
		if err := r.hear(ctx, &o); err != nil || o.Step == "" {
			return err
		}
		if _, err := r.part(ctx, o); err != nil {
			return err
		}
	}
}

// part is this rank's part of a step.
func (r *run) part(ctx context.Context, o order) (any, error) {
	source := r.source()
	source.Ranks = r.task.Ranks
	switch o.Step {
	case Sample:
		return (&Sampling{Source: source, Num: o.Num, Seed: o.Seed, Out: r.path(o.File), LUT: r.LUT}).Work(ctx, r.job)
	case Contribute:
		return (&Contributing{Source: source, Networks: r.Contributions, EachImages: r.PinnedImages, Seed: r.seed(contributeSeed)}).Work(ctx, r.job)
	case Validate:
		source.Threads = r.task.Trainers
		return (&Validating{Source: source, Arch: o.Network.Architecture, tuned: o.Network.Folder(r.folder)}).Work(ctx, r.job)
	}
	t := r.training(training.Stage(o.Step))
	t.Ranks = r.task.Ranks
	if o.Step == FineTune {
		t.Settings.Arch, t.Out, t.status = o.Network.Architecture, o.Network.Folder(r.folder), t.status+o.Network.Name+", "
	}
	return t.Work(ctx, r.job)
}
