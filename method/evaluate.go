package method

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Files of the run folder, as the commands of the same names write them.
const (
	samplesFile       = "samples.jsonl"
	contributionsFile = "contributions.jsonl"
	estimatorFile     = "estimator.safetensors"
)

const (
	defaultSamples  = 1000
	defaultNetworks = 10   // of the estimator
	defaultImages   = 1000 // each of them is asked about
)

// Estimator is a measured estimator and the predictor made of it.
type Estimator struct {
	File string // of the predictor
	*evaluation.Contribution
}

// evaluator opens the supernet of the run and the images held out from it.
func (r Request) evaluator(ctx context.Context, j *job.Job) (*evaluation.Evaluator, error) {
	s, file, err := r.begun(training.OneShot)
	if err != nil {
		return nil, err
	}
	j.Progress(0, 0, 0, "reading the supernet and the images")
	return evaluation.Open(ctx, evaluation.Source{
		Checkpoint: file, Data: r.dataFolder(s.Data), ImageSize: s.ImageSize, TrainPercent: s.TrainPercent, SplitSeed: s.SplitSeed, Library: r.Library,
	})
}

func (r Request) sample(ctx context.Context, j *job.Job) (any, error) {
	e, err := r.evaluator(ctx, j)
	if err != nil {
		return nil, err
	}
	num := r.Num
	if num == 0 {
		num = defaultSamples
	}
	return e.Sample(ctx, evaluation.SampleOptions{Num: num, Seed: 1, File: filepath.Join(r.Run, samplesFile)}, j)
}

func (r Request) contribute(ctx context.Context, j *job.Job) (any, error) {
	e, err := r.evaluator(ctx, j)
	if err != nil {
		return nil, err
	}
	o := evaluation.ContributeOptions{Networks: r.Num, Images: defaultImages, Seed: 1, File: filepath.Join(r.Run, contributionsFile)}
	if o.Networks == 0 {
		o.Networks = defaultNetworks
	}
	c, err := e.Contribute(ctx, o, j)
	if err != nil {
		return nil, err
	}
	info := model.CheckpointInfo{
		Space: e.Space.Name, Samples: c.Networks * len(e.Space.Decisions()),
		Source: fmt.Sprintf("estimator of contributions: %d decisions pinned in %d networks on %d images each of %s",
			len(e.Space.Decisions())-1, c.Networks, min(o.Images, e.Images.Len()), e.Images.Name),
	}
	data, err := model.EncodePredictor(c.Estimator(e.Space), info)
	if err != nil {
		return nil, err
	}
	out := Estimator{filepath.Join(r.Run, estimatorFile), c}
	return out, explore.WriteFile(out.File, data)
}

// validate asks the network about the validation part of the data: with its own
// weights where it was fine-tuned, else with the supernet's.
func (r Request) validate(ctx context.Context, j *job.Job) (any, error) {
	if len(r.Architecture) == 0 {
		return nil, fmt.Errorf("%s %w: no network is given", r.Step, ErrRequest)
	}
	tuned := r
	tuned.Run = r.TunedFolder()
	s, file, err := tuned.begun(training.FineTune)
	if err != nil {
		if s, file, err = r.begun(training.OneShot); err != nil {
			return nil, err
		}
	}
	j.Log("weights of " + file)
	n, images, err := evaluation.OpenNetwork(ctx, r.Architecture, evaluation.Source{
		Checkpoint: file, Data: r.dataFolder(s.Data), ImageSize: s.ImageSize, TrainPercent: 100, Library: r.Library,
	})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return evaluation.Validate(ctx, n, images, 0, j)
}

// fingerprint is a short name of a network.
func fingerprint(a model.Architecture) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(a.String())))[:12]
}
