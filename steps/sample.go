package steps

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Sampling is the evaluation of random networks of the supernet.
type Sampling struct {
	Source
	Num  int    `json:"num"`
	Seed uint64 `json:"seed"`
	Out  string `json:"out"` // file of the samples; "" is samples.jsonl in the run folder
	LUT  string `json:"lut"`
	// Shard is K/N: the samples whose number is K modulo N, into a file of their own;
	// "" is all. The result is [Sharded] then.
	Shard string `json:"shard"`
}

// Sampled is what Sampling has done.
type Sampled struct {
	evaluation.Samples
	Space  *model.Space
	File   string
	Images int    // each network was evaluated on
	Data   string // that they are of
	BN     string
	ImagesReport
}

// NewSampling is a sampling with the defaults of its parameters.
func NewSampling() *Sampling { return &Sampling{Source: newSource(), Num: 1000, Seed: 1} }

// Step implements [Task].
func (*Sampling) Step() Step { return Sample }

// Values implements [Task].
func (s *Sampling) Values() param.Values {
	return append(param.Table{
		{Key: "out", Label: "samples file", Usage: "`FILE` of the samples", Zero: samplesFile + " in the run folder"},
		{Key: "num", Label: "networks", Usage: "networks, `N`", Least: 1, Most: 1 << 20},
		{Key: "seed", Usage: "`SEED` of the networks", Rare: true},
		{Key: "lut", Label: "latency table", Usage: "latency table for expected latencies, a `FILE|NAME`", Zero: "that of the run's pipeline", Rare: true},
		shardParam("networks"),
	}, sourceParams("the run's, or 80")...).In(s, &s.Source, &s.Common)
}

// file is where the lines go: to the file of the samples, or where that is a pickle
// beside it.
func (s *Sampling) file() (lines string, pickled bool) {
	file := s.inRun(s.Out, samplesFile)
	if stem, ok := strings.CutSuffix(file, ".pkl"); ok {
		return stem + ".jsonl", true
	}
	return file, false
}

// Plan implements [Task].
func (s *Sampling) Plan() (Plan, error) {
	c := Clone(s)
	plan, err := c.plan(c)
	if err != nil {
		return plan, err
	}
	file, _ := c.file()
	if plan.Have, plan.Recorded, err = countRecords(file, model.SamplesFormat, 1); plan.Have > 0 {
		c.recorded(plan.Recorded)
		c.LUT, plan.Kept = plan.Recorded.LUT, keptOfRecords
	}
	return plan, err
}

// keptOfRecords are the parameters of samples and contributions that were begun.
var keptOfRecords = map[string]bool{"seed": true, "lut": true, "images": true, "bn": true, "bn_images": true, "train_percent": true, "split_seed": true, "image_size": true, "images_per_network": true, "device": true}

// plan looks whether there is something to evaluate.
func (s *Source) plan(t Task) (plan Plan, err error) {
	plan.Task = t
	if plan.Data, err = runData(s.Run); err != nil {
		return plan, err
	}
	o, err := s.origin(string(t.Step()), training.OneShot)
	if err == nil && o.known != nil && o.whole {
		s.ImageSize, s.SplitSeed = o.known.ImageSize, o.known.SplitSeed
	}
	return plan, err
}

// recorded takes what records were begun with.
func (s *Source) recorded(r model.EvaluationInfo) {
	s.BN, s.Device = r.BN, r.Device
	if r.BNImages > 0 {
		s.BNImages = r.BNImages
	}
}

// Work implements [Task]: the result is [Sampled], of a shard [Sharded]; while it
// runs [evaluation.Samples].
func (s *Sampling) Work(ctx context.Context, j *job.Job) (any, error) {
	s.begin(j)
	file, pickled := s.file()
	if file == "" {
		return nil, requestf("sample needs --out, the file of the samples")
	}
	shard, err := s.shard(s.Shard)
	if err != nil {
		return nil, err
	}
	if shard != nil && pickled {
		return nil, requestf("--out %s: a shard is JSON lines: expected a name in .jsonl; records merge makes one file of the shards", s.Out)
	}
	o := evaluation.SampleOptions{Num: s.Num, Seed: s.Seed, LUT: s.LUT, File: shardFile(file, shard), Shard: shard}
	out := s.inRun(s.Out, samplesFile)
	recorded, began, err := evaluation.Recorded(o.File, model.SamplesFormat)
	if err != nil {
		return nil, err
	}
	if began {
		if !s.Given["seed"] {
			o.Seed = recorded.Seed
		}
		if !s.Given["lut"] {
			o.LUT = recorded.LUT
		}
	}
	j.Progress(0, 0, 0, "reading the supernet and the images")
	e, err := s.open(ctx, "sample", recorded)
	if err != nil {
		return nil, err
	}
	if o.Table, err = s.table(e.Space, o.LUT, s.Given["lut"]); err != nil {
		return nil, err
	}
	samples, err := e.Sample(ctx, o, j)
	if err != nil {
		return nil, s.otherRecords(err)
	}
	if s.follows() {
		return nil, nil
	}
	if shard != nil {
		return newSharded(shard, o.File, len(samples), o.Num, e.Images.Len(), e), nil
	}
	if pickled {
		data, err := model.EncodeSamples(e.Space, samples)
		if err = save(out, data, err); err != nil {
			return nil, err
		}
	}
	return Sampled{samples, e.Space, out, e.Images.Len(), e.Images.Name, e.BN(), newImagesReport(e.Images)}, nil
}

// countRecords counts the networks of a records file that has per lines for each.
func countRecords(file, format string, per int) (networks int, info model.EvaluationInfo, err error) {
	info, began, err := evaluation.Recorded(file, format)
	if err != nil || !exists(file) {
		return 0, info, err
	}
	data, err := explore.ReadFile(file)
	if err == nil && !began && len(data) > 0 && data[0] != '{' { // else its first line was cut off
		err = fmt.Errorf("%s: %w", file, evaluation.ErrRecords)
	}
	if err != nil || !began {
		return 0, info, err
	}
	return (bytes.Count(data, []byte("\n")) - 1) / per, info, err
}

// tableFile is the latency table of a pipeline in the run folder, if any.
func tableFile(run string) string {
	if file := filepath.Join(run, TableFile); run != "" && exists(file) {
		return file
	}
	return ""
}
