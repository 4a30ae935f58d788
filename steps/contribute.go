package steps

import (
	"context"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// Contributing is the measurement of the estimator: what every decision
// contributes. From a file nothing is measured.
type Contributing struct {
	Source
	Networks    int    `json:"networks"`
	EachImages  int    `json:"images_per_network"`
	Seed        uint64 `json:"seed"`
	Out         string `json:"out"`     // file of the estimator; "" is estimator.safetensors in the run folder
	Records     string `json:"records"` // file of the measurements; "" is contributions.jsonl in the run folder, or beside the estimator
	Pickle      string `json:"pkl"`
	FromLUT     string `json:"from_lut"`
	SpaceOfFile string `json:"space"`
	// Shard is K/N: the measurements, 256 a network, whose number is K modulo N, into
	// a file of their own; "" is all. No estimator is written, the result is [Sharded]
	// then.
	Shard string `json:"shard"`
}

// Estimator is a measured estimator and the predictor made of it.
type Estimator struct {
	File    string // of the predictor
	LUT     string // latency table of the run, a file; "" where there is none
	Records string // file of the measurements
	From    string // what it is of
	Base    float64
	// Contribution is nil where the estimator is from a file.
	*evaluation.Contribution
	Images int // each network was evaluated on
	ImagesReport
}

// NewContributing is a measurement with the defaults of its parameters.
func NewContributing() *Contributing {
	return &Contributing{Source: newSource(), Networks: 10, EachImages: 1000, Seed: 1, SpaceOfFile: model.MobileNASNet}
}

// Step implements [Task].
func (*Contributing) Step() Step { return Contribute }

const estimatorFile = "estimator.safetensors"

// Values implements [Task].
func (c *Contributing) Values() param.Values {
	return append(param.Table{
		{Key: "networks", Name: "num-samples", Label: "networks", Usage: "random networks for every decision, `N`", Least: 1, Most: 1 << 20},
		{Key: "images_per_network", Label: "images of each", Usage: "images that each random network is evaluated on, `N`", Least: 1, Most: 1 << 20, Rare: true},
		{Key: "seed", Usage: "`SEED` of the networks", Rare: true},
		{Key: "out", Label: "estimator file", Usage: "estimator to write, a `FILE`", Zero: estimatorFile + " in the run folder", Rare: true},
		{Key: "records", Usage: "`FILE` of the measurements", Zero: contributionsFile + " in the run folder, or beside the estimator", Rare: true},
		{Key: "pkl", Label: "as a pickle", Usage: "contributions as BINAS's .pkl, a `FILE` to write", Zero: "not written", Rare: true},
		{Key: "from_lut", Label: "from a file", Usage: "contributions or samples, a `FILE`: BINAS's .pkl or JSON lines", Zero: "measured", Rare: true},
		{Key: "space", Usage: "search `SPACE` of --from-lut where the file does not say it", Choices: []string{model.MobileNASNet, model.MobileNASNetLarge}, Rare: true},
		shardParam("measurements"),
	}, sourceParams("the run's, or 80")...).In(c, &c.Source, &c.Common)
}

// Files are the files that are written: the estimator, and the contributions where
// they are asked for.
func (c *Contributing) Files() (out, pickle string) { return c.inRun(c.Out, estimatorFile), c.Pickle }

func (c *Contributing) records() string {
	if c.Records == "" && c.Run == "" && c.Out != "" {
		return c.Out + ".jsonl"
	}
	return c.inRun(c.Records, contributionsFile)
}

// Plan implements [Task].
func (c *Contributing) Plan() (Plan, error) {
	d := Clone(c)
	plan, err := d.plan(d)
	if err != nil {
		return plan, err
	}
	space, err := model.NewSpace(model.MobileNASNet, 32) // decisions depend on no size
	if err != nil {
		return plan, err
	}
	if plan.Have, plan.Recorded, err = countRecords(d.records(), model.ContributionsFormat, len(space.Decisions())); plan.Have > 0 {
		d.recorded(plan.Recorded)
		d.Seed, d.EachImages, plan.Kept = plan.Recorded.Seed, plan.Recorded.Images, keptOfRecords
	}
	return plan, err
}

// Work implements [Task]: the result is an [Estimator], of a shard [Sharded]; while
// it runs an *[evaluation.Contribution].
func (c *Contributing) Work(ctx context.Context, j *job.Job) (any, error) {
	c.begin(j)
	shard, err := c.shard(c.Shard)
	if err != nil {
		return nil, err
	}
	out, _ := c.Files()
	switch {
	case shard == nil:
	case c.FromLUT != "":
		return nil, requestf("--shard and --from-lut: expected one of them")
	case c.Out != "" || c.Pickle != "":
		return nil, requestf("--shard measures and writes no estimator: expected --records, the file of the measurements, in place of --out and --pkl")
	case c.records() == "":
		return nil, requestf("contribute --shard needs --records, the file of the measurements, or --run")
	}
	if out == "" && shard == nil {
		return nil, requestf("contribute needs --out, the file of the estimator")
	}
	if err := c.apart(c, "out", out, PredictorFile, c.FromLUT, c.Checkpoint); err != nil {
		return nil, err
	}
	if err := c.apart(c, "pkl", c.Pickle, pickleFile, c.FromLUT, c.Checkpoint, out); err != nil {
		return nil, err
	}
	if c.FromLUT != "" {
		return c.fromFile(out)
	}
	o := evaluation.ContributeOptions{Networks: c.Networks, Images: c.EachImages, Seed: c.Seed, File: shardFile(c.records(), shard), Shard: shard}
	recorded, began, err := evaluation.Recorded(o.File, model.ContributionsFormat)
	if err != nil {
		return nil, err
	}
	if began && !c.Given["seed"] {
		o.Seed = recorded.Seed
	}
	if began && !c.Given["images_per_network"] {
		o.Images = recorded.Images
	}
	j.Progress(0, 0, 0, "reading the supernet and the images")
	e, err := c.open(ctx, "contribute", recorded)
	if err != nil {
		return nil, err
	}
	measured, err := e.Contribute(ctx, o, j)
	if err != nil {
		return nil, c.otherRecords(err)
	}
	if c.follows() {
		return nil, nil
	}
	images := min(o.Images, e.Images.Len())
	if shard != nil {
		return newSharded(shard, o.File, measured.Measurements, o.Networks, images, e), nil
	}
	from := fmt.Sprintf("%d decisions pinned in %d networks on %d images each of %s", len(e.Space.Decisions())-1, measured.Networks, images, e.Images.Name)
	r := Estimator{File: out, LUT: tableFile(c.Run), Records: o.File, From: from, Contribution: measured, Images: images, ImagesReport: newImagesReport(e.Images)}
	return c.write(e.Space, &measured.Contributions, measured.Networks, r)
}

// fromFile builds the estimator from a file.
func (c *Contributing) fromFile(out string) (any, error) {
	if c.ranks().Size() > 1 {
		return nil, requestf("--from-lut measures nothing: start it as one process")
	}
	if c.Run != "" && !c.Forms || c.Checkpoint != "" {
		return nil, requestf("--from-lut and --run or --checkpoint: expected one of them")
	}
	data, err := safefile.Read(c.FromLUT, 64<<20)
	if err != nil {
		return nil, err
	}
	space, contributions, from, err := evaluation.DecodeEstimator(data, c.SpaceOfFile)
	if err != nil {
		return nil, requestf("%s: %w", c.FromLUT, err)
	}
	if err := c.ready(); err != nil {
		return nil, err
	}
	return c.write(space, contributions, 0, Estimator{File: out, From: from})
}

func (c *Contributing) write(s *model.Space, contributions *model.Contributions, networks int, r Estimator) (any, error) {
	info := model.CheckpointInfo{Space: s.Name, Source: "estimator of contributions: " + r.From, Samples: networks * len(s.Decisions())}
	r.Base = contributions.Base
	data, err := model.EncodePredictor(contributions.Estimator(s), info)
	if err = save(r.File, data, err); err != nil || c.Pickle == "" {
		return r, err
	}
	data, err = model.EncodeContributions(s, contributions)
	return r, save(c.Pickle, data, err)
}

// MedianSpread is the standard error of an option's contribution, median, in points;
// NaN where the estimator is from a file.
func (e Estimator) MedianSpread() float64 {
	if e.Contribution == nil {
		return math.NaN()
	}
	return e.Contribution.MedianSpread()
}
