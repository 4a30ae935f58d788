package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Source is the weights that a step evaluates and the images it does so on: those
// of a run, or a checkpoint.
type Source struct {
	Common
	Checkpoint   string `json:"checkpoint"`
	ImageSize    int    `json:"image_size"`
	TrainPercent int    `json:"train_percent"`
	SplitSeed    uint64 `json:"split_seed"`
	Images       int    `json:"images"`
	BN           string `json:"bn"`
	BNImages     int    `json:"bn_images"`
}

func newSource() Source {
	return Source{Common: Common{ClassOrder: dataset.NaturalOrder, Unreadable: 1}, SplitSeed: 1, BN: evaluation.Running, BNImages: evaluation.DefaultBNImages}
}

// sourceParams are the parameters of a source; share is the default of the share
// that was trained on.
func sourceParams(share string) param.Table {
	return param.Table{
		{Key: "run", Label: "run folder", Usage: "run `FOLDER` of train: its weights, data, image size, class order and split"},
		dataParam,
		{Key: "checkpoint", Usage: "weights, a `FILE`: safetensors or BINAS's .pth", Zero: "those of the run", Rare: true},
		ClassOrderParam.Seldom(),
		{Key: "image_size", Usage: "side of the images in `PIXELS`", Unit: "px", Zero: "that of the run or the checkpoint, else the data's", Least: 16, Most: dataset.MaxSize, Rare: true},
		{Key: "train_percent", Label: "train share", Usage: "`PERCENT` of the training images that was trained on; evaluated is the rest, with 100 the validation part", Unit: "%", Zero: share, Least: 1, Most: 100, Rare: true},
		{Key: "split_seed", Usage: "`SEED` that --train-percent picks images with", Rare: true},
		{Key: "images", Usage: "images to evaluate on, `N`", Zero: "all", Least: 1, Most: 1 << 30, Rare: true},
		{Key: "bn", Label: "statistics", Usage: "statistics of batch normalisation, by `KIND`: running, the supernet's, or recalibrated for each network", Choices: []string{evaluation.Running, evaluation.Recalibrated}, Rare: true},
		{Key: "bn_images", Label: "images for them", Usage: "training images that --bn recalibrated uses, `N`", Least: 100, Most: 1 << 24, Rare: true},
		threadsParam("threads, `N`", "one for each processor").Seldom(),
		badParam, DeviceParam, LibraryParam,
	}
}

// origin is what is known of the weights of a stage of the run, or of the
// checkpoint.
func (s *Source) origin(command string, stage training.Stage) (*origin, error) {
	if (s.Run == "") == (s.Checkpoint == "") {
		return nil, requestf("%s needs --run, the folder of a training run, or --checkpoint, its weights", command)
	}
	return s.weights(s.Checkpoint, stage)
}

// complete is the source with what was not given as the weights have it.
func (s *Source) complete(o *origin, stage training.Stage) (evaluation.Source, error) {
	src := evaluation.Source{
		Checkpoint: s.Checkpoint, ClassOrder: s.ClassOrder, ImageSize: s.ImageSize, TrainPercent: s.TrainPercent, SplitSeed: s.SplitSeed,
		Images: s.Images, BN: s.BN, BNImages: s.BNImages, Threads: s.Threads, Library: s.Library, Run: s.Run, Trained: o.data, MaxUnreadable: s.unreadable(), Ranks: s.ranks(),
		Accept: func(data dataset.Identity) error { return s.suits(o, data) },
	}
	if o.run != nil {
		src.Checkpoint, src.Run = o.run.Weights(stage), cmp.Or(s.Run, o.run.Folder)
	}
	if s.follows() {
		src.Run = ""
	}
	data, err := s.dataOf(o)
	if err == nil {
		src.Device, err = s.device()
	}
	if err != nil {
		return src, err
	}
	src.Data = explore.DataSetPath(data)
	if !s.Given["class_order"] && o.order != "" {
		src.ClassOrder = o.order
	}
	if src.Crop = o.crop; o.known == nil {
		return src, nil
	}
	switch {
	case !s.Given["image_size"]:
		src.ImageSize = o.known.ImageSize
	case s.ImageSize != o.known.ImageSize:
		s.note("%s was trained at %d pixels: it is evaluated at %d", o.name, o.known.ImageSize, s.ImageSize)
	}
	if o.whole && !s.Given["train_percent"] {
		src.TrainPercent = o.known.TrainPercent
	}
	if o.whole && !s.Given["split_seed"] {
		src.SplitSeed = o.known.SplitSeed
	}
	return src, nil
}

// noteAssumed says what was assumed about weights that do not say how they were
// trained, or not all of it, and where images that networks are judged on were
// trained on, once the images are there.
func (s *Source) noteAssumed(o *origin, src evaluation.Source, images *evaluation.Images) {
	var assumed []string
	if o.known == nil && !o.model && !s.Given["image_size"] {
		assumed = append(assumed, fmt.Sprintf("images of %d pixels, as the data set has them,", images.Size))
	}
	if !o.whole && src.TrainPercent != 100 && !s.Given["train_percent"] {
		assumed = append(assumed, fmt.Sprintf("training on %d%% of the training images, of seed %d,", evaluation.DefaultTrainPercent, src.SplitSeed))
	}
	if o.data == nil && o.run == nil {
		assumed = append(assumed, "the classes and the normalisation of the data set")
	}
	if len(assumed) > 0 {
		s.note("%s does not say all of how it was trained: assumed are %s", o.name, strings.TrimSuffix(strings.Join(assumed, " "), ","))
	}
	if o.known == nil || !o.whole || src.TrainPercent == 100 || src.TrainPercent == o.known.TrainPercent && src.SplitSeed == o.known.SplitSeed {
		return
	}
	s.note("%s was trained on %d%% of the training images, of seed %d: some of those that are held out with %d%% and seed %d are among them",
		o.name, o.known.TrainPercent, o.known.SplitSeed, src.TrainPercent, src.SplitSeed)
}

// open reads the supernet and its images. What was not given is as records that
// were begun have it, else as the pipeline of the folder.
func (s *Source) open(ctx context.Context, command string, recorded model.EvaluationInfo) (*evaluation.Evaluator, error) {
	o, err := s.origin(command, training.OneShot)
	if err != nil {
		return nil, err
	}
	src, err := s.complete(o, training.OneShot)
	if err != nil {
		return nil, err
	}
	p, err := s.pipeline()
	if err != nil {
		return nil, err
	}
	if src.Images = p.SampleImages; recorded.Format == model.SamplesFormat {
		src.Images = recorded.Images
	}
	if s.Given["images"] {
		src.Images = s.Images
	}
	if !s.Given["device"] && recorded.Device != "" {
		if src.Device, err = onnx.ParseTarget(recorded.Device); err != nil {
			return nil, requestError{err}
		}
	}
	if bn := cmp.Or(recorded.BN, p.BN); bn != "" && !s.Given["bn"] {
		src.BN, src.BNImages = bn, cmp.Or(recorded.BNImages, src.BNImages)
	}
	e, err := evaluation.Open(ctx, src)
	if err != nil {
		return nil, s.sourceError(err)
	}
	s.noteData(e.Images.Set())
	s.noteChoice(src.Checkpoint, e.Choice)
	s.noteAssumed(o, src, e.Images)
	if e.Calibration != nil && src.Device.Kind() != onnx.CPU {
		s.note("statistics are recalibrated on the processor; networks are evaluated on %s", src.Device)
	}
	return e, s.ready()
}

// pipeline is the settings of the pipeline whose folder the run is; none where it
// is no pipeline's.
func (s *Source) pipeline() (p PipelineSettings, err error) {
	if s.Run != "" {
		if p, err = ReadPipeline(s.Run); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	return p, err
}

// sourceError marks what the user can mend as wrong input.
func (s *Source) sourceError(err error) error {
	switch {
	case s.Run != "" && errors.Is(err, fs.ErrNotExist):
		return requestf("%w: is the data of the run there%s, and were its weights written yet?", err, s.orName(" (--data)"))
	case errors.Is(err, onnx.ErrNoTensor), errors.Is(err, onnx.ErrTensorShape), errors.Is(err, supernet.ErrExtraTensor), errors.Is(err, fs.ErrNotExist),
		errors.Is(err, evaluation.ErrNetwork):
		return requestError{err}
	}
	return err
}

// inRun is a file of the run folder where it is not named: what is a plain name is
// one of the run folder too.
func (c *Common) inRun(file, otherwise string) string {
	switch {
	case file == "" && c.Run != "":
		return filepath.Join(c.Run, otherwise)
	case c.Forms && file == filepath.Base(file):
		return filepath.Join(c.Run, file)
	}
	return file
}

// table is a latency table laid out for a space: that of the run's pipeline, else
// the one named; nil where there is none.
func (c *Common) table(space *model.Space, name string, given bool) (*latency.Table, error) {
	if file := tableFile(c.Run); file != "" && !given {
		name = file
	}
	if name == "" {
		return nil, nil
	}
	lut, err := explore.LoadLUT(name)
	if err != nil {
		return nil, err
	}
	return lut.Table(space)
}

// ImagesReport is what reports say of the images that networks were evaluated on.
type ImagesReport struct {
	ClassOrder   dataset.ClassOrder `json:"class_order,omitempty"` // of folders of images
	OrderMatters bool               `json:"class_orders_differ"`   // the other order numbers classes otherwise
	LeftOut      []dataset.LeftOut  `json:"left_out,omitempty"`
	// Absent where images are in memory.
	Unreadable *dataset.Unreadable `json:"unreadable,omitempty"`
}

func newImagesReport(images *evaluation.Images) ImagesReport {
	s := images.Set()
	return ImagesReport{s.ClassOrder, s.OrderMatters(), s.LeftOut(), UnreadableOf(s)}
}

// UnreadableOf are the images that could not be read so far, nil where they are
// in memory.
func UnreadableOf(s *dataset.Set) *dataset.Unreadable {
	if s == nil || s.InMemory() {
		return nil
	}
	return new(s.Unreadable())
}

// otherRecords says what to do about records that cannot be resumed, such as those
// of a supernet that was trained on since.
func (c *Common) otherRecords(err error) error {
	if c.Forms && errors.Is(err, evaluation.ErrRecords) {
		return fmt.Errorf("%w: move the file away, or name another", err)
	}
	return err
}
