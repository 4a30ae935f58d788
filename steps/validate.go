package steps

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Validating is the evaluation of one network on images that no decision was made
// with.
type Validating struct {
	Source
	Arch        string `json:"arch"`        // "" is that of the weights
	Predictions string `json:"predictions"` // file to write; "" is none

	tuned string // where a pipeline has fine-tuned it: the accuracy is noted with the pipeline's then; else ""
}

// Validated is a network that was evaluated.
type Validated struct {
	evaluation.Validation
	Accuracy   Accuracy // Architecture is "" where it is not known
	Checkpoint string   // file of the weights
	ImagesReport
}

// PredictionsInfo is the first line of a file of predictions: what they are of.
type PredictionsInfo struct {
	Format      string   `json:"format"`
	Version     int      `json:"version"`
	Checkpoint  string   `json:"checkpoint"`
	Data        string   `json:"data"`
	Fingerprint string   `json:"data_fingerprint"`
	ImageSize   int      `json:"image_size"`
	ClassNames  []string `json:"class_names"`
}

const predictionsFormat = "binas-tui-predictions"

// NewValidating is a validation with the defaults of its parameters.
func NewValidating() *Validating { return &Validating{Source: newSource()} }

// Step implements [Task].
func (*Validating) Step() Step { return Validate }

// Values implements [Task].
func (v *Validating) Values() param.Values {
	own := param.Table{
		{Key: "arch", Usage: "`ARCH` to evaluate", NoForm: archParam.NoForm},
		{Key: "predictions", Usage: "`FILE` to write every image's label, top-5 and logits to, as JSON lines", Zero: "none", Rare: true},
	}
	return append(own, sourceParams("100")...).In(v, &v.Source, &v.Common)
}

// Plan implements [Task].
func (v *Validating) Plan() (plan Plan, err error) {
	c := Clone(v)
	plan.Task = c
	if plan.Data, err = runData(v.Run); err == nil {
		_, _, err = c.network()
	}
	return plan, err
}

// network finds the weights of the network in a run: those of its own where it was
// fine-tuned, else those that it has in the supernet.
func (v *Validating) network() (o *origin, stage training.Stage, err error) {
	stage = training.OneShot
	if v.Checkpoint != "" || v.Run == "" {
		o, err = v.origin("validate", stage)
		return o, stage, err
	}
	r, err := training.ReadRun(v.Run)
	if err != nil {
		return nil, stage, requestError{err}
	}
	if _, tuned := r.Stages[training.FineTune]; tuned {
		stage = training.FineTune
	} else if v.Arch == "" {
		return nil, stage, requestf("validate needs --arch: the run has no network that was fine-tuned")
	} else if folder := v.tunedFolder(); exists(training.Run{Folder: folder}.Weights(training.FineTune)) { // it may not have finished an epoch yet
		if o, err := runOrigin(folder, training.FineTune); err == nil {
			v.note("weights of %s: the network was fine-tuned", folder)
			return o, training.FineTune, nil
		}
	}
	o, err = v.origin("validate", stage)
	return o, stage, err
}

// tunedFolder is where the network was fine-tuned: by FineTune, or else by a
// pipeline.
func (v *Validating) tunedFolder() string {
	folder := cmp.Or(v.tuned, tunedFolder(v.Run, v.Arch))
	if exists(folder) {
		return folder
	}
	chosen, _ := ReadNetworks(v.Run) // none where it has not come so far
	for _, n := range chosen.List {
		if n.Architecture == v.Arch {
			return n.Folder(v.Run)
		}
	}
	return folder
}

// Work implements [Task]: the result is a [Validated].
func (v *Validating) Work(ctx context.Context, j *job.Job) (any, error) {
	v.begin(j)
	if !onnx.CanRun() { // before anything is read
		return nil, onnx.ErrNoCgo
	}
	o, stage, err := v.network()
	if err != nil {
		return nil, err
	}
	src, err := v.complete(o, stage)
	if err != nil {
		return nil, err
	}
	if v.Predictions != "" {
		if err := v.apart(v, "predictions", v.inRun(v.Predictions, ""), predictionsFile, src.Checkpoint); err != nil {
			return nil, err
		}
	}
	if !v.Given["train_percent"] { // the network is judged on images that no decision was made with
		src.TrainPercent = 100
	}
	arch, err := v.Common.network(v.Arch)
	if err != nil {
		return nil, err
	}
	if arch, err = o.arch(arch); err != nil {
		return nil, err
	}
	n, images, err := evaluation.OpenNetwork(ctx, arch, src)
	if err != nil {
		return nil, v.sourceError(err)
	}
	defer n.Close()
	if o.ranges != nil || stage == training.FineTune && o.known != nil && o.known.Quantize != "" {
		v.note("evaluated in floats: the weights were fine-tuned for int8; export with precision int8 says what the network reaches in integers")
	}
	v.noteData(images.Set())
	v.noteChoice(src.Checkpoint, n.Choice)
	v.noteAssumed(o, src, images)
	if err := v.ready(); err != nil {
		return nil, err
	}
	result, err := v.validate(ctx, n, images, src.Checkpoint, j)
	if err != nil {
		return nil, err
	}
	if v.follows() {
		return nil, nil
	}
	out := Validated{Validation: result, Checkpoint: src.Checkpoint, ImagesReport: newImagesReport(images)}
	out.Accuracy = Accuracy{Weights: OwnWeights, Top1: result.Top1, Images: result.Images, Data: result.Data, Fingerprint: images.Fingerprint, Run: v.Run}
	if stage == training.OneShot {
		out.Accuracy.Weights = SupernetWeights
	}
	if arch != nil {
		out.Accuracy.Architecture = arch.String()
	}
	if v.Run == "" || v.tuned != "" {
		return out, nil
	}
	out.Accuracy = v.noteAccuracy(out.Accuracy)
	return out, nil
}

// validate evaluates the network, and writes its predictions where that was asked for.
func (v *Validating) validate(ctx context.Context, n *evaluation.Network, images *evaluation.Images, checkpoint string, j *job.Job) (result evaluation.Validation, err error) {
	switch {
	case v.Predictions == "":
		return evaluation.Validate(ctx, n, images, v.Threads, j, nil)
	case v.follows(): // rank 0 writes
		return evaluation.Validate(ctx, n, images, v.Threads, j, func(evaluation.Prediction) error { return nil })
	}
	var failed error // else it would be one of writing
	written := safefile.Replace(v.inRun(v.Predictions, ""), false, func(w io.Writer) error {
		lines := json.NewEncoder(w)
		lines.SetEscapeHTML(false)
		err := lines.Encode(PredictionsInfo{
			predictionsFormat, 1, filepath.Base(checkpoint), images.Name, images.Fingerprint, n.ImageSize(), images.Set().ClassNames,
		})
		if err != nil {
			return err
		}
		var writing error
		result, err = evaluation.Validate(ctx, n, images, v.Threads, j, func(p evaluation.Prediction) error {
			writing = lines.Encode(p)
			return writing
		})
		if writing != nil {
			return writing
		}
		failed = err
		return err
	})
	return result, cmp.Or(failed, written)
}
