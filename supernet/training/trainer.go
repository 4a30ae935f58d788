package training

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// trainee is what a stage trains: a network with its loss.
type trainee interface {
	// weights are those in training; steps update running statistics in place.
	weights() onnx.StateDict
	// calibrated are the ranges that it is quantised by; nil in floats.
	calibrated() onnx.Calibrated
	// gradients makes the gradients of a micro-batch of a step, both counted from 0,
	// steps over all epochs. They are scale times those of touched, valid until the
	// next call. Where a step has several micro-batches, running statistics stay as
	// they are.
	gradients(ctx context.Context, b *dataset.Batch, step, micro int) (gradients, error)
	// validate scores networks made of w on the held-out images.
	validate(ctx context.Context, w onnx.StateDict) ([]Score, error)
	close()
}

// gradients of a step or of a micro-batch.
type gradients struct {
	values  onnx.StateDict // of all parameters
	touched []string       // sorted
	scale   float64
	sums    sums
	moments []backprop.Moments // where running statistics were left as they are
}

// sums add up what steps found, weighted by images. An image counts for each
// path it takes.
type sums struct {
	Images   int     `json:"images"`
	Correct  int     `json:"correct"`
	Loss     float64 `json:"loss"`
	CE       float64 `json:"ce"`
	KL       float64 `json:"kl"`
	Features float64 `json:"features"`
}

func (s *sums) add(o sums) {
	s.Images, s.Correct = s.Images+o.Images, s.Correct+o.Correct
	s.Loss, s.CE, s.KL, s.Features = s.Loss+o.Loss, s.CE+o.CE, s.KL+o.KL, s.Features+o.Features
}

// batches is a [dataset.Loader].
type batches interface {
	Steps() int
	From(ctx context.Context, epoch, step int) iter.Seq2[*dataset.Batch, error]
}

// trainer runs a stage from where it is to its end.
type trainer struct {
	s         Settings
	o         Options
	ranks     *ranks
	micro     *microBatches // nil where a step has one
	trainee   trainee
	data      batches
	folder    *folder
	metrics   *metricsLog
	optimizer *Optimizer
	ema       *EMA // nil without
	at        position
	progress  Progress
	clock     clock
	saved     time.Time // when the last checkpoint was written
	savedStep int
	backup    onnx.StateDict // running statistics from before the step at work
}

// ErrDiverged says that the loss is no finite number any more.
var ErrDiverged = errors.New("training diverged")

// run trains to the end. Whatever ends it, the run folder holds a checkpoint
// from which the same settings go on.
func (t *trainer) run(ctx context.Context) error {
	err := t.loop(ctx)
	var failed writeError
	switch {
	case err == nil, errors.As(err, &failed):
		return err
	case errors.Is(err, ErrDiverged):
		return fmt.Errorf("%w: stopped; the checkpoint of step %d is kept in %s. A lower lr, or clip-grad, and another folder may help",
			err, t.savedStep, t.folder.Folder)
	}
	if saving := t.save(false); saving != nil {
		return saving
	}
	resumes := fmt.Sprintf("step %d is saved: the same command resumes there", t.savedStep)
	switch {
	case errors.Is(err, ErrStalled):
		err = fmt.Errorf("%w; %s", err, resumes)
	case ctx.Err() == nil && mpi.Agreed(err) && errors.Is(err, context.Canceled): // another rank's was
		err = mpi.AgreedError{Err: fmt.Errorf("%v; %s", err, resumes)}
	}
	return err
}

func (t *trainer) loop(ctx context.Context) error {
	steps, total := t.data.Steps(), t.total()
	next, stop := iter.Pull2(t.data.From(ctx, t.at.Step/steps, t.at.Step%steps))
	defer stop()
	for {
		if t.at.Step > t.at.Validated*steps && t.at.Step%steps == 0 {
			if err := t.ranks.hold(ctx, func() error { return t.endEpoch(ctx) }); err != nil {
				return err
			}
		}
		if t.at.Step == total || t.stopped() {
			return nil
		}
		if err := t.wait(ctx); err != nil {
			return err
		}
		err := t.ranks.order(ctx, orderStep, nil)
		if err == nil {
			err = t.step(ctx, t.from(next))
		}
		if ctx.Err() != nil && !mpi.Agreed(err) {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		if time.Since(t.saved) >= t.o.CheckpointEvery {
			if err := t.ranks.hold(ctx, func() error { return t.save(true) }); err != nil {
				return err
			}
		}
	}
}

// total is the number of steps of the stage.
func (t *trainer) total() int { return t.s.TotalEpochs() * t.data.Steps() }

// wait rests while the work is paused; the clock does not count that.
func (t *trainer) wait(ctx context.Context) error {
	if t.o.Wait == nil {
		return ctx.Err()
	}
	before := time.Now()
	err := t.ranks.hold(ctx, func() error { return t.o.Wait(ctx) })
	t.clock.skip(time.Since(before))
	return err
}

// gradients makes those of a step, on the batch that next returns.
func (t *trainer) gradients(ctx context.Context, next func() (*dataset.Batch, error)) (gradients, error) {
	if t.micro == nil {
		b, err := next()
		if err != nil {
			return gradients{}, err
		}
		return t.trainee.gradients(ctx, b, t.at.Step, 0)
	}
	g, err := t.micro.step(ctx, t.trainee, next, t.at.Step)
	if err != nil {
		t.ranks.over = true
		return g, err
	}
	for _, m := range g.moments {
		m.Update(t.trainee.weights())
	}
	return g, nil
}

// step makes one step of the optimiser. If it fails or is interrupted,
// everything is as before.
func (t *trainer) step(ctx context.Context, next func() (*dataset.Batch, error)) error {
	begun, spent := time.Now(), t.ranks.spent
	w, steps := t.trainee.weights(), t.data.Steps()
	epoch, within := t.at.Step/steps, t.at.Step%steps
	keepStatistics(t.backup, w)
	g, err := t.gradients(ctx, next)
	if err != nil {
		keepStatistics(w, t.backup)
		if errors.Is(err, backprop.ErrDiverged) {
			diverged := fmt.Errorf("%w: the loss of step %d (epoch %d) is not a finite number, at learning rate %.3g",
				ErrDiverged, t.at.Step+1, epoch+1, t.s.rate(epoch, within, steps))
			if mpi.Agreed(err) {
				diverged = mpi.AgreedError{Err: diverged}
			}
			return diverged
		}
		return err
	}
	lr, scale := t.s.rate(epoch, within, steps), g.scale
	if t.s.ClipGrad > 0 {
		scale *= clipScale(g.scale*gradientNorm(g.values, g.touched), t.s.ClipGrad)
	}
	t.optimizer.Step(lr, scale, g.values, g.touched)
	t.at.Step++
	if t.ema != nil {
		t.ema.Update(w, t.at.Step, steps)
	}
	t.at.Since.add(g.sums)
	if t.ranks.Rank() > 0 {
		return nil
	}
	t.clock.count(g.sums.Images)
	t.clock.communicated((t.ranks.spent - spent).Seconds() / max(time.Since(begun).Seconds(), 1e-9))
	if t.at.Step%t.s.LogInterval == 0 || t.at.Step%steps == 0 {
		if err := t.log(epoch+1, lr); err != nil {
			return err
		}
	}
	t.report("training")
	return nil
}

// keepStatistics copies the running statistics of all normalisations.
func keepStatistics(to, from onnx.StateDict) {
	for name, t := range from {
		if strings.Contains(name, ".running_") || strings.HasSuffix(name, counter) {
			if _, ok := to[name]; !ok {
				to[name] = onnx.TensorData{Shape: t.Shape, Data: make([]float32, len(t.Data))}
			}
			copy(to[name].Data, t.Data)
		}
	}
}

// log writes a line of metrics over the steps since the last.
func (t *trainer) log(epoch int, lr float64) error {
	s, n := t.at.Since, float64(max(t.at.Since.Images, 1))
	m := Metric{
		Stage: t.s.Stage, Epoch: epoch, Step: t.at.Step, Loss: s.Loss / n, CE: s.CE / n, KL: s.KL / n, Features: s.Features / n,
		Top1: 100 * float64(s.Correct) / n, LR: lr, ImagesPerSecond: t.clock.lap(),
	}
	t.at.Since = sums{}
	return t.record(m)
}

func (t *trainer) record(m Metric) error {
	if err := t.metrics.add(m); err != nil {
		return writeError{err}
	}
	t.progress.take(m)
	if t.o.Metric != nil {
		t.o.Metric(m)
	}
	return nil
}

// endEpoch validates, writes the weights and a checkpoint.
func (t *trainer) endEpoch(ctx context.Context) error {
	before := time.Now()
	epoch := t.at.Step / t.data.Steps()
	t.report("validating")
	scores, err := t.trainee.validate(ctx, t.best())
	if err != nil {
		return err
	}
	t.at.Validated = epoch
	if len(scores) > 0 {
		if err := t.record(Metric{Stage: t.s.Stage, Epoch: epoch, Step: t.at.Step, Validation: scores}); err != nil {
			return err
		}
	}
	if t.s.Patience > 0 { // the best weights stay: they are there before the state says so
		if t.noteBest(epoch, scores) {
			err = t.saveWeights()
		}
		if err == nil {
			err = t.save(true)
		}
	} else if err = t.save(true); err == nil {
		err = t.saveWeights()
	}
	if t.stopped() {
		t.o.say(fmt.Sprintf("%s ends after epoch %d of %d: none after epoch %d, with %.2f%%, was better; its weights are kept", t.s.Stage, epoch, t.s.TotalEpochs(), t.at.BestEpoch, t.at.Best))
	}
	t.clock.skip(time.Since(before))
	t.report("training")
	return err
}

// noteBest notes a validation that is better than all before.
func (t *trainer) noteBest(epoch int, scores []Score) bool {
	mean := 0.0
	for _, s := range scores {
		mean += s.Top1 / float64(len(scores))
	}
	if t.at.BestEpoch > 0 && mean <= t.at.Best {
		return false
	}
	t.at.Best, t.at.BestEpoch = mean, epoch
	return true
}

// stopped says whether the stage has ended early.
func (t *trainer) stopped() bool {
	return t.s.Patience > 0 && t.at.BestEpoch > 0 && t.at.Validated-t.at.BestEpoch >= t.s.Patience && t.at.Step == t.at.Validated*t.data.Steps()
}

// best is the weights that are kept: the average where there is one.
func (t *trainer) best() onnx.StateDict {
	if t.ema != nil {
		return t.ema.Weights()
	}
	return t.trainee.weights()
}

// writeError marks an error as one of writing to the run folder.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// state is all that the training goes on with.
func (t *trainer) state() state {
	s := state{position: t.at, weights: t.trainee.weights(), velocities: t.optimizer.velocities, ranges: t.trainee.calibrated(), computed: t.o.computing()}
	if t.ema != nil {
		s.average = t.ema.Weights()
	}
	return s
}

// save writes a checkpoint, and keeps the one before.
func (t *trainer) save(durable bool) error {
	s := t.state()
	s.of = newStateOf(t.s, t.folder.Data)
	err := t.folder.keep(t.s.Stage)
	if err == nil {
		err = safefile.Replace(t.folder.state(t.s.Stage), durable, s.write)
	}
	if err != nil {
		return writeError{t.keptError(err)}
	}
	t.saved, t.savedStep = time.Now(), t.at.Step
	return nil
}

func (t *trainer) keptError(err error) error {
	if t.savedStep < 0 {
		return err
	}
	return fmt.Errorf("%w; the checkpoint of step %d is kept: the same command resumes there", err, t.savedStep)
}

// saveWeights writes the weights for other commands and other programs.
func (t *trainer) saveWeights() error {
	known := Known{Settings: t.s, Data: t.folder.Data, Epoch: t.at.Step / t.data.Steps(), Averaged: t.ema != nil, Scores: t.progress.Scores, Ranges: t.trainee.calibrated()}
	if t.o.Train != nil {
		known.Crop = t.o.Train.Crop()
	}
	meta := known.encode()
	if err := supernet.Save(t.folder.Weights(t.s.Stage), supernet.Checkpoint{Weights: t.best(), Meta: meta}); err != nil {
		return writeError{t.keptError(err)}
	}
	return nil
}

// report tells the caller where the training is.
func (t *trainer) report(doing string) {
	p := &t.progress
	steps := t.data.Steps()
	p.Stage, p.Doing = t.s.Stage, doing
	p.Epoch, p.Epochs = min(t.at.Step/steps+1, t.s.TotalEpochs()), t.s.TotalEpochs()
	p.Step, p.Steps = t.at.Step, t.total()
	if t.stopped() {
		p.Epoch, p.Epochs, p.Steps = t.at.Validated, t.at.Validated, p.Step
	}
	p.Ranks, p.Communication = t.ranks.Size(), t.clock.share
	p.ImagesPerSecond, p.Left = t.clock.rate(), t.clock.left(p.Steps-p.Step)
	if t.o.Progress != nil {
		t.o.Progress(*p)
	}
}

// restore takes up a state.
func (t *trainer) restore(s state) {
	t.at = s.position
	maps.Copy(t.optimizer.velocities, s.velocities)
	if t.ema != nil && s.average != nil {
		t.ema.state = s.average
	}
}
