package training

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"

	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// newTrainee makes what a stage trains, with the weights of a checkpoint, or
// nil for those it begins with.
func newTrainee(ctx context.Context, s Settings, o Options, w onnx.StateDict) (trainee, error) {
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSettings, err)
	}
	batch := s.engineBatch()
	n := network{space: space, s: s, batch: batch}
	options := backprop.Options{Batch: batch, Threads: o.Threads, Target: o.Target}
	if s.Quantize != "" {
		if options.Levels, err = n.quantise(ctx, o); err != nil {
			return nil, err
		}
	}
	engine, err := backprop.NewEngine(space, s.Classes, options)
	if err != nil {
		return nil, err
	}
	n.engine = engine
	collectGarbage(1)
	var out trainee
	if n.validator, err = newValidator(engine, batch, s, o); err == nil {
		if s.Stage == OneShot {
			out, err = newOneShot(ctx, n, o, w)
		} else {
			out, err = newChild(n, o, w)
		}
	}
	if err != nil {
		n.close()
		return nil, err
	}
	return out, nil
}

// trainingGC is the garbage, in percent of what is in use, at which it is collected
// while an engine is open: maps of hundreds of MB are quickly looked through, and as
// much again as garbage would be the most memory that a training takes.
const trainingGC = 20

// collecting is how many engines are open, and what the percentage was before the first.
var collecting struct {
	sync.Mutex
	engines, before int
}

// collectGarbage counts an engine that is opened, 1, or closed, -1.
func collectGarbage(engines int) {
	collecting.Lock()
	defer collecting.Unlock()
	switch collecting.engines += engines; {
	case engines > 0 && collecting.engines == 1:
		collecting.before = debug.SetGCPercent(trainingGC)
	case collecting.engines == 0:
		debug.SetGCPercent(collecting.before)
	}
}

// network is what the stages have in common: weights with an engine, and maybe
// a teacher.
type network struct {
	space     *model.Space
	s         Settings
	engine    *backprop.Engine
	batch     int // images of a run of the engine
	net       *backprop.Network
	teacher   *backprop.Teacher // nil without
	w         onnx.StateDict
	validator *validator
	moments   []backprop.Moments // of the passes of a micro-batch, where there are several

	// With [Settings.Quantize]:
	ranges onnx.Calibrated
	floats onnx.StateDict // that the training began with
}

func (n *network) weights() onnx.StateDict { return n.w }

func (n *network) calibrated() onnx.Calibrated { return n.ranges }

// quantise finds the levels that a network is trained with: those of the weights that
// the training began with.
func (n *network) quantise(ctx context.Context, o Options) (levels map[string]onnx.Levels, err error) {
	arch, path, err := n.s.child(n.space)
	if err != nil {
		return nil, err
	}
	if n.floats, err = n.s.start(n.space, path, o); err != nil {
		return nil, err
	}
	if n.ranges = o.ranges; n.ranges == nil {
		if n.ranges, err = o.Calibrate(ctx, arch, n.floats); err != nil {
			return nil, err
		}
	}
	g, err := onnx.Network(arch, n.floats, onnx.NetworkOptions{ImageSize: n.s.ImageSize, Classes: n.s.Classes})
	if err != nil {
		return nil, err
	}
	return g.Levels(n.ranges.Of)
}

// child is the network that a stage trains alone.
func (s Settings) child(space *model.Space) (model.Architecture, model.Path, error) {
	if s.Stage != FineTune {
		path := space.HeaviestPath()
		return space.Architecture(path), path, nil
	}
	arch, err := model.ParseArchitecture(s.Arch)
	var path model.Path
	if err == nil {
		path, err = space.Path(arch)
	}
	if err != nil {
		err = fmt.Errorf("%w: arch: %w", ErrSettings, err)
	}
	return arch, path, err
}

// start is the weights that it begins with.
func (s Settings) start(space *model.Space, path model.Path, o Options) (onnx.StateDict, error) {
	switch {
	case o.Start != nil:
		return clone(o.Start), nil
	case s.Stage == FineTune:
		return supernet.Child(space, o.Supernet, path)
	}
	begin := supernet.Init{Seed: s.Seed}
	if !s.ZeroLastBN {
		begin.ResidualScale = 1
	}
	return begin.Weights(supernet.ChildLayout(space, path, s.Classes)), nil
}

func (n *network) close() {
	if n.teacher != nil {
		n.teacher.Close()
	}
	n.engine.Close()
	collectGarbage(-1)
}

// teach takes the heaviest network as the teacher.
func (n *network) teach(o Options) error {
	path := n.space.HeaviestPath()
	classes, err := supernet.CheckChild(n.space, path, o.Heaviest)
	if err == nil && classes != n.s.Classes {
		err = fmt.Errorf("it has %d classes: the data has %d", classes, n.s.Classes)
	}
	if err == nil {
		n.teacher, err = n.engine.Teacher(path, o.Heaviest)
	}
	if err != nil {
		return fmt.Errorf("%w: teacher: %w", ErrSettings, err)
	}
	return nil
}

// loss is what the stage minimises on the images of x, which it mixes where that is
// asked for. which counts the passes of the micro-batch.
func (n *network) loss(ctx context.Context, x []float32, labels []int, step, micro, which int) (backprop.Loss, error) {
	loss := backprop.Loss{Smoothing: n.s.Smoothing}
	n.s.mix(x, labels, &loss, step, micro, which)
	if n.teacher == nil || n.s.GammaKnowledge == 0 {
		return loss, nil
	}
	features, err := n.teacher.Features(ctx, x)
	if err != nil {
		return loss, err
	}
	loss.Teacher, loss.KD = features, n.s.GammaKnowledge
	if n.s.Stage == OneShot && n.s.IKDDividor > 0 {
		loss.Features = n.s.GammaKnowledge / n.s.IKDDividor
	}
	return loss, nil
}

// pass runs images forward and backward on the path that is set, adds the
// gradients, and says what was found. which counts the passes of the micro-batch.
// With several of these running statistics stay as they are: the moments are kept.
func (n *network) pass(ctx context.Context, x []float32, labels []int, loss backprop.Loss, step, micro, which int) (sums, error) {
	r, err := n.net.Step(ctx, x, labels, loss, backprop.StepOptions{
		Dropout: n.s.Drop, DropPath: n.s.DropPath, Seed: source(n.s.Seed, dropStream+which, micro<<40|step).Uint64(),
		KeepStatistics: n.s.micro() > 1,
	})
	if err != nil {
		return sums{}, err
	}
	if n.s.micro() > 1 {
		n.moments = append(n.moments, n.net.Moments()...)
	}
	images := float64(len(labels))
	out := sums{Images: len(labels), Loss: images * r.Loss, CE: images * r.CE, KL: images * r.KL}
	for _, mse := range r.Stages {
		out.Features += images * mse
	}
	if loss.Share < 0.5 && loss.Other != nil { // what there is most of
		labels = loss.Other
	}
	for i, label := range labels {
		if logits.Rank(r.Logits[i*n.s.Classes:(i+1)*n.s.Classes], label) == 0 {
			out.Correct++
		}
	}
	return out, nil
}

// zero forgets what the last micro-batch left.
func (n *network) zero() {
	n.net.ZeroGradients()
	n.moments = nil
}

// meanGradients are the gradients of a micro-batch: the mean over its passes.
func (n *network) meanGradients(s sums, passes int) gradients {
	return gradients{values: n.net.Gradients, touched: slices.Sorted(maps.Keys(n.net.Touched)), scale: 1 / float64(passes), sums: s, moments: n.moments}
}

// child is one network in training: the heaviest, or one that is fine-tuned.
type child struct {
	network
	path model.Path
}

func newChild(n network, o Options, w onnx.StateDict) (trainee, error) {
	_, path, err := n.s.child(n.space)
	if err != nil {
		return nil, err
	}
	c := &child{n, path}
	switch {
	case n.s.Stage != FineTune || n.s.GammaKnowledge == 0:
	case n.floats != nil:
		c.teacher, err = n.engine.Teacher(path, n.floats)
	default:
		err = c.teach(o)
	}
	if err == nil && w == nil {
		w, err = n.s.start(n.space, path, o)
	}
	if err != nil {
		return nil, err
	}
	c.w = w
	c.net, err = n.engine.Child(c.path, w)
	return c, err
}

func (c *child) gradients(ctx context.Context, b *dataset.Batch, step, micro int) (gradients, error) {
	c.zero()
	loss, err := c.loss(ctx, b.X, b.Labels, step, micro, 0)
	if err != nil {
		return gradients{}, err
	}
	found, err := c.pass(ctx, b.X, b.Labels, loss, step, micro, 0)
	return c.meanGradients(found, 1), err
}

func (c *child) validate(ctx context.Context, w onnx.StateDict) ([]Score, error) {
	name := "child"
	if c.s.Stage == Heaviest {
		name = string(Heaviest)
	}
	score, err := c.validator.score(ctx, name, c.path, w)
	if err != nil || score.Images == 0 {
		return nil, err
	}
	return []Score{score}, nil
}
