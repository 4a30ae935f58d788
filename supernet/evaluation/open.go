package evaluation

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/safetensors"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Source says which supernet is evaluated on which images. Zero fields stand for
// the defaults.
type Source struct {
	Checkpoint string             // file of the supernet's weights
	Data       string             // folder of the data set
	ImageSize  int                // pixels; 0 is that of the data set
	ClassOrder dataset.ClassOrder // of folders of images; "" is natural
	// TrainPercent is the share of the training images that the supernet was
	// trained on; the rest is what networks are evaluated on. 0 is 80; 100 evaluates
	// on the validation part of the set.
	TrainPercent int
	SplitSeed    uint64      // of that split
	Images       int         // that are evaluated on; 0 is all
	BN           string      // Running or Recalibrated; empty is Running
	BNImages     int         // training images that statistics are measured on; 0 is 500
	Threads      int         // 0 is one per processor
	Library      string      // ONNX Runtime; empty looks in the usual places
	Device       onnx.Target // that networks run on; empty is the processor. Statistics are measured on the processor
	Run          string      // folder of the run, which keeps the names of images that cannot be read; may be empty

	// Accept is asked about the data before anything else is done with it, and may
	// refuse it; nil takes any.
	Accept func(dataset.Identity) error
	// Trained is the data that the weights were trained on: other images are
	// normalised as that was. Nil takes the normalisation of the data set.
	Trained *dataset.Identity
	// MaxUnreadable is the share of the images that may be unreadable, as in
	// [dataset.Options].
	MaxUnreadable float64
	Crop          float64  // share of an image that is seen, as the weights know it; 0 is that of the data set
	Ranks         mpi.Comm // that evaluate together; nil: this process alone
}

// Defaults of [Source].
const (
	DefaultTrainPercent = 80
	DefaultBNImages     = 500
)

// Open reads a supernet and its images and loads ONNX Runtime. Errors name the
// file and what is wrong with it.
func Open(ctx context.Context, src Source) (*Evaluator, error) {
	if src.BN != "" && src.BN != Running && src.BN != Recalibrated {
		return nil, fmt.Errorf("statistics %q: expected %s or %s", src.BN, Running, Recalibrated)
	}
	data, err := safefile.Read(src.Checkpoint, supernet.MaxCheckpoint)
	if err != nil {
		return nil, err
	}
	c, err := supernet.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.Checkpoint, err)
	}
	classes, err := supernet.ClassesOf(c.Weights)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", src.Checkpoint, err)
	}
	train, images, id, err := src.sets(ctx, classes)
	if err != nil {
		return nil, err
	}
	e := &Evaluator{Weights: c.Weights, Threads: src.Threads, Ranks: src.Ranks, WeightsSum: sum(c.Weights), Choice: c.Choice()}
	if e.Space, _, err = supernet.SpaceOf(c.Weights, images.Size); err != nil {
		return nil, fmt.Errorf("%s: %w", src.Checkpoint, err)
	}
	if e.Images, err = Load(ctx, images, src.Images); err != nil {
		return nil, err
	}
	src.label(e.Images, images, id)
	if src.BN == Recalibrated {
		if e.Calibration, err = Load(ctx, train, src.bnImages()); err != nil {
			return nil, err
		}
		e.Calibration.Run = src.Run
	}
	if err := src.load(); err != nil {
		return nil, err
	}
	e.Device, e.Computed = src.Device, computedWith(src.Device)
	return e, e.Check()
}

// load loads ONNX Runtime and sees to it that the device is there.
func (src Source) load() error {
	library, err := onnx.OpenFor(src.Library, src.Device)
	if err != nil || src.Device == "" {
		return err
	}
	if err := src.Device.Check(); err != nil {
		return fmt.Errorf("ONNX Runtime %s from %s: %w", library.Version, library.Path, err)
	}
	return nil
}

// computedWith names what the last digits of accuracies depend on: the processor or
// card and the library that is loaded.
func computedWith(device onnx.Target) string {
	library, _ := onnx.Loaded()
	return fmt.Sprintf("%s with ONNX Runtime %s", cmp.Or(device.Describe(), latency.Processor()), library.Version)
}

// sets are the images trained on and those evaluated on, and which data they are of.
func (src Source) sets(ctx context.Context, classes int) (train, images *dataset.Set, id dataset.Identity, err error) {
	train, images, err = dataset.Open(ctx, src.Data, dataset.Options{
		Size: src.ImageSize, Classes: classes, ClassOrder: src.ClassOrder, ValAlone: src.trainPercent() == 100 && src.BN != Recalibrated, MaxUnreadable: src.MaxUnreadable,
	})
	if err == nil {
		id, err = dataset.Identify(ctx, train, images)
	}
	if err == nil && src.Accept != nil {
		err = src.Accept(id)
	}
	if err == nil {
		err = dataset.UsePack(ctx, id, false, train, images)
	}
	if err != nil {
		return nil, nil, id, err
	}
	for _, s := range []*dataset.Set{train, images} {
		if s != nil {
			s.PrepareAs(src.Trained, src.Crop)
		}
	}
	if percent := src.trainPercent(); percent != 100 {
		train, images, err = train.Split(percent, src.SplitSeed)
	}
	return train, images, id, err
}

func (src Source) trainPercent() int {
	if src.TrainPercent == 0 {
		return DefaultTrainPercent
	}
	return src.TrainPercent
}

func (src Source) bnImages() int {
	if src.BNImages == 0 {
		return DefaultBNImages
	}
	return src.BNImages
}

// label says which images of a set are evaluated on, and of which data.
func (src Source) label(im *Images, set *dataset.Set, id dataset.Identity) {
	im.Part, im.Fingerprint, im.Run = set.Part, id.Fingerprint, src.Run
	if percent := src.trainPercent(); percent != 100 {
		im.Part = fmt.Sprintf("%s, %d%% held out with seed %d", set.Part, 100-percent, src.SplitSeed)
	}
	im.Name = set.Name + " " + im.Part
}

// OpenNetwork reads one network: an architecture with the weights of a supernet
// or of its own in src.Checkpoint, or an ONNX file, which says its architecture
// itself. Its images are the validation part of the data set, or with a
// TrainPercent below 100 what is held out of the training part.
func OpenNetwork(ctx context.Context, arch model.Architecture, src Source) (*Network, *Images, error) {
	src.TrainPercent = cmp.Or(src.TrainPercent, 100)
	if err := src.load(); err != nil {
		return nil, nil, err
	}
	data, err := safefile.Read(src.Checkpoint, supernet.MaxCheckpoint)
	if err != nil {
		return nil, nil, err
	}
	n, c, err := decodeNetwork(ctx, data, src)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", src.Checkpoint, err)
	}
	fail := func(err error) (*Network, *Images, error) {
		if n != nil {
			n.Close()
		}
		return nil, nil, err
	}
	var classes int
	if n != nil {
		src.ImageSize, classes = n.size, n.classes
	} else if classes, err = supernet.ClassesOf(c.Weights); err != nil {
		return fail(fmt.Errorf("%s: %w", src.Checkpoint, err))
	}
	train, set, id, err := src.sets(ctx, classes)
	if err != nil {
		return fail(err)
	}
	images, err := Load(ctx, set, src.Images)
	if err != nil {
		return fail(err)
	}
	src.label(images, set, id)
	together := func(n *Network) (*Network, *Images, error) {
		if n.Ranks = src.Ranks; several(n.Ranks) {
			n.sum = fmt.Sprintf("%x", sha256.Sum256(data))[:16]
		}
		return n, images, nil
	}
	if n != nil {
		return together(n)
	}
	w, err := childOf(arch, c.Weights, images.Size)
	if err != nil {
		return fail(fmt.Errorf("%s: %w", src.Checkpoint, err))
	}
	if src.BN == Recalibrated {
		calibration, err := Load(ctx, train, src.bnImages())
		if err != nil {
			return fail(err)
		}
		if w, err = Calibrate(ctx, arch, w, calibration); err != nil {
			return fail(err)
		}
	}
	if n, err = NewNetwork(arch, w, images.Size, classes, src.Device); err != nil {
		return fail(err)
	}
	n.Choice = c.Choice()
	return together(n)
}

// decodeNetwork reads an ONNX model or a checkpoint, recognised by content.
func decodeNetwork(ctx context.Context, data []byte, src Source) (*Network, supernet.Checkpoint, error) {
	if _, _, err := onnx.ModelIO(data); err == nil {
		n, err := OpenModel(ctx, data, filepath.Dir(src.Checkpoint), src.ImageSize, src.Device)
		if err == nil {
			n.file = src.Checkpoint
		}
		return n, supernet.Checkpoint{}, err
	}
	c, err := supernet.Decode(data)
	return nil, c, err
}

// ErrNetwork is wrapped by errors about a network that weights are not of.
var ErrNetwork = errors.New("not a network of these weights")

// childOf is the weights of an architecture, from a supernet or its own.
func childOf(arch model.Architecture, w onnx.StateDict, imageSize int) (onnx.StateDict, error) {
	if arch == nil {
		return nil, fmt.Errorf("%w: weights without an architecture: expected one, or an ONNX file", ErrNetwork)
	}
	if supernet.IsSupernet(w) {
		child, err := supernet.ChildOf(arch, w)
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrNetwork, err)
		}
		return child, err
	}
	s, p, err := model.SpaceOf(arch, imageSize)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNetwork, err)
	}
	_, err = supernet.CheckChild(s, p, w)
	return w, err
}

// sum is a check sum of weights: the first 16 hexadecimal digits of SHA-256 over
// names and values in the order of names. Counts of batches do not matter.
func sum(w onnx.StateDict) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(w)) {
		if len(w[name].Shape) == 0 {
			continue
		}
		io.WriteString(h, name+"\n")
		h.Write(safetensors.Float32s(w[name].Data))
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}
