package steps

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Files of the run folder, as the commands of the same names write them.
const (
	estimatorFile = "estimator.safetensors"
)

const (
	defaultSamples  = 1000
	defaultNetworks = 10   // of the estimator
	defaultImages   = 1000 // each of them is asked about
)

// Estimator is a measured estimator and the predictor made of it.
type Estimator struct {
	File string // of the predictor
	LUT  string // latency table of the run, a file; "" where there is none
	*evaluation.Contribution
}

// samplesFile is the file of the request's samples.
func (r Request) samplesFile() string {
	if r.Samples == "" {
		return filepath.Join(r.Run, samplesFile)
	}
	return filepath.Join(r.Run, r.Samples)
}

// evaluator opens the supernet of the run and the images held out from it, those
// that records were begun with where there are some.
func (r Request) evaluator(ctx context.Context, j *job.Job, recorded model.EvaluationInfo, images int) (*evaluation.Evaluator, error) {
	s, file, err := r.begun(training.OneShot)
	if err != nil {
		return nil, err
	}
	folder, err := r.dataFolder()
	if err != nil {
		return nil, err
	}
	j.Progress(0, 0, 0, "reading the supernet and the images")
	e, err := evaluation.Open(ctx, evaluation.Source{
		Checkpoint: file, Data: folder, ImageSize: s.ImageSize, TrainPercent: s.TrainPercent, SplitSeed: s.SplitSeed,
		Images: images, BN: recorded.BN, BNImages: recorded.BNImages, Library: r.Library, ClassOrder: r.classOrder(), Accept: r.accept(j), Run: r.Run,
	})
	if err == nil {
		noteData(j, e.Images.Set())
	}
	return e, err
}

// firstSeed draws the networks of records that are begun.
const firstSeed = 1

func (r Request) sample(ctx context.Context, j *job.Job) (any, error) {
	o := evaluation.SampleOptions{Num: r.Num, Seed: firstSeed, File: r.samplesFile()}
	if o.Num == 0 {
		o.Num = defaultSamples
	}
	recorded, began, err := evaluation.Recorded(o.File, model.SamplesFormat)
	if err != nil {
		return nil, err
	}
	e, err := r.evaluator(ctx, j, recorded, recorded.Images)
	if err != nil {
		return nil, err
	}
	if began {
		o.Seed, o.LUT = recorded.Seed, recorded.LUT
		if o.Table, err = r.latencies(e.Space, o.LUT); err != nil {
			return nil, err
		}
	}
	samples, err := e.Sample(ctx, o, j)
	return samples, otherRecords(err)
}

// latencies is the table of the expected latencies in samples: that of a
// pipeline, else the one with the recorded name, if any.
func (r Request) latencies(s *model.Space, name string) (*latency.Table, error) {
	if file := r.tableFile(); file != "" {
		name = file
	}
	if name == "" {
		return nil, nil
	}
	lut, err := explore.LoadLUT(name)
	if err != nil {
		return nil, err
	}
	return lut.Table(s)
}

// otherRecords says what to do about records that cannot be gone on with, such
// as those of a supernet that was trained on since.
func otherRecords(err error) error {
	if errors.Is(err, evaluation.ErrRecords) {
		return fmt.Errorf("%w: move the file away, or name another", err)
	}
	return err
}

func (r Request) contribute(ctx context.Context, j *job.Job) (any, error) {
	o := evaluation.ContributeOptions{Networks: r.Num, Images: defaultImages, Seed: firstSeed, File: filepath.Join(r.Run, contributionsFile)}
	if o.Networks == 0 {
		o.Networks = defaultNetworks
	}
	recorded, began, err := evaluation.Recorded(o.File, model.ContributionsFormat)
	if err != nil {
		return nil, err
	}
	if began {
		o.Seed, o.Images = recorded.Seed, recorded.Images
	}
	s, err := ReadPipeline(r.Run)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Without a pipeline all: networks are asked about different ones of them.
	e, err := r.evaluator(ctx, j, recorded, s.SampleImages)
	if err != nil {
		return nil, err
	}
	c, err := e.Contribute(ctx, o, j)
	if err != nil {
		return nil, otherRecords(err)
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
	out := Estimator{filepath.Join(r.Run, estimatorFile), r.tableFile(), c}
	return out, safefile.Write(out.File, data)
}

// validate asks the network about the validation part of the data: with its own
// weights where it was fine-tuned, else with the supernet's.
func (r Request) validate(ctx context.Context, j *job.Job) (any, error) {
	if len(r.Architecture) == 0 {
		return nil, fmt.Errorf("%s %w: no network is given", r.Step, ErrRequest)
	}
	weights, own := OwnWeights, r
	own.Run = r.tunedFolder()
	s, file, err := own.begun(training.FineTune)
	if err != nil || !exists(file) { // it may not have finished an epoch yet
		weights = SupernetWeights
		if s, file, err = r.begun(training.OneShot); err != nil {
			return nil, err
		}
	}
	folder, err := r.dataFolder()
	if err != nil {
		return nil, err
	}
	j.Log("weights of " + file)
	n, images, err := evaluation.OpenNetwork(ctx, r.Architecture, evaluation.Source{
		Checkpoint: file, Data: folder, ImageSize: s.ImageSize, TrainPercent: 100, Library: r.Library, ClassOrder: r.classOrder(), Accept: r.accept(j), Run: r.Run,
	})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	noteData(j, images.Set())
	v, err := evaluation.Validate(ctx, n, images, 0, j)
	if err != nil {
		return nil, err
	}
	out := Validated{Validation: v}
	out.Accuracy, err = r.note(Accuracy{Weights: weights, Top1: v.Top1, Images: v.Images, Data: v.Data, Fingerprint: images.Fingerprint})
	return out, err
}

// tunedFolder is where the network was fine-tuned: by FineTune, or else by a
// pipeline.
func (r Request) tunedFolder() string {
	folder := r.TunedFolder()
	if exists(folder) {
		return folder
	}
	chosen, _ := ReadNetworks(r.Run) // none where it has not come so far
	for _, n := range chosen.List {
		if n.Architecture == r.Architecture.String() {
			return n.Folder(r.Run)
		}
	}
	return folder
}

// fingerprint is a short name of a network.
func fingerprint(a model.Architecture) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(a.String())))[:12]
}
