package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// evaluating is the flags of every command that evaluates networks.
type evaluating struct {
	run string
	src evaluation.Source
}

func (v *evaluating) addFlags(cmd *cobra.Command, trainPercent string) {
	f := cmd.Flags()
	f.StringVar(&v.run, "run", "", "run `FOLDER` of train: its weights, data, image size, class order and split")
	f.StringVar(&v.src.Checkpoint, "checkpoint", "", "weights, a `FILE`: safetensors or BINAS's .pth")
	f.StringVar(&v.src.Data, "data", "", "data set, a `FOLDER|NAME` (default: that of the run)")
	addClassOrder(cmd, &v.src.ClassOrder)
	f.IntVar(&v.src.ImageSize, "image-size", 0, "side of the images in `PIXELS` (default: that of the run or the checkpoint, else the data's)")
	f.IntVar(&v.src.TrainPercent, "train-percent", 0, "`PERCENT` of the training images that was trained on; evaluated is the rest, with 100 the validation part (default: "+trainPercent+")")
	f.Uint64Var(&v.src.SplitSeed, "split-seed", 1, "`SEED` that --train-percent picks images with")
	f.IntVar(&v.src.Images, "images", 0, "images to evaluate on, `N` (default: all)")
	f.StringVar(&v.src.BN, "bn", evaluation.Running, "statistics of batch normalisation, by `KIND`: running, the supernet's, or recalibrated for each network")
	f.IntVar(&v.src.BNImages, "bn-images", evaluation.DefaultBNImages, "training images that --bn recalibrated uses, `N`")
	f.IntVar(&v.src.Threads, "threads", 0, "threads, `N` (default: one for each processor)")
	addLibrary(cmd, &v.src.Library)
}

// check refuses flags that nothing can be evaluated with.
func (v *evaluating) check(cmd *cobra.Command) error {
	if (v.run == "") == (v.src.Checkpoint == "") {
		return usagef("%s needs --run, the folder of a training run, or --checkpoint, its weights", cmd.Name())
	}
	if v.src.BN != evaluation.Running && v.src.BN != evaluation.Recalibrated {
		return usagef("--bn %q: expected %s or %s", v.src.BN, evaluation.Running, evaluation.Recalibrated)
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{
		{"image-size", v.src.ImageSize, 16, dataset.MaxSize}, {"train-percent", v.src.TrainPercent, 1, 100}, {"images", v.src.Images, 1, 1 << 30},
		{"bn-images", v.src.BNImages, 100, 1 << 24}, {"threads", v.src.Threads, 1, maxThreads},
	} {
		if err := checkCount(cmd, n.name, n.value, n.least, n.most); err != nil {
			return err
		}
	}
	return nil
}

// resolve fills what flags leave open from the run, of which the given stage is
// evaluated, or from the checkpoint, and finds the data set.
func (v *evaluating) resolve(a *app, cmd *cobra.Command, stage training.Stage) (*origin, error) {
	var (
		o   *origin
		err error
	)
	if v.run != "" {
		o, err = runOrigin(v.run, stage)
	} else {
		o, err = checkpointOrigin(v.src.Checkpoint)
	}
	if err != nil {
		return nil, err
	}
	if o.run != nil {
		v.src.Checkpoint = o.run.Weights(stage)
	}
	if v.src.Data == "" {
		if v.src.Data, err = o.dataFolder(); err != nil {
			return o, err
		}
	}
	if v.src.Data == "" {
		return o, usagef("%s needs --data, the data set", cmd.Name())
	}
	v.src.Data = explore.DataSetPath(v.src.Data)
	v.take(a, cmd, o)
	v.src.Run = v.run
	v.src.Accept = func(data dataset.Identity) error { return a.suits(o, data) }
	return o, openRuntime(v.src.Library)
}

// take takes what flags leave open from what is known of the weights, and says
// where those say otherwise.
func (v *evaluating) take(a *app, cmd *cobra.Command, o *origin) {
	changed := cmd.Flags().Changed
	if !changed("class-order") && o.order != "" {
		v.src.ClassOrder = o.order
	}
	v.src.Trained = o.data
	if o.known == nil {
		return
	}
	switch {
	case !changed("image-size"):
		v.src.ImageSize, v.src.Crop = o.known.ImageSize, o.crop
	case v.src.ImageSize != o.known.ImageSize:
		a.note(fmt.Sprintf("%s was trained at %d pixels: it is evaluated at %d", o.name, o.known.ImageSize, v.src.ImageSize))
	}
	if !o.whole {
		return
	}
	if !changed("train-percent") {
		v.src.TrainPercent = o.known.TrainPercent
	}
	if !changed("split-seed") {
		v.src.SplitSeed = o.known.SplitSeed
	}
}

// noteAssumed says what was assumed about weights that do not say how they were
// trained, or not all of it, once the images are there.
func (v *evaluating) noteAssumed(a *app, cmd *cobra.Command, o *origin, images *evaluation.Images) {
	changed := cmd.Flags().Changed
	var assumed []string
	if o.known == nil && !o.model && !changed("image-size") {
		assumed = append(assumed, fmt.Sprintf("images of %d pixels, as the data set has them,", images.Size))
	}
	if !o.whole && v.src.TrainPercent != 100 && !changed("train-percent") {
		assumed = append(assumed, fmt.Sprintf("training on %d%% of the training images, of seed %d,", evaluation.DefaultTrainPercent, v.src.SplitSeed))
	}
	if o.data == nil && o.run == nil {
		assumed = append(assumed, "the classes and the normalisation of the data set")
	}
	if len(assumed) > 0 {
		a.note(fmt.Sprintf("%s does not say all of how it was trained: assumed are %s", o.name, strings.TrimSuffix(strings.Join(assumed, " "), ",")))
	}
}

// noteTrainedOn says where images that networks are judged on were trained on.
func (v *evaluating) noteTrainedOn(a *app, o *origin) {
	if o.known == nil || !o.whole || v.src.TrainPercent == 100 || v.src.TrainPercent == o.known.TrainPercent && v.src.SplitSeed == o.known.SplitSeed {
		return
	}
	a.note(fmt.Sprintf("%s was trained on %d%% of the training images, of seed %d: some of those that are held out with %d%% and seed %d are among them",
		o.name, o.known.TrainPercent, o.known.SplitSeed, v.src.TrainPercent, v.src.SplitSeed))
}

// open reads the supernet and its images.
func (v *evaluating) open(a *app, cmd *cobra.Command) (*evaluation.Evaluator, error) {
	if err := v.check(cmd); err != nil {
		return nil, err
	}
	o, err := v.resolve(a, cmd, training.OneShot)
	if err != nil {
		return nil, err
	}
	e, err := evaluation.Open(cmd.Context(), v.src)
	if err != nil {
		return nil, v.sourceError(err)
	}
	a.noteData(e.Images.Set())
	a.noteChoice(v.src.Checkpoint, e.Choice)
	v.noteAssumed(a, cmd, o, e.Images)
	v.noteTrainedOn(a, o)
	a.sayNotes()
	return e, nil
}

// sourceError marks what the user can mend as wrong input.
func (v *evaluating) sourceError(err error) error {
	switch {
	case v.run != "" && errors.Is(err, fs.ErrNotExist):
		return usageError{fmt.Errorf("%w: is the data of the run there (--data), and were its weights written yet?", err)}
	case errors.Is(err, onnx.ErrNoTensor), errors.Is(err, onnx.ErrTensorShape), errors.Is(err, supernet.ErrExtraTensor), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, evaluation.ErrNetwork):
		return usageError{err}
	}
	return err
}

// inRun is a file of the run folder, or "" without one.
func (v *evaluating) inRun(name string) string {
	if v.run == "" {
		return ""
	}
	return filepath.Join(v.run, name)
}

// lutTable is a latency table laid out for a space; nil where none is named.
func lutTable(s *model.Space, nameOrFile string) (table *latency.Table, err error) {
	if nameOrFile == "" {
		return nil, nil
	}
	lut, err := explore.LoadLUT(nameOrFile)
	if err != nil {
		return nil, err
	}
	return lut.Table(s)
}
