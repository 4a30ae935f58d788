package training

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/backprop"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// clusters are batches of points around the centres of three classes: a
// function of the epoch and the step alone, as those of a loader.
type clusters struct {
	steps, batch int
	parts, part  int      // of a batch, where there are several
	asked        [][2]int // where sequences began
}

const clusterSize, clusterClasses = 8, 3

func (c *clusters) Steps() int { return c.steps }

func (c *clusters) From(ctx context.Context, epoch, step int) iter.Seq2[*dataset.Batch, error] {
	c.asked = append(c.asked, [2]int{epoch, step})
	return func(yield func(*dataset.Batch, error) bool) {
		for ; ; step++ {
			if step == c.steps {
				epoch, step = epoch+1, 0
			}
			b := c.make(epoch, step)
			if c.parts > 1 {
				n := c.batch / c.parts
				b.Labels, b.X = b.Labels[c.part*n:][:n], b.X[c.part*n*clusterSize:][:n*clusterSize]
			}
			if !yield(b, ctx.Err()) {
				return
			}
		}
	}
}

func (c *clusters) make(epoch, step int) *dataset.Batch {
	rng := rand.New(rand.NewPCG(uint64(epoch), uint64(step)))
	b := &dataset.Batch{Epoch: epoch, Step: step}
	for range c.batch {
		label := rng.IntN(clusterClasses)
		b.Labels = append(b.Labels, label)
		for i := range clusterSize {
			centre := 0.0
			if i == label {
				centre = 2
			}
			b.X = append(b.X, float32(centre+rng.NormFloat64()))
		}
	}
	return b
}

// linear is a trainee: a softmax classifier with dropout on its inputs, and a
// running mean as normalisations have.
type linear struct {
	s Settings
	w onnx.StateDict
	g onnx.StateDict

	// before is called at the start of each step, and in the middle of it after
	// the running mean has changed.
	before, middle func(step int) error
	// scores are those of the validations, in place of the weights' squares.
	scores []float64
	done   int
}

func newLinear(s Settings, w onnx.StateDict) *linear {
	if w == nil {
		w = onnx.StateDict{
			"classifier.weight": {Shape: []int{clusterClasses, clusterSize}, Data: make([]float32, clusterClasses*clusterSize)},
			"classifier.bias":   {Shape: []int{clusterClasses}, Data: make([]float32, clusterClasses)},
			"bn1.running_mean":  {Shape: []int{1}, Data: []float32{0}},
			"bn1.running_var":   {Shape: []int{1}, Data: []float32{1}},
			"bn1." + counter:    {Shape: []int{}, Data: []float32{0}},
			"unused.weight":     {Shape: []int{2, 2}, Data: []float32{1, 2, 3, 4}},
		}
	}
	return &linear{s: s, w: w, g: clone(w)}
}

// builder makes the trainee from a checkpoint, as newTrainee does.
func (l *linear) build(_ context.Context, s Settings, _ Options, w onnx.StateDict) (trainee, error) {
	made := newLinear(s, w)
	made.before, made.middle, made.scores, made.done = l.before, l.middle, l.scores, l.done
	return made, nil
}

func (l *linear) weights() onnx.StateDict { return l.w }
func (l *linear) close()                  {}

func (l *linear) calibrated() onnx.Calibrated { return nil }

func (l *linear) gradients(_ context.Context, b *dataset.Batch, step, micro int) (gradients, error) {
	if l.before != nil {
		if err := l.before(step); err != nil {
			return gradients{}, err
		}
	}
	rng := source(l.s.Seed, dropStream, micro<<40|step)
	weight, bias := l.w["classifier.weight"].Data, l.w["classifier.bias"].Data
	gw, gb := l.g["classifier.weight"].Data, l.g["classifier.bias"].Data
	clear(gw)
	clear(gb)
	found := sums{Images: len(b.Labels)}
	mean := float32(0)
	for n, label := range b.Labels {
		x := append([]float32(nil), b.X[n*clusterSize:(n+1)*clusterSize]...)
		for i := range x {
			if rng.Float64() < l.s.Drop {
				x[i] = 0
			}
			mean += x[i] / float32(len(b.X))
		}
		z := make([]float32, clusterClasses)
		for c := range z {
			z[c] = bias[c]
			for i, v := range x {
				z[c] += weight[c*clusterSize+i] * v
			}
		}
		loss := logits.CrossEntropy(z, label)
		found.Loss += loss
		if logits.Rank(z, label) == 0 {
			found.Correct++
		}
		for c := range z {
			d := float32(math.Exp(-logits.CrossEntropy(z, c)))
			if c == label {
				d--
			}
			d /= float32(len(b.Labels))
			gb[c] += d
			for i, v := range x {
				gw[c*clusterSize+i] += d * v
			}
		}
	}
	found.CE = found.Loss
	moments := []backprop.Moments{{Name: "bn1", Mean: []float32{mean}, Variance: []float32{mean * mean}, Count: 2}}
	if l.s.micro() == 1 {
		moments[0].Update(l.w)
		moments = nil
	}
	if l.middle != nil {
		if err := l.middle(step); err != nil {
			return gradients{}, err
		}
	}
	if math.IsNaN(found.Loss) || math.IsInf(found.Loss, 0) {
		return gradients{}, fmt.Errorf("step: %w", backprop.ErrDiverged)
	}
	return gradients{l.g, []string{"classifier.bias", "classifier.weight"}, 1, found, moments}, nil
}

func (l *linear) validate(ctx context.Context, w onnx.StateDict) ([]Score, error) {
	sum := 0.0
	for _, v := range w["classifier.weight"].Data {
		sum += float64(v) * float64(v)
	}
	if l.scores != nil {
		sum = l.scores[l.done]
		l.done++
	}
	return []Score{{Network: "child", Top1: sum, Images: 1}}, ctx.Err()
}

// fakeSettings are those of a short training of the classifier.
func fakeSettings() Settings {
	s := Small(Heaviest)
	s.Classes, s.ImageSize, s.Epochs, s.LogInterval, s.Drop, s.ModelEMAEvery = clusterClasses, 32, 3, 4, 0.2, 1
	return s
}

const fakeSteps = 10 // of an epoch

// fakeTrain trains the classifier in a folder.
func fakeTrain(ctx context.Context, folder string, s Settings, l *linear, change func(*Options)) (Progress, error) {
	o := Options{Folder: folder, CheckpointEvery: time.Hour}
	if change != nil {
		change(&o)
	}
	return train(ctx, s, o, &clusters{steps: fakeSteps, batch: 16}, l.build)
}
