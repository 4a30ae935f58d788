package evaluation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/logits"
	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Network is one network ready to be evaluated on images.
type Network struct {
	Choice string   // which of the weights in a file these are; see [supernet.Checkpoint.Choice]
	Ranks  mpi.Comm // that evaluate it together; nil: this process alone

	sum string // of the file that it is of, where there are ranks

	session *onnx.Session
	device  onnx.Target // "" is the processor
	file    string      // of a model of others
	size    int         // side of an image in pixels
	classes int
	batch   int     // images of a run
	bytes   float64 // that a run takes at least
}

// A run of an evaluation is of so many images, and pixels: larger ones fall out of the
// caches, are slower and take memory (at 224 pixels 5 images are a fifth faster than
// 83, with a fifth of the memory).
const (
	evaluationBatch  = 100
	evaluationPixels = 1 << 18
)

// maxRunPixels bounds the pixels of any run, so that a run can be stopped soon and
// maps of large images fit into memory. Tests lower it.
var maxRunPixels = 4 << 20

// runImages is the number of images of a run where that is free.
func runImages(imageSize int) int {
	return max(1, min(evaluationBatch, min(evaluationPixels, maxRunPixels)/(imageSize*imageSize)))
}

// NewNetwork prepares a network with the given weights, in evaluation mode, on a
// device, "" being the processor: 30-100 ms. ONNX Runtime must be loaded.
func NewNetwork(arch model.Architecture, w onnx.Weights, imageSize, classes int, on onnx.Target) (*Network, error) {
	batch := runImages(imageSize)
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{ImageSize: imageSize, Classes: classes, Batch: batch})
	if err != nil {
		return nil, err
	}
	n, err := GraphNetwork(g, on)
	if err != nil {
		return nil, err
	}
	if cost, err := arch.Cost(imageSize, classes); err == nil {
		n.bytes = cost.RunBytes(batch)
	}
	return n, nil
}

// GraphNetwork prepares a network of this program, in floats or quantised, that
// takes a fixed number of images, on a device. ONNX Runtime must be loaded.
func GraphNetwork(g *onnx.Graph, on onnx.Target) (*Network, error) {
	in, out := g.Inputs()[0].Shape, g.Outputs()[0].Shape
	session, err := onnx.NewSession(g.Marshal(), onnx.SessionOptions{Target: on})
	if err != nil {
		return nil, err
	}
	return &Network{session: session, device: on, size: in[2], classes: out[1], batch: in[0]}, nil
}

// EvaluationImages is the number of images that a network is best evaluated on at once.
func EvaluationImages(imageSize int) int { return runImages(imageSize) }

// maxModelPixels bounds the images of a run of a model of others, in pixels: its
// batch may be fixed.
const maxModelPixels = 32 << 20

// maxClasses is more than any data set has.
const maxClasses = 1 << 16

// ErrOpenSize is wrapped by the error about a model that takes images of any size,
// of which none was given.
var ErrOpenSize = errors.New("the model takes images of any size")

// OpenModel prepares a model of others, in ONNX's binary form, with external data
// in the given folder: one input of images [batch, 3, side, side] and one output
// of logits [batch, classes]. Batch may be open, and the side where imageSize says
// it; another imageSize than that of the model is refused. It runs in processes of
// its own. Errors wrap [onnx.ErrNotModel], [onnx.ErrDied], [ErrOpenSize] or
// [ErrImages].
func OpenModel(ctx context.Context, data []byte, folder string, imageSize int, on onnx.Target) (*Network, error) {
	data, err := onnx.Import(data, folder)
	if err != nil {
		return nil, err
	}
	in, out, err := onnx.ModelIO(data)
	if err != nil {
		return nil, err
	}
	if len(in) != 1 || in[0].Type != onnx.Float32 || len(in[0].Shape) != 4 || in[0].Shape[1] != 3 || in[0].Shape[2] != in[0].Shape[3] {
		return nil, fmt.Errorf("%w: inputs %v: expected one of floats of shape [batch 3 side side]", onnx.ErrNotModel, in)
	}
	if len(out) != 1 || out[0].Type != onnx.Float32 || len(out[0].Shape) != 2 || out[0].Shape[0] != in[0].Shape[0] || out[0].Shape[1] < 1 {
		return nil, fmt.Errorf("%w: outputs %v: expected one of floats of shape [batch classes]", onnx.ErrNotModel, out)
	}
	n := &Network{device: on, size: in[0].Shape[2], classes: out[0].Shape[1], batch: in[0].Shape[0]}
	switch {
	case n.size == onnx.Batch && imageSize == 0:
		return nil, fmt.Errorf("%w: expected --image-size", ErrOpenSize)
	case n.size == onnx.Batch:
		n.size = imageSize
	case imageSize != 0 && imageSize != n.size:
		return nil, fmt.Errorf("%w: --image-size %d: the model takes images of %d pixels", ErrImages, imageSize, n.size)
	}
	if n.size > model.MaxImageSize || n.batch > maxModelPixels/(n.size*n.size) || n.classes > maxClasses {
		return nil, fmt.Errorf("%w: it takes %d images of %d pixels at once and has %d classes: expected at most %d pixels a side, %d in all and %d classes",
			onnx.ErrNotModel, max(1, n.batch), n.size, n.classes, model.MaxImageSize, maxModelPixels, maxClasses)
	}
	if n.batch == onnx.Batch {
		n.batch = runImages(n.size)
	}
	n.bytes = 2 * 4 * float64(n.batch) * float64(3*n.size*n.size+n.classes) // on both sides
	if n.session, err = onnx.NewIsolatedSession(ctx, data, onnx.SessionOptions{Target: on}); err != nil {
		return nil, err
	}
	return n, nil
}

// Close frees the network.
func (n *Network) Close() error { return n.session.Close() }

// ImageSize is the side of the images it takes, in pixels.
func (n *Network) ImageSize() int { return n.size }

// Classes is the number of logits it answers with.
func (n *Network) Classes() int { return n.classes }

func (n *Network) check(im *Images) error {
	if im.Size != n.size {
		return fmt.Errorf("%w: %s are images of %d pixels: the network takes %d", ErrImages, im.Name, im.Size, n.size)
	}
	if im.Classes != n.classes {
		return fmt.Errorf("%w: %s have %d classes: the network has %d", ErrImages, im.Name, im.Classes, n.classes)
	}
	return nil
}

// Score evaluates the network on images first to first+count-1 (after the last
// comes the first again), in runs on the given number of threads. A context that
// ends stops it within a few milliseconds.
func (n *Network) Score(ctx context.Context, im *Images, first, count, threads int) (Score, error) {
	return n.score(ctx, nil, im, first, count, threads, func(int) {}, nil)
}

// answered is what was found out about a batch of images.
type answered struct {
	Tally       tally
	Predictions []Prediction
	Bad         []dataset.BadImage // of several ranks: what this one could not read
}

// score calls each with the number of images answered so far, and predicted, unless
// it is nil, with every answer in the order of the images, both from one goroutine
// at a time. The sums do not depend on the number of threads. Of several ranks rank r
// answers the batches i with i modulo the ranks = r, and reads no other images where
// these are read from disk; rank 0 calls and has the score. A job may be nil.
func (n *Network) score(ctx context.Context, j *job.Job, im *Images, first, count, threads int, each func(done int), predicted func(Prediction) error) (Score, error) {
	threads = max(1, threads)
	err := n.check(im)
	if err == nil {
		err = checkMemory(threads, n.batch, n.size, n.bytes)
	}
	runs := make(chan *run, threads)
	for range threads {
		var r *run
		if err == nil {
			r, err = n.newRun()
		}
		if err == nil {
			defer r.close()
			runs <- r
		}
	}
	if several(n.Ranks) {
		header := model.EvaluationInfo{Format: "network", ImageSize: n.size, Classes: n.classes, Weights: n.sum, Data: im.Name, Fingerprint: im.Fingerprint, Part: im.Part, Images: im.Len(), Device: string(n.device)}
		_, err = begin(ctx, n.Ranks, j, header, computedWith(n.device), nil, err)
	}
	if err != nil {
		return Score{}, err
	}
	var sum tally
	err = overRanks(ctx, n.Ranks, j, (count+n.batch-1)/n.batch, threads, func(ctx context.Context, i int) (answered, error) {
		r := <-runs
		defer func() { runs <- r }()
		return r.answer(ctx, im, first, i*n.batch, min((i+1)*n.batch, count), predicted != nil)
	}, func(_ int, a answered) error {
		sum.merge(a.Tally)
		for _, p := range a.Predictions {
			if err := predicted(p); err != nil {
				return err
			}
		}
		each(sum.Images)
		return im.addBad(a.Bad)
	})
	if err == nil && leads(n.Ranks) && sum.Images == 0 {
		err = fmt.Errorf("%w: %s: none of %d could be read", ErrImages, im.Name, count)
	}
	return sum.score(), err
}

// checkMemory refuses as many runs at once as would take more memory than there is.
func checkMemory(threads, batch, size int, bytes float64) error {
	return memory.Check(fmt.Sprintf("%d threads, each with a batch of %d at %d pixels,", threads, batch, size), float64(threads)*bytes)
}

// run is the tensors of one goroutine.
type run struct {
	n       *Network
	in, out *onnx.Tensor
}

func (n *Network) newRun() (*run, error) {
	in, err := onnx.NewTensor(nil, n.batch, 3, n.size, n.size)
	if err != nil {
		return nil, err
	}
	out, err := onnx.NewTensor(nil, n.batch, n.classes)
	if err != nil {
		in.Close()
		return nil, err
	}
	return &run{n, in, out}, nil
}

func (r *run) close() {
	r.in.Close()
	r.out.Close()
}

// answer evaluates images of a run that begins with image first, from one position of
// it to another, a batch at most.
func (r *run) answer(ctx context.Context, im *Images, first, from, to int, predict bool) (a answered, err error) {
	for c, err := range im.chunks(ctx, first+from, to-from, r.n.batch) {
		if err != nil {
			return a, err
		}
		c.first += from
		t, err := r.tally(ctx, c)
		if err != nil {
			return a, err
		}
		a.Tally.merge(t)
		if predict {
			a.Predictions = append(a.Predictions, r.predictions(c, im)...)
		}
	}
	if several(r.n.Ranks) {
		a.Bad, err = im.badBetween(first+from, first+to)
	}
	return a, err
}

// tally answers up to a batch of images. What a short chunk leaves free keeps
// the images before it, whose answers are not looked at.
func (r *run) tally(ctx context.Context, c chunk) (tally, error) {
	copy(r.in.Data, c.x)
	var t tally
	if err := r.n.session.RunTensors(ctx, []*onnx.Tensor{r.in}, []*onnx.Tensor{r.out}); err != nil {
		if r.n.file != "" && ctx.Err() == nil {
			err = fmt.Errorf("%s: %w", r.n.file, err)
		}
		return t, err
	}
	for i, label := range c.labels {
		if err := t.add(r.out.Data[i*r.n.classes:(i+1)*r.n.classes], label, c.first+i); err != nil {
			return t, err
		}
	}
	return t, nil
}

// Prediction is what a network answered to one image.
type Prediction struct {
	Image  string    `json:"image"` // its file below the folder of the data, or its number
	Label  int       `json:"label"`
	Top5   []int     `json:"top5"` // best first
	Logits []float32 `json:"logits"`
}

// predictions are the answers to the images of a chunk that was tallied.
func (r *run) predictions(c chunk, im *Images) []Prediction {
	out := make([]Prediction, len(c.labels))
	for i, label := range c.labels {
		z := slices.Clone(r.out.Data[i*r.n.classes : (i+1)*r.n.classes])
		out[i] = Prediction{im.set.Path(c.positions[i]), label, logits.Best(z, 5), z}
	}
	return out
}

// rate is a number of images in a time, per second.
func rate(images int, took time.Duration) float64 {
	return float64(images) / max(took.Seconds(), 1e-9)
}
