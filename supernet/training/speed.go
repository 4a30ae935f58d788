package training

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// Cost is what a training takes on this machine.
type Cost struct {
	Seconds float64 `json:"seconds"`
	Memory  float64 `json:"memory_bytes"` // of the process at its peak
	Disk    float64 `json:"disk_bytes"`   // of the run folder
}

// Steps that a measurement takes, in each of two epochs: about a second of them, by
// a guess of this many multiplications a second.
const (
	leastMeasured, mostMeasured = 3, 20
	guessedMACs                 = 60e9
)

// measuredImages are validated in a measurement.
const measuredImages = 256

// Estimate trains some steps on some of the images, in a folder of their own and
// from weights that are drawn, and says what the whole training will take. It is
// right where the machine does the same beside it then as now. FineTune without an
// architecture is that of one in the middle of the space.
func Estimate(ctx context.Context, s Settings, o Options) (Cost, error) {
	if err := o.Check(s); err != nil {
		return Cost{}, err
	}
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return Cost{}, err
	}
	if s.Stage == FineTune && s.Arch == "" {
		s.Arch = space.Architecture(middlePath(space)).String()
	}
	cost, err := s.cost()
	if err != nil {
		return Cost{}, err
	}
	o.Heaviest = supernet.Init{Seed: 1, ResidualScale: 1}.Weights(supernet.ChildLayout(space, space.HeaviestPath(), s.Classes))
	if o.Supernet, err = supernet.FromHeaviest(space, o.Heaviest); err != nil {
		return Cost{}, err
	}
	m, err := s.measure(ctx, o, cost)
	if err != nil {
		return Cost{}, err
	}
	step, parts := m.step, float64(s.BatchSize/s.engineBatch()) // of a step, one after the other
	if s.Stage == OneShot && s.Sampling != SampleImage {
		// That was a sandwich of the heaviest and the smallest network: what a path costs
		// beside its teacher follows from random ones. A sandwich is taught once a step.
		teaching := 0.0
		if s.GammaKnowledge > 0 {
			plain := s
			plain.GammaKnowledge = 0
			alone, err := plain.measure(ctx, o, cost)
			if err != nil {
				return Cost{}, err
			}
			teaching = max(0, m.step-alone.step)
		}
		pair := m.step - teaching
		if path := pair / 2 * pathShare(space, s.Classes); s.Sampling == SampleSandwich {
			step = teaching + pair + float64(s.Paths-2)*path
		} else {
			step = teaching + path
		}
	}
	steps := float64(s.TotalEpochs() * (s.Images / s.BatchSize))
	validated := float64(s.HeldOut)
	if s.Validation > 0 {
		validated = min(validated, float64(s.Validation))
	}
	c := Cost{Disk: m.disk, Memory: baseMemory + cost.TrainBytes(s.copies(fittingCopies)*s.engineBatch())}
	c.Seconds = m.start + steps*parts*step + float64(s.TotalEpochs())*(m.writing+validated*m.validating)
	return c, nil
}

// Guess is what a training takes in seconds, guessed from its multiplications: a
// machine that trains takes longer.
func (s Settings) Guess() float64 {
	cost, err := s.cost()
	if err != nil {
		return 0
	}
	return 3 * float64(cost.MACs) * float64(s.TotalEpochs()) * float64(s.Images) / guessedMACs
}

// baseMemory is what the process takes beside the maps of a step: ONNX Runtime, its
// sessions and the images that are read ahead.
const baseMemory = 400e6

// measured are times in seconds, and bytes.
type measured struct {
	start, step, writing float64
	validating           float64 // an image, of all networks that are validated
	disk                 float64
}

// measure times the second of two short epochs: in the first, sessions are opened and
// images decoded.
func (s Settings) measure(ctx context.Context, o Options, cost model.Cost) (m measured, err error) {
	dir, err := os.MkdirTemp("", "binas-tui-estimate-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	s.BatchSize, s.MicroBatches = s.engineBatch(), 0
	if s.Stage == OneShot && s.Sampling != SampleImage {
		s.Paths, s.Sampling = 2, SampleSandwich
	}
	steps := int(guessedMACs / (3 * float64(cost.MACs) * float64(s.BatchSize)))
	steps = min(max(steps, leastMeasured), mostMeasured, o.Train.Len()/s.BatchSize)
	if steps < 1 {
		return m, fmt.Errorf("%w: batch-size %d: there are %d images", ErrSettings, s.BatchSize, o.Train.Len())
	}
	o.Train = o.Train.Spread(steps * s.BatchSize)
	if o.HeldOut != nil {
		o.HeldOut = o.HeldOut.Spread(measuredImages)
	}
	s = s.For(o.Train, o.HeldOut)
	s.Epochs, s.CooldownEpochs, s.WarmupEpochs, s.ReorderBatches, s.Validation, s.LR, s.MinLR = 2, 0, 0, 0, 0, 1e-6, 0
	o.Folder, o.Data, o.CheckpointEvery, o.Log, o.Calibrate = dir, nil, time.Hour, nil, anyRanges
	begun, last, at := time.Now(), time.Now(), 0
	o.Progress = func(p Progress) {
		took := time.Since(last).Seconds()
		last = time.Now()
		switch {
		case p.Step <= steps && p.Doing == "training" && p.Step > 0 && m.start == 0:
			m.start = time.Since(begun).Seconds()
		case p.Doing == "training" && p.Step > at && p.Step > steps:
			m.step += took / float64(steps)
		case p.Doing == "training" && p.Step == 2*steps:
			m.writing = took
		}
		at = p.Step
	}
	o.Metric = func(line Metric) {
		if len(line.Validation) > 0 {
			m.validating = time.Since(last).Seconds() / float64(max(line.Validation[0].Images, 1))
			last = time.Now()
		}
	}
	if _, err = Train(ctx, s, o); err != nil {
		return m, err
	}
	return m, filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				m.disk += float64(info.Size())
			}
		}
		return err
	})
}

// anyRanges calibrates nothing: a step takes as long whatever the ranges.
func anyRanges(_ context.Context, arch model.Architecture, w onnx.StateDict) (onnx.Calibrated, error) {
	classes, err := supernet.ClassesOf(w)
	if err != nil {
		return nil, err
	}
	g, err := onnx.Network(arch, w, onnx.NetworkOptions{Classes: classes})
	if err != nil {
		return nil, err
	}
	ranges := onnx.Calibrated{}
	for _, name := range g.Ranged() {
		ranges[name], _ = onnx.AnyRange(name) // cannot fail
	}
	return ranges, nil
}

// middlePath has every decision in the middle.
func middlePath(s *model.Space) model.Path {
	p := s.HeaviestPath()
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + s.NumDepths()/2
	}
	for b := range p.Option {
		if p.Option[b] = s.NumOptions() / 2; !s.Active(p, b) {
			p.Option[b] = model.Off
		}
	}
	return p
}

// pathShare is what a random path costs, of the mean of the heaviest and the
// smallest: by multiplications and by maps, half each.
func pathShare(s *model.Space, classes int) float64 {
	of := func(p model.Path) (macs, maps float64) {
		c, _ := s.Architecture(p).Cost(s.ImageSize, classes) // of this space: cannot fail
		return float64(c.MACs), float64(c.MapBytes)
	}
	const paths = 100
	var macs, maps float64
	rng := rand.New(rand.NewPCG(1, 1))
	for range paths {
		a, b := of(uniformPath(s, rng))
		macs, maps = macs+a/paths, maps+b/paths
	}
	mostMACs, mostMaps := of(s.HeaviestPath())
	leastMACs, leastMaps := of(smallestPath(s))
	return macs/(mostMACs+leastMACs) + maps/(mostMaps+leastMaps)
}
