package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Training is a stage of training: Heaviest, OneShot or FineTune. Heaviest and
// OneShot train in the run folder; FineTune trains a network of the run, or of a
// checkpoint, in a folder of its own.
type Training struct {
	Common
	// Settings are those asked for: what was not given is as the run has it, or as
	// the preset.
	Settings        training.Settings
	Out             string        `json:"out"`        // of FineTune; "" is a folder in the run
	Checkpoint      string        `json:"checkpoint"` // of the supernet, in place of the run
	Teacher         string        `json:"teacher"`
	Workers         int           `json:"workers"`
	CheckpointEvery time.Duration `json:"checkpoint_every"`
	StallAfter      time.Duration `json:"stall_after"`

	Metric    func(training.Metric) // told every line of metrics; may be nil
	Estimated func(Estimate)        // told what it will take, before the first step; may be nil

	train, val *dataset.Set // where they are open already
	status     string       // before what the training does
}

// Trained is a training that came to its end.
type Trained struct {
	training.Progress
	Weights string // file
	// Images that could not be read; nil where they are in memory.
	TrainUnreadable, HeldOutUnreadable *dataset.Unreadable
	Accuracy                           Accuracy // of FineTune on held-out images; Images is 0 where there are none
}

// NewTraining is a training with the defaults of its parameters. The stage may be
// chosen later: the parameters are those of Heaviest and OneShot then.
func NewTraining(stage training.Stage) *Training {
	t := &Training{Settings: training.Settings{Stage: stage, Space: model.MobileNASNet}, CheckpointEvery: time.Minute, StallAfter: 10 * time.Minute}
	t.ClassOrder, t.Threads, t.Unreadable = dataset.NaturalOrder, 2, 1
	return t
}

// Step implements [Task].
func (t *Training) Step() Step { return Step(t.Settings.Stage) }

// presetParam is the parameter of a training that others have their defaults of.
var presetParam = param.Param{
	Key: "preset", Usage: "settings to start from, by `NAME`", Choices: training.Presets,
	Zero: "that of the run whose weights are trained on, else auto",
}

// Values implements [Task].
func (t *Training) Values() param.Values {
	const folder = "run `FOLDER`; an existing run is resumed"
	stages := []training.Stage{t.Settings.Stage}
	if t.Settings.Stage == "" {
		stages = []training.Stage{training.Heaviest, training.OneShot}
	}
	table := param.Table{{Key: "run", Name: "out", Label: "run folder", Usage: folder + " (required)"}}
	if t.Settings.Stage != training.OneShot {
		table = append(table, param.Param{Key: "checkpoint", Usage: "heaviest: weights of a network to begin with, as far as they cover the heaviest, a `FILE`", Zero: "none: random weights", Rare: true})
	}
	if t.Settings.Stage == training.FineTune {
		table = param.Table{
			{Key: "run", Label: "run folder", Usage: "run `FOLDER` of the supernet"},
			{Key: "arch", Usage: "`ARCH` to train (required, unless the checkpoint says it)", NoForm: archParam.NoForm},
			{Key: "checkpoint", Usage: "weights to begin with, of a supernet or of the network itself, a `FILE`; the data may have other classes", Zero: "the supernet of the run", Rare: true},
			{Key: "out", Label: "trained in", Usage: folder, Zero: "finetune/NETWORK in the run", Rare: true},
		}
	}
	table = append(append(table, dataParam, presetParam), training.Params(stages...)...)
	table = append(table,
		ClassOrderParam,
		threadsParam("threads of ONNX Runtime, `N`", ""),
		spaceParam,
		param.Param{Key: "image_size", Usage: "side of the images in `PIXELS`", Unit: "px", Zero: "that of the run or the checkpoint, else the data's, 224 for folders of images", Least: 16, Most: model.MaxImageSize, Rare: true},
		param.Param{Key: "classes", Usage: "classes that the data must have, `N`", Zero: "as many as there are", Least: 2, Most: 1 << 20, Rare: true},
		param.Param{Key: "teacher", Usage: "weights of the heaviest network, a `FILE`", Zero: "the run's", Rare: true},
		param.Param{Key: "workers", Usage: "goroutines that prepare images, `N`", Zero: "one for each processor", Least: 1, Most: onnx.MaxThreads, Free: true, Rare: true},
		param.Param{Key: "checkpoint_every", Usage: "`TIME` from one checkpoint to the next", Least: 1, Free: true, Rare: true},
		param.Param{Key: "stall_after", Usage: "`TIME` that a rank of mpirun or srun may not answer before the training ends, to be resumed", Least: 1, Free: true, Rare: true},
		badParam, trainDeviceParam, LibraryParam,
	)
	return table.In(t, &t.Common, &t.Settings)
}

// trainDeviceParam is the device of steps that train.
var trainDeviceParam = param.Param{Key: "device", Usage: "`DEVICE` that networks are trained and evaluated on: cpu, or cuda (cuda:1 is the second card)", Valid: validDevice, Zero: "cpu", Free: true, Rare: true}

// trains is the device where it can train: the processor or a card of CUDA.
func (c *Common) trains() (onnx.Target, error) {
	device, err := c.device()
	switch kind := device.Kind(); {
	case err != nil || kind == onnx.CPU:
	case kind != onnx.CUDA:
		err = requestf("%s %s: training runs on %s and %s; what is trained can be sampled, validated and measured there", c.called(trainDeviceParam), device, onnx.CPU, onnx.CUDA)
	case c.ranks().Size() > 1:
		err = requestf("%s %s: over several ranks training runs on processors alone", c.called(trainDeviceParam), device)
	}
	return device, err
}

// openTrainer loads the library for the device that trains, and says what that computes
// with where it is not the processor.
func (c *Common) openTrainer() error {
	device, err := c.trains()
	if err == nil {
		_, err = onnx.OpenFor(c.Library, device)
	}
	if err != nil || device.Kind() == onnx.CPU {
		return err
	}
	if err := device.Check(); err != nil {
		return err
	}
	for _, key := range []string{"threads", "training_threads"} {
		if c.Given[key] {
			c.note("--threads is not used: %s trains", device)
		}
	}
	c.note("trained on %s (%s), by graphs of ordinary operators, none of which falls back to the processor, which updates the weights", device, device.Describe())
	return nil
}

// place is where a training trains, and on what.
type place struct {
	folder string
	begun  *training.Settings // of the stage, where it was begun there
	known  *origin            // the run there, else the weights that are trained on; nil where there is neither
	from   *origin            // those weights; nil of Heaviest and OneShot
}

// place looks into the folders. The error says what has to come first.
func (t *Training) place() (p place, err error) {
	if t.Step() == OneShot && t.Checkpoint != "" {
		return p, requestf("--checkpoint: the supernet begins with the heaviest network: --teacher names its weights")
	}
	if t.Step() == FineTune {
		if err := cmp.Or(t.GoOn(), t.ownArch()); err != nil {
			return p, err
		}
		if t.Settings.Arch == "" {
			return p, requestf("finetune needs --arch, the architecture, a string or a file")
		}
		if (t.Run == "") == (t.Checkpoint == "") {
			return p, requestf("finetune needs --run, the run folder of the supernet, or --checkpoint, its file")
		}
		if p.from, err = t.weights(t.Checkpoint, training.OneShot); err != nil {
			return p, err
		}
		p.folder = t.TunedFolder()
	} else {
		p.folder = t.Run
	}
	if p.folder == "" {
		return p, requestf("%s needs --out, the run folder", t.command())
	}
	var here *origin
	if p.begun, here, err = begunIn(p.folder, t.Settings.Stage); err != nil {
		return p, err
	}
	if p.known = p.from; here != nil {
		p.known = here
	}
	if t.Step() == OneShot && t.Teacher == "" {
		if _, err := os.Stat(t.heaviest()); errors.Is(err, fs.ErrNotExist) {
			return p, t.noHeaviest()
		}
	}
	return p, nil
}

func (t *Training) noHeaviest() error {
	return requestf("there is no heaviest network in %s yet: train it first%s", t.Run, t.orName(" with --stage heaviest, or name one with --teacher"))
}

// orName is what to do about it on a command line.
func (c *Common) orName(how string) string {
	if c.Forms {
		return ""
	}
	return how
}

func (t *Training) command() string {
	if t.Step() == FineTune {
		return string(FineTune)
	}
	return "train"
}

// TunedFolder is where FineTune trains the network: each has a folder of its own.
func (t *Training) TunedFolder() string {
	if t.Out != "" || t.Run == "" {
		return t.Out
	}
	folder := tunedFolder(t.Run, t.Settings.Arch)
	if t.Settings.Quantize != "" {
		folder += "-" + string(t.Settings.Quantize)
	}
	return folder
}

func tunedFolder(run, arch string) string { return filepath.Join(run, "finetune", fingerprint(arch)) }

// heaviest is the file of the heaviest network's weights.
func (t *Training) heaviest() string {
	return cmp.Or(t.Teacher, training.Run{Folder: t.Run}.Weights(training.Heaviest))
}

// weights are those of a stage of the run, or of a checkpoint where it is named.
func (c *Common) weights(checkpoint string, stage training.Stage) (*origin, error) {
	if checkpoint != "" {
		return checkpointOrigin(checkpoint)
	}
	return runOrigin(c.Run, stage)
}

// looked is a training part as presets follow from it.
type looked struct {
	training.Shape
	usual int    // side of the images as they are kept; 0 where it is not known
	why   string // its augmentation suits them
}

func lookAt(ctx context.Context, train *dataset.Set) looked {
	d, why := shapeOf(train)
	return looked{d, train.UsualSide(ctx), why}
}

func shapeOf(train *dataset.Set) (d training.Shape, why string) {
	augment, why := train.Suits()
	return training.Shape{ImageSize: train.Size, Classes: train.Classes, Images: train.Len(), Augment: augment, Memory: memory.Total()}, why
}

// seen are the data sets that plans were made for: forms ask again with every value.
var seen sync.Map

// look looks at the data that a plan is made for; ok is false where it is not there
// or cannot be read, which the step itself says.
func (c *Common) look(data string, size int) (l looked, ok bool) {
	folder := explore.DataSetPath(data)
	info, err := os.Stat(folder)
	if data == "" || err != nil {
		return l, false
	}
	key := struct {
		folder  string
		changed time.Time // of the folder itself
		size    int
		order   dataset.ClassOrder
	}{folder, info.ModTime(), size, c.ClassOrder}
	if l, ok := seen.Load(key); ok {
		return l.(looked), true
	}
	train, _, err := dataset.Open(context.Background(), folder, dataset.Options{Size: size, ClassOrder: c.ClassOrder})
	if err != nil {
		return l, false
	}
	l = lookAt(context.Background(), train)
	seen.Store(key, l)
	return l, true
}

// settings are those that the run folder was begun with; else the preset's, with
// what the trainings of the same weights have in common. Where there are none the
// preset is auto. What was given replaces them.
func (t *Training) settings(p place, data string, d training.Shape) (training.Settings, error) {
	var (
		s      training.Settings
		stage  = t.Settings.Stage
		given  = func(key string) bool { return t.Given[key] }
		preset = t.Settings.Preset
	)
	switch {
	case p.begun != nil:
		if s = *p.begun; given("preset") && preset != s.PresetName() {
			return s, requestf("%s %s: stage %s was begun with preset %s", t.called(presetParam), preset, stage, s.PresetName())
		}
	case p.known != nil && p.known.whole:
		like := *p.known.known
		s = like.Follow(training.Preset(cmp.Or(preset, like.PresetName()), stage, d))
	default:
		if s = training.Preset(preset, stage, d); data == dataset.DigitsName {
			s.Augment = "digits"
		}
	}
	own := training.Params(stage)
	own.In(&s).Copy(own.In(&t.Settings), given)
	if given("image_size") {
		s.ImageSize = t.Settings.ImageSize
	}
	if given("classes") {
		s.Classes = t.Settings.Classes
	}
	if p.begun == nil {
		s = s.Adapt(given)
	}
	if s.MicroBatches == 1 {
		s.MicroBatches = 0
	}
	s.Space, s.Arch = t.Settings.Space, t.Settings.Arch
	if p.known != nil && p.known.known != nil && !given("space") {
		s.Space = p.known.known.Space
	}
	return s, nil
}

// Check names the first setting that cannot be trained with.
func (t *Training) Check() error { return t.Settings.Check() }

// unseen is said of the values of a plan for data that is not there.
const unseen = "the data is not there yet: these are the settings for the digits"

// Plan implements [Task].
func (t *Training) Plan() (plan Plan, err error) {
	c := Clone(t)
	plan.Task = c
	if plan.Data, err = runData(t.Run); err != nil {
		return plan, err
	}
	p, err := c.place()
	if err != nil {
		return plan, err
	}
	plan.Begun, plan.Kept = p.begun != nil, map[string]bool{}
	if plan.Begun {
		c.Given = nil
	}
	var d training.Shape
	if data, size := c.Data, c.Settings.ImageSize; !plan.Begun {
		if p.known != nil && p.known.known != nil {
			size = cmp.Or(size, p.known.known.ImageSize)
		}
		l, ok := c.look(cmp.Or(plan.Data, data), size)
		if d = l.Shape; !ok {
			plan.Note = unseen
		}
	}
	if c.Settings, err = c.settings(p, filepath.Base(c.Data), d); err != nil {
		return plan, err
	}
	c.Settings.Preset = c.Settings.PresetName()
	for _, v := range c.Values() {
		shared := t.Step() != Heaviest && (v.Key == "train_percent" || v.Key == "split_seed" || v.Key == "class_order" || v.Key == "image_size" || v.Key == "space")
		plan.Kept[v.Key] = shared || plan.Begun && !v.Free && v.Key != "run" && v.Key != "data" && v.Key != "out"
	}
	return plan, nil
}

// Work implements [Task]: the result is a [Trained], while it runs a
// [training.Progress].
func (t *Training) Work(ctx context.Context, j *job.Job) (any, error) {
	t.begin(j)
	alone := t.train == nil // a pipeline keeps what networks reach elsewhere
	s, o, err := t.prepare(ctx, j)
	if o.Ranks = t.ranks(); err != nil {
		return nil, training.Agree(ctx, s, o, err)
	}
	if alone && t.Ranks == nil {
		j.Progress(0, 0, 0, t.status+"some steps are tried")
		e, err := t.estimate(ctx, s, o)
		if err != nil {
			return nil, err
		}
		if e != nil {
			j.Log(e.String())
			if t.Estimated != nil {
				t.Estimated(*e)
			}
		}
	}
	var (
		latest training.Progress
		begun  bool
	)
	o.Metric, o.Log, o.Wait = t.Metric, j.Log, j.Wait
	o.Progress = func(p training.Progress) {
		if !begun { // nothing else refuses it
			begun = true
			t.ready()
		}
		if p.Last.Step != latest.Last.Step || len(p.Scores) != len(latest.Scores) || p.Doing != latest.Doing {
			j.Partial(p)
		}
		latest = p
		j.Progress(p.Step, p.Steps, p.Left, t.status+p.Status())
	}
	p, err := training.Train(ctx, s, o)
	if err != nil || t.follows() {
		return nil, err
	}
	out := Trained{
		Progress: p, Weights: training.Run{Folder: o.Folder}.Weights(s.Stage),
		TrainUnreadable: UnreadableOf(o.Train), HeldOutUnreadable: UnreadableOf(o.HeldOut),
	}
	if alone && s.Stage == training.FineTune && s.Quantize == "" && t.Run != "" && len(p.Scores) > 0 && p.Scores[0].Images > 0 {
		out.Accuracy = t.noteAccuracy(Accuracy{
			Architecture: s.Arch, Weights: OwnWeights, Top1: p.Scores[0].Top1, Images: p.Scores[0].Images, Data: heldOut(s), Fingerprint: o.Data.Fingerprint,
		})
	}
	return out, nil
}

// heldOut names the images that a training is validated on.
func heldOut(s training.Settings) string {
	if s.TrainPercent < 100 {
		return fmt.Sprintf("%s train, %d%% held out", s.Data, 100-s.TrainPercent)
	}
	return s.Data + " validation"
}

// prepare reads the data and the weights and completes the settings.
func (t *Training) prepare(ctx context.Context, j *job.Job) (s training.Settings, o training.Options, err error) {
	o = training.Options{Threads: t.Threads, Workers: t.Workers, CheckpointEvery: t.CheckpointEvery, StallAfter: t.StallAfter}
	p, err := t.place()
	if err == nil {
		o.Target, err = t.trains()
	}
	if err != nil {
		return s, o, err
	}
	o.Folder = p.folder
	if t.Step() == FineTune {
		o.From = &training.From{Run: t.Run, Checkpoint: t.Checkpoint, Teacher: t.Teacher}
		for _, path := range []*string{&o.From.Run, &o.From.Checkpoint, &o.From.Teacher} {
			if *path != "" {
				if *path, err = filepath.Abs(*path); err != nil {
					return s, o, err
				}
			}
		}
	}
	j.Progress(0, 0, 0, t.status+"reading the data")
	if t.train == nil {
		opened := dataset.Options{Size: t.Settings.ImageSize, Classes: t.Settings.Classes, ClassOrder: t.ClassOrder, MaxUnreadable: t.unreadable()}
		if p.known != nil {
			if !t.Given["class_order"] && p.known.order != "" {
				opened.ClassOrder = p.known.order
			}
			if p.known.known != nil {
				opened.Size = cmp.Or(opened.Size, p.known.known.ImageSize)
			}
		}
		if t.train, t.val, err = t.openData(ctx, p.known, opened); err != nil {
			return s, o, err
		}
	}
	d, why := shapeOf(t.train)
	if s, err = t.settings(p, t.train.Name, d); err != nil {
		return s, o, err
	}
	if p.begun == nil && s.Preset == "auto" {
		t.note("preset auto, for %d images of %d pixels: steps of %d images, %s, learning rate %g", t.train.Len(), t.train.Size, s.BatchSize, phrase.Count(s.Epochs, "epoch"), s.LR)
		if s.Augment == d.Augment {
			t.note("images are %s (augmentation %s)", why, d.Augment)
		}
	}
	if s, err = training.Prepare(ctx, s, &o, t.train, t.val); err != nil {
		return s, o, err
	}
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return s, o, requestError{err}
	}
	if err := s.Check(); err != nil {
		return s, o, err
	}
	if s.Stage == training.FineTune {
		arch, err := t.network(s.Arch)
		if err != nil {
			return s, o, err
		}
		if _, err = space.Path(arch); err != nil {
			return s, o, requestf("%s: %w", t.called(archParam), err)
		}
	}
	if err = t.openTrainer(); err != nil {
		return s, o, err
	}
	if o.Target.Kind() != onnx.CPU {
		t.status += string(o.Target) + ": "
	}
	o.Calibrate = func(ctx context.Context, arch model.Architecture, w onnx.StateDict) (onnx.Calibrated, error) {
		j.Progress(0, 0, 0, t.status+"calibrating")
		c := NewExporting().Calibrating
		images, err := evaluation.Load(ctx, o.Train, c.CalibrationImages)
		if err != nil {
			return nil, err
		}
		return c.ranges(ctx, j, arch, w, images, s.Classes)
	}
	t.noteData(t.train, t.val)
	if p.from != nil {
		if err := t.goOnFrom(p.from, s, *o.Data); err != nil {
			return s, o, err
		}
	}
	err = t.teach(space, p, &s, &o)
	return s, o, err
}

// goOnFrom compares what is trained with what the weights were trained with, and
// says what is assumed of those that do not say.
func (t *Training) goOnFrom(from *origin, s training.Settings, data dataset.Identity) error {
	switch {
	case from.known == nil:
		t.note("%s does not say how it was trained: %s, images of %d pixels and preset %s are assumed", from.name, s.Space, s.ImageSize, s.PresetName())
	case from.known.ImageSize != s.ImageSize:
		t.note("%s was trained at %d pixels: this training is at %d", from.name, from.known.ImageSize, s.ImageSize)
	}
	if t.otherClasses(from, data) {
		return nil
	}
	return t.suits(from, data)
}

// teach reads the weights that a training begins with and is taught by.
func (t *Training) teach(space *model.Space, p place, s *training.Settings, o *training.Options) error {
	switch t.Step() {
	case Heaviest:
		return t.cover(space, p, *s, o)
	case FineTune:
		file := cmp.Or(t.Checkpoint, training.Run{Folder: t.Run}.Weights(training.OneShot))
		c, err := t.load(file)
		if t.Checkpoint == "" && errors.Is(err, fs.ErrNotExist) {
			return requestf("there is no supernet in %s yet: train it first%s", t.Run, t.orName(" with --stage oneshot"))
		}
		if err != nil {
			return err
		}
		if err := t.startOf(space, c.Weights, p, s, o); err != nil {
			return requestf("%s: %w", file, err)
		}
		if s.Quantize != "" { // it is taught by itself
			return nil
		}
		if t.Teacher == "" && t.Checkpoint != "" {
			if s.GammaKnowledge > 0 {
				o.Heaviest, err = supernet.Child(space, o.Supernet, space.HeaviestPath())
			}
			return err
		}
	}
	file := t.heaviest()
	c, err := t.load(file)
	if t.Teacher == "" && errors.Is(err, fs.ErrNotExist) {
		return t.noHeaviest()
	}
	if err != nil {
		return err
	}
	// With early stopping its best epoch is there, which need not be the last.
	k, _, err := training.KnownOf(c.Meta)
	if epoch, epochs := c.Meta["epoch"], c.Meta["epochs"]; epoch != epochs && (err != nil || k.Patience == 0) {
		t.note("the heaviest network in %s was trained for %s of %s epochs so far", file, epoch, epochs)
	}
	o.Heaviest = c.Weights
	if t.Teacher == "" { // it is of the run, and so is the data
		return nil
	}
	from, err := checkpointOrigin(file)
	if err != nil {
		return err
	}
	return t.suits(from, *o.Data)
}

// load reads a checkpoint's tensors.
func (c *Common) load(file string) (supernet.Checkpoint, error) {
	loaded, err := supernet.Load(file)
	if err != nil {
		return loaded, requestError{err}
	}
	c.noteChoice(file, loaded.Choice())
	return loaded, nil
}
