package training

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Options are what a training needs beside its settings; none of it changes
// what comes out.
type Options struct {
	Folder  string       // the run folder, made where there is none
	Train   *dataset.Set // images to train on
	HeldOut *dataset.Set // images to validate on; nil validates nothing
	// Data says which data they are of. A run is begun with one, and other data is
	// refused; nil is not compared.
	Data *dataset.Identity
	// From says where the weights of FineTune are; nil is not noted.
	From *From

	// Heaviest holds the weights of the heaviest network, the teacher of the
	// other stages, as a child's state dict.
	Heaviest onnx.StateDict
	// Supernet holds the weights that FineTune extracts its child from.
	Supernet onnx.StateDict
	// Start holds weights that FineTune begins with in place of a child of the
	// supernet, and Heaviest in place of random ones; may be nil.
	Start onnx.StateDict
	// Calibrate finds the ranges of a network's values, with the weights that a
	// training with [Settings.Quantize] begins with. They stay as they are then.
	Calibrate func(ctx context.Context, arch model.Architecture, w onnx.StateDict) (onnx.Calibrated, error)

	ranges onnx.Calibrated // of a training that resumes

	Target          onnx.Target   // that trains; empty is the processor, see [backprop.Options]
	Threads         int           // of ONNX Runtime; 0 is [backprop.DefaultThreads]
	Workers         int           // goroutines that prepare images; 0 is 1 for each processor
	CheckpointEvery time.Duration // 0 is a minute; each epoch ends with one anyway

	Ranks      mpi.Comm      // that share the micro-batches of a step; nil is this process alone
	StallAfter time.Duration // how long a rank may not answer; 0 is ten minutes

	Progress func(Progress)              // called after every step; may be nil
	Metric   func(Metric)                // called with every line of metrics; may be nil
	Log      func(string)                // told what is worth knowing; may be nil
	Wait     func(context.Context) error // called between steps; returns when training may go on; may be nil
}

// checkpointEvery is the default: a kill loses at most so much work.
const checkpointEvery = time.Minute

// Train runs a stage to its end in a run folder, from the last checkpoint there
// if there is one. The same settings give the same weights and metrics, however
// often it is interrupted. A context that ends stops it in a fraction of a
// second, with a checkpoint of the last whole step, and the context's error.
//
// Over several ranks all call it alike, and end alike. Rank 0 alone has the run folder,
// validates, and calls Progress, Metric, Log and Wait. How many ranks there are does not
// change what comes out: see [microBatches].
//
// Errors wrap [ErrSettings], [ErrMismatch], [dataset.ErrOtherData], [safefile.ErrUnreadable],
// [ErrLocked], [ErrState], [ErrDiverged], [ErrRanks] and [ErrStalled]. A step that is refused
// writes nothing.
func Train(ctx context.Context, s Settings, o Options) (Progress, error) {
	loader, err := o.loader(s)
	if err := Agree(ctx, s, o, err); err != nil {
		return Progress{}, err
	}
	p, err := train(ctx, s, o, loader, newTrainee)
	if o.Ranks != nil && o.Ranks.Rank() > 0 {
		return p, err
	}
	if noteErr := o.noteUnreadable(); err == nil {
		err = noteErr
	}
	return p, err
}

// Check finds out whether settings can be trained with on the data.
func (o Options) Check(s Settings) error {
	_, err := o.loader(s)
	return err
}

func (o Options) loader(s Settings) (*dataset.Loader, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	if err := newRanks(o).check(s); err != nil {
		return nil, err
	}
	if err := s.CheckMemory(o.Target); err != nil {
		return nil, err
	}
	if err := o.check(s); err != nil {
		return nil, err
	}
	return newLoader(s, o)
}

// newLoader makes the batches of the training images.
func newLoader(s Settings, o Options) (*dataset.Loader, error) {
	augment, err := dataset.NewAugment(s.Augment)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	ranks := newRanks(o)
	loader, err := dataset.NewLoader(o.Train, dataset.LoaderOptions{
		Batch: s.BatchSize, Seed: s.Seed, Augment: augment, Packed: s.Pack, Workers: o.Workers, Parts: ranks.Size(), Part: ranks.Rank(),
	})
	if err != nil { // fewer images than a batch has
		return nil, fmt.Errorf("%w: batch-size: %w", ErrSettings, err)
	}
	return loader, nil
}

// check compares the data with the settings.
func (o Options) check(s Settings) error {
	held := 0
	if o.HeldOut != nil {
		held = o.HeldOut.Len()
	}
	for _, n := range []struct {
		name       string
		have, want int
	}{
		{"classes", o.Train.Classes, s.Classes}, {"image size", o.Train.Size, s.ImageSize},
		{"training images", o.Train.Len(), s.Images}, {"held-out images", held, s.HeldOut},
	} {
		if s.Patience > 0 && held == 0 {
			return fmt.Errorf("%w: patience: there are no held-out images to tell by (train-percent)", ErrSettings)
		}
		if n.have != n.want {
			return fmt.Errorf("%w: data %s: %s %d: expected %d", ErrSettings, o.Train.Name, n.name, n.have, n.want)
		}
	}
	return nil
}

// train does what Train says, with any data and trainee.
func train(ctx context.Context, s Settings, o Options, data batches,
	build func(context.Context, Settings, Options, onnx.StateDict) (trainee, error)) (Progress, error) {
	r := newRanks(o)
	if r.Rank() > 0 {
		return Progress{}, follow(ctx, r, s, o, data, build)
	}
	p, err := lead(ctx, r, s, o, data, build)
	return p, r.end(ctx, err)
}

// lead trains as rank 0.
func lead(ctx context.Context, r *ranks, s Settings, o Options, data batches,
	build func(context.Context, Settings, Options, onnx.StateDict) (trainee, error)) (Progress, error) {
	if o.CheckpointEvery <= 0 {
		o.CheckpointEvery = checkpointEvery
	}
	f, err := openFolder(o.Folder)
	if err != nil {
		return Progress{}, err
	}
	defer f.close()
	if f.Data != nil && o.Data != nil { // it may have been renamed
		s.Data = f.Data.Name
	}
	more, restarts := f.restarted(s)
	as := s
	if restarts = restarts && r.Size() == 1; restarts {
		as = f.Stages[s.Stage]
	}
	if err := f.check(as, o.Data); err != nil {
		return Progress{}, err
	}
	saved, resumed, err := f.resume(s.Stage, o.say)
	if err != nil {
		return Progress{}, err
	}
	if restarts {
		if saved.Step != more.Restarted*data.Steps() {
			return Progress{}, fmt.Errorf("%w; a stage that is done continues with more epochs, this one is at step %d of %d", f.check(s, o.Data), saved.Step, more.Restarted*data.Steps())
		}
		o.say(fmt.Sprintf("%s was done after %d epochs and continues to %d: the learning rate starts at %g again, without a warm-up, and falls until then",
			s.Stage, more.Restarted, more.Epochs, more.LR))
		s = more
	}
	var made trainee
	o.ranges = saved.ranges
	if err := r.hold(ctx, func() (err error) {
		made, err = build(ctx, s, o, saved.weights)
		if resumed && !errors.Is(err, ErrSettings) && (errors.Is(err, onnx.ErrTensorShape) || errors.Is(err, onnx.ErrNoTensor)) {
			err = fmt.Errorf("%s: %w: it is of another network: %w", f.state(s.Stage), ErrState, err)
		}
		return err
	}); err != nil {
		return Progress{}, err
	}
	defer made.close()
	t := newTrainer(s, o, r, made, data)
	t.folder = f
	if s.ModelEMA {
		t.ema = NewEMA(made.weights(), s.ModelEMADecay, s.ModelEMAEvery, s.ModelEMAWarmup)
	}
	if resumed {
		if err := saved.check(s, t.total()); err != nil {
			return Progress{}, fmt.Errorf("%s: %w", f.state(s.Stage), err)
		}
		of, _ := f.noted(o.Data)
		note, err := saved.of.refuses(newStateOf(s, of))
		if err != nil {
			return Progress{}, fmt.Errorf("%s: %w", f.state(s.Stage), err)
		}
		if note != "" {
			o.say(f.state(s.Stage) + " " + note)
		}
		t.restore(saved)
		if note := saved.elsewhere(o.computing()); note != "" {
			o.say(note)
		}
	}
	note, err := f.begin(s, o.Data, o.From) // now that nothing refuses it
	if err != nil {
		return Progress{}, err
	}
	if note != "" {
		o.say(note)
	}
	if note := s.shortAverage(t.total()); note != "" && !resumed {
		o.say(note)
	}
	p, err := t.start(ctx, resumed)
	if errors.Is(err, dataset.ErrUnreadable) && t.at.Step == 0 {
		f.withdraw(s.Stage) // no step was done: these images cannot be trained on
	}
	return p, err
}

func newTrainer(s Settings, o Options, r *ranks, made trainee, data batches) *trainer {
	t := &trainer{
		s: s, o: o, ranks: r, trainee: made, data: data, savedStep: -1, backup: onnx.StateDict{}, saved: time.Now(),
		optimizer: NewOptimizer(made.weights(), s.Momentum, s.WeightDecay), at: position{Stage: s.Stage},
	}
	if s.micro() > 1 {
		t.micro = &microBatches{count: s.micro(), ranks: r}
	}
	return t
}

// shortAverage says that a training is too short for its moving average, or is "".
func (s Settings) shortAverage(steps int) string {
	if span := float64(s.ModelEMAEvery) / (1 - s.ModelEMADecay); s.ModelEMA && !s.ModelEMAWarmup && float64(steps) < span {
		return fmt.Sprintf("the moving average of the weights (model-ema-decay %v) spans %.0f steps and this training has %d: what is validated and kept is near the first weights; model-ema-warmup helps",
			s.ModelEMADecay, span, steps)
	}
	return ""
}

// start opens the metrics at the checkpoint and runs.
func (t *trainer) start(ctx context.Context, resumed bool) (Progress, error) {
	log, kept, err := openMetrics(t.folder.Folder, t.s.Stage, t.at, t.o.say)
	if err != nil {
		return Progress{}, err
	}
	defer log.close()
	t.metrics = log
	for _, m := range kept {
		t.progress.take(m)
	}
	if resumed {
		t.savedStep = t.at.Step
		t.o.say(fmt.Sprintf("%s resumes after step %d of %d", t.s.Stage, t.at.Step, t.total()))
	} else if err := t.save(true); err != nil { // finds out whether there is room
		return t.progress, err
	}
	if t.at.Step == t.total() && t.at.Validated == t.s.TotalEpochs() && t.s.Patience == 0 {
		err = t.saveWeights() // a kill may have come between the two files
	} else if err = t.begin(ctx); err == nil {
		err = t.run(ctx)
	}
	doing := "done"
	if err != nil {
		doing = "ended"
	}
	t.report(doing)
	return t.progress, err
}

func (o Options) say(line string) {
	if o.Log != nil {
		o.Log(line)
	}
}
