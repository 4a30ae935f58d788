package fit

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/model"
)

// Descent are the settings of gradient descent: Adam on the smooth L1 loss of
// standardised accuracies, the learning rate falling to 0 along a cosine, a
// share of the samples held back, and the weights kept that predict it best.
type Descent struct {
	Epochs       int     // 0: 25 for an mlp, 300 for the others
	Batch        int     // samples a step; 0: 32, AllSamples: one step an epoch
	LearningRate float64 // 0: 0.001 for an mlp, 0.01 for the others
	WeightDecay  float64 // of all but biases, decoupled (Loshchilov and Hutter 2019); 0: 0.5 for an mlp, 0.1 for the others
	Validation   float64 // share of the samples; 0: 0.2
	Patience     int     // epochs without a better validation loss before it stops; 0: a third of Epochs
	Dropout      float64 // of an mlp, before its last layer; 0: 0.2
	Hidden       int     // width of an mlp; 0: 500
	Layers       int     // hidden layers of an mlp after the first; 0: 3
}

// AllSamples makes every step one over all samples.
const AllSamples = -1

// PaperDescent are the settings that the original's program fits with. From
// random weights, steps of 1e-6 end long before they get anywhere.
var PaperDescent = Descent{
	Epochs: 30_000, Batch: AllSamples, LearningRate: 1e-6, WeightDecay: 1e-6,
	Validation: 0.2, Patience: 30_000, Dropout: 0.2, Hidden: 500, Layers: 3,
}

func (d Descent) withDefaults(kind string) (Descent, error) {
	epochs, rate, decay := 300, 0.01, 0.1
	if kind == MLP {
		epochs, rate, decay = 25, 0.001, 0.5
	}
	d.Epochs, d.LearningRate, d.WeightDecay = cmp.Or(d.Epochs, epochs), cmp.Or(d.LearningRate, rate), cmp.Or(d.WeightDecay, decay)
	d.Batch, d.Validation, d.Patience = cmp.Or(d.Batch, 32), cmp.Or(d.Validation, 0.2), cmp.Or(d.Patience, max(10, d.Epochs/3))
	d.Dropout, d.Hidden, d.Layers = cmp.Or(d.Dropout, 0.2), cmp.Or(d.Hidden, 500), cmp.Or(d.Layers, 3)
	finite := func(v float64) bool { return v >= 0 && !math.IsInf(v, 1) }
	switch {
	case d.Epochs < 1 || d.Epochs > 1_000_000:
		return d, fmt.Errorf("%w: %d epochs: expected 1 to 1,000,000", ErrSettings, d.Epochs)
	case d.Batch < AllSamples:
		return d, fmt.Errorf("%w: batches of %d samples: expected at least 1", ErrSettings, d.Batch)
	case !finite(d.LearningRate) || !finite(d.WeightDecay):
		return d, fmt.Errorf("%w: learning rate %v, weight decay %v: expected numbers above 0", ErrSettings, d.LearningRate, d.WeightDecay)
	case !(d.Validation > 0 && d.Validation < 1) || !(d.Dropout >= 0 && d.Dropout < 1):
		return d, fmt.Errorf("%w: validation share %v, dropout %v: expected them between 0 and 1", ErrSettings, d.Validation, d.Dropout)
	case d.Hidden < 1 || d.Hidden > 4096 || d.Layers < 1 || d.Layers > 32:
		return d, fmt.Errorf("%w: %d layers of %d: expected 1 to 32 of 1 to 4096", ErrSettings, d.Layers, d.Hidden)
	}
	return d, nil
}

// learner is a predictor whose weights gradient descent moves. Outputs are
// standardised accuracies.
type learner interface {
	// forward predicts rows of the design. With a generator it is a training
	// pass: it drops units, and keeps what backward needs.
	forward(rows []int, dropout *rand.Rand) []float32
	// backward adds to the gradients of the weights, for those of the outputs.
	backward(rows []int, output []float32)
	weights() []*weights
	// project is called after every step.
	project()
	// predictor is the predictor of accuracies, which are mean + scale·output.
	predictor(mean, scale float64) model.Predictor
}

// weights are some weights of a learner, with their gradients.
type weights struct {
	value, gradient []float32
	decays          bool    // weight decay applies
	share           float64 // of the learning rate
	m, v            []float32
}

func newWeights(n int, decays bool) *weights {
	return &weights{make([]float32, n), make([]float32, n), decays, 1, make([]float32, n), make([]float32, n)}
}

// adam takes one step (Kingma and Ba 2015), the step-th from 1.
func (w *weights) adam(step int, rate, decay float64) {
	rate *= w.share
	const beta1, beta2, epsilon = 0.9, 0.999, 1e-8
	size := float32(rate / (1 - math.Pow(beta1, float64(step))))
	correct := float32(1 / math.Sqrt(1-math.Pow(beta2, float64(step))))
	keep := float32(1)
	if w.decays {
		keep = float32(1 - rate*decay)
	}
	for i, g := range w.gradient {
		m := beta1*w.m[i] + (1-beta1)*g
		v := beta2*w.v[i] + (1-beta2)*g*g
		w.m[i], w.v[i] = m, v
		w.value[i] = keep*w.value[i] - size*m/(float32(math.Sqrt(float64(v)))*correct+epsilon)
	}
}

// descent is gradient descent under way.
type descent struct {
	Descent
	learner     learner
	y           []float32 // standardised
	train, held []int
	mean, scale float64
	rng         *rand.Rand
	step        int
}

func descend(ctx context.Context, s Settings, samples []model.Sample) (*Report, error) {
	settings, err := s.Descent.withDefaults(s.Kind)
	if err != nil {
		return nil, err
	}
	paths, y := split(samples)
	d := &descent{Descent: settings, rng: rand.New(rand.NewPCG(s.Seed, 0x64657363656e74))}
	order := d.rng.Perm(len(y))
	held := min(max(int(settings.Validation*float64(len(y))), 2), len(y)-2)
	d.held, d.train = order[:held], order[held:]
	d.standardise(y)
	design := newDesign(s.Space, paths, s.Inactive)
	if s.Kind == MLP {
		d.learner = newMLPLearner(design, settings, d.train, d.rng)
	} else {
		d.learner = newLinearLearner(newFeatures(s.Kind, design))
	}
	epochs, best, err := d.run(ctx, s.Progress)
	if err != nil {
		return nil, err
	}
	r := &Report{Predictor: d.learner.predictor(d.mean, d.scale), ChosenBy: ByValidation, Epochs: epochs, Epoch: best}
	r.Method = fmt.Sprintf("gradient descent, epoch %d of %d kept, %d samples held back", best, epochs, held)
	out, err := d.outputs(ctx, d.held)
	if err != nil {
		return nil, err
	}
	for i, v := range out {
		r.Held = append(r.Held, d.mean+d.scale*float64(v))
		r.Measured = append(r.Measured, y[d.held[i]])
	}
	return r, nil
}

// standardise gives the accuracies trained on mean 0 and deviation 1.
func (d *descent) standardise(y []float64) {
	for _, i := range d.train {
		d.mean += y[i] / float64(len(d.train))
	}
	for _, i := range d.train {
		d.scale += (y[i] - d.mean) * (y[i] - d.mean) / float64(len(d.train))
	}
	if d.scale = math.Sqrt(d.scale); d.scale == 0 {
		d.scale = 1 // the one that differs is held back
	}
	for _, v := range y {
		d.y = append(d.y, float32((v-d.mean)/d.scale))
	}
}

// run takes the epochs and leaves the weights of the best in the learner.
func (d *descent) run(ctx context.Context, progress func(Progress)) (epochs, best int, err error) {
	start, least := time.Now(), math.Inf(1)
	var kept [][]float32
	for epoch := 1; epoch <= d.Epochs && epoch-best <= d.Patience; epoch++ {
		if err := d.epoch(ctx); err != nil {
			return 0, 0, err
		}
		loss, squared, err := d.validate(ctx)
		if err != nil {
			return 0, 0, err
		}
		if math.IsNaN(loss) {
			return 0, 0, fmt.Errorf("fit: the loss of epoch %d is not a number: expected a smaller learning rate than %v to help", epoch, d.LearningRate)
		}
		if loss < least {
			least, best = loss, epoch
			kept = d.copyWeights(kept)
		}
		epochs = epoch
		progress(Progress{Done: epoch, Total: d.Epochs, Unit: "epochs", Loss: squared * d.scale * d.scale, Left: job.Left(time.Since(start), epoch, d.Epochs-epoch)})
	}
	for i, w := range d.learner.weights() {
		copy(w.value, kept[i])
	}
	return epochs, best, nil
}

func (d *descent) copyWeights(to [][]float32) [][]float32 {
	for i, w := range d.learner.weights() {
		if i == len(to) {
			to = append(to, make([]float32, len(w.value)))
		}
		copy(to[i], w.value)
	}
	return to
}

// epoch goes once over the samples trained on, in random order.
func (d *descent) epoch(ctx context.Context) error {
	d.rng.Shuffle(len(d.train), func(i, j int) { d.train[i], d.train[j] = d.train[j], d.train[i] })
	batch := d.Batch
	if batch == AllSamples {
		batch = len(d.train)
	}
	perEpoch := (len(d.train) + batch - 1) / batch
	for from := 0; from < len(d.train); from += batch {
		if err := d.gradients(ctx, d.train[from:min(from+batch, len(d.train))]); err != nil {
			return err
		}
		rate := d.LearningRate * (1 + math.Cos(math.Pi*float64(d.step)/float64(d.Epochs*perEpoch))) / 2
		d.step++
		for _, w := range d.learner.weights() {
			w.adam(d.step, rate, d.WeightDecay)
		}
		d.learner.project()
	}
	return nil
}

// pieces is how many samples pass through a learner at once: few enough that a
// cancelled fit ends soon.
const pieces = 32

// gradients sets the gradients of the mean loss over rows.
func (d *descent) gradients(ctx context.Context, rows []int) error {
	for _, w := range d.learner.weights() {
		clear(w.gradient)
	}
	for piece := range slices.Chunk(rows, pieces) {
		if err := ctx.Err(); err != nil {
			return err
		}
		out := d.learner.forward(piece, d.rng)
		for i, r := range piece {
			// The derivative of the smooth L1 loss: the error, at most 1.
			out[i] = min(max(out[i]-d.y[r], -1), 1) / float32(len(rows))
		}
		d.learner.backward(piece, out)
	}
	return nil
}

// outputs are what the learner says of rows.
func (d *descent) outputs(ctx context.Context, rows []int) ([]float32, error) {
	var out []float32
	for piece := range slices.Chunk(rows, pieces) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out = append(out, d.learner.forward(piece, nil)...)
	}
	return out, nil
}

// validate is the smooth L1 loss and the squared error on the samples held back.
func (d *descent) validate(ctx context.Context) (loss, squared float64, err error) {
	out, err := d.outputs(ctx, d.held)
	n := float64(len(d.held))
	for i, v := range out {
		e := math.Abs(float64(v - d.y[d.held[i]]))
		squared += e * e / n
		if e < 1 {
			loss += e * e / 2 / n
		} else {
			loss += (e - 0.5) / n
		}
	}
	return loss, squared, err
}
