package evaluation

import (
	"context"
	"fmt"
	"runtime"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// Evaluator asks networks of one supernet about images. It may be used by many
// goroutines.
type Evaluator struct {
	Space   *model.Space
	Weights onnx.StateDict // of the supernet; not changed
	Images  *Images        // held out from training
	// Calibration are training images on which the statistics of every network
	// are measured before it is evaluated; nil keeps the supernet's running statistics.
	Calibration *Images
	Threads     int         // networks evaluated at once, one thread each; 0: as many as there are processors
	WeightsSum  string      // check sum of the weights, for the records
	Choice      string      // which of the weights in a file these are; see [supernet.Checkpoint.Choice]
	Ranks       mpi.Comm    // that evaluate together; nil: this process alone
	Device      onnx.Target // that networks run on; empty is the processor
	Computed    string      // processor and library, which the last digits depend on; "" is not known

	child func(ctx context.Context, p model.Path, first, count int) (Score, error) // in place of Child, in tests
}

// Check reports the first thing that does not fit: weights and space, images and
// weights. Errors name what was found and what was expected.
func (e *Evaluator) Check() error {
	classes, err := supernet.CheckSupernet(e.Space, e.Weights)
	if err != nil {
		return err
	}
	for _, im := range []*Images{e.Images, e.Calibration} {
		if im == nil {
			continue
		}
		if im.Classes != classes {
			return fmt.Errorf("%w: %s have %d classes: the supernet has %d", ErrImages, im.Name, im.Classes, classes)
		}
		if im.Size != e.Space.ImageSize {
			return fmt.Errorf("%w: %s are images of %d pixels: expected %d", ErrImages, im.Name, im.Size, e.Space.ImageSize)
		}
	}
	if e.Calibration != nil { // before records are begun, which bind
		if err := e.Calibration.checkCalibration(); err != nil {
			return err
		}
	}
	cost, err := e.Space.Architecture(e.Space.HeaviestPath()).Cost(e.Space.ImageSize, classes)
	if err != nil {
		return err
	}
	batch := runImages(e.Space.ImageSize)
	return checkMemory(e.threads(), batch, e.Space.ImageSize, cost.RunBytes(batch))
}

func (e *Evaluator) threads() int {
	if e.Threads > 0 {
		return e.Threads
	}
	return runtime.NumCPU()
}

// Child evaluates one network on images first to first+count-1 (after the last
// comes the first again), on one thread. It takes the time of a session
// (30-100 ms) and that of the images; a context that ends stops it in less than
// 200 ms.
func (e *Evaluator) Child(ctx context.Context, p model.Path, first, count int) (Score, error) {
	n, err := e.open(ctx, p)
	if err != nil {
		return Score{}, err
	}
	defer n.Close()
	return n.Score(ctx, e.Images, first, count, 1)
}

func (e *Evaluator) evaluate(ctx context.Context, p model.Path, first, count int) (Score, error) {
	if e.child != nil {
		return e.child(ctx, p, first, count)
	}
	return e.Child(ctx, p, first, count)
}

// open extracts a network and prepares it.
func (e *Evaluator) open(ctx context.Context, p model.Path) (*Network, error) {
	w, err := supernet.Child(e.Space, e.Weights, p)
	if err != nil {
		return nil, err
	}
	arch := e.Space.Architecture(p)
	if e.Calibration != nil {
		if w, err = Calibrate(ctx, arch, w, e.Calibration); err != nil {
			return nil, err
		}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return NewNetwork(arch, w, e.Space.ImageSize, e.Images.Classes, e.Device)
}

// info is the header of a records file of this evaluator, of num networks in all.
func (e *Evaluator) info(format string, seed uint64, images, num int, shard *model.Shard) model.EvaluationInfo {
	info := model.NewEvaluationInfo(format, e.Space)
	if shard != nil {
		own := model.Shard{Index: shard.Index, Of: shard.Of, Num: num}
		if e.Computed != "" {
			own.Computed = []string{e.Computed}
		}
		info.Shard = &own
	}
	info.Classes, info.Seed, info.Weights, info.Data, info.Images = e.Images.Classes, seed, e.WeightsSum, e.Images.Name, images
	info.Part, info.Fingerprint = e.Images.Part, e.Images.Fingerprint
	info.BN = e.BN()
	if e.Device != onnx.CPU {
		info.Device = string(e.Device)
	}
	if e.Calibration != nil {
		info.BNImages = e.Calibration.Len()
	}
	return info
}

// BN says which statistics the networks are evaluated with.
func (e *Evaluator) BN() string {
	if e.Calibration != nil {
		return Recalibrated
	}
	return Running
}

// The statistics of batch normalisation that children can be evaluated with:
// those the supernet gathered, as in the paper, or their own, measured anew.
const (
	Running      = "running"
	Recalibrated = "recalibrated"
)
