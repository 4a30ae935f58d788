package training

import (
	"context"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
)

// Cost is what a training takes on this machine.
type Cost struct {
	Seconds float64 `json:"seconds"`
	Memory  float64 `json:"memory_bytes"` // of the process at its peak, without what it has of a card's
	Disk    float64 `json:"disk_bytes"`   // of the run folder
}

// Steps that a measurement takes, in each of two epochs: about two seconds of them,
// by a guess of this many multiplications a second.
const (
	leastMeasured, mostMeasured = 4, 40
	measuredSeconds             = 2
	guessedMACs                 = 60e9
)

// measuredImages are validated in a measurement.
const measuredImages = 256

// Estimate trains some steps on some of the images, in a folder of their own and
// from weights that are drawn, and says what the whole training will take. It is
// right where the machine does the same beside it then as now. FineTune without an
// architecture is that of one that costs what networks at latencies spread over the
// space do in the mean.
func Estimate(ctx context.Context, s Settings, o Options) (Cost, error) {
	if err := o.Check(s); err != nil {
		return Cost{}, err
	}
	space, err := model.NewSpace(s.Space, s.ImageSize)
	if err != nil {
		return Cost{}, err
	}
	if s.Stage == FineTune && s.Arch == "" {
		s.Arch = space.Architecture(typicalPath(space)).String()
	}
	cost, err := s.cost()
	if err != nil {
		return Cost{}, err
	}
	o.Heaviest = supernet.Init{Seed: 1, ResidualScale: 1}.Weights(supernet.ChildLayout(space, space.HeaviestPath(), s.Classes))
	if o.Supernet, err = supernet.FromHeaviest(space, o.Heaviest); err != nil {
		return Cost{}, err
	}
	m, err := s.measure(ctx, o, space, cost)
	if err != nil {
		return Cost{}, err
	}
	parts := float64(s.BatchSize / s.engineBatch()) // of a step, one after the other
	steps := float64(s.TotalEpochs() * (s.Images / s.BatchSize))
	validated := float64(s.HeldOut)
	if s.Validation > 0 {
		validated = min(validated, float64(s.Validation))
	}
	maps := s.copies(fittingCopies) * s.engineBatch()
	if o.Target.Kind() != onnx.CPU {
		maps = 0 // they are in the card's memory
	}
	c := Cost{Disk: m.disk, Memory: baseMemory + cost.TrainBytes(maps)}
	c.Seconds = m.start + m.opening + steps*parts*m.step + float64(s.TotalEpochs())*(m.writing+validated*m.validating)
	return c, nil
}

// Guess is what a training takes in seconds, guessed from its multiplications: a
// machine that trains takes longer.
func (s Settings) Guess() float64 {
	return 3 * s.GuessImage() * float64(s.TotalEpochs()) * float64(s.Images)
}

// GuessImage is what the heaviest network takes for an image, in seconds, likewise.
func (s Settings) GuessImage() float64 {
	cost, err := s.cost()
	if err != nil {
		return 0
	}
	return float64(cost.MACs) / guessedMACs
}

// baseMemory is what the process takes beside the maps of a step: ONNX Runtime, its
// sessions and the images that are read ahead.
const baseMemory = 400e6

// measured are times in seconds, and bytes.
type measured struct {
	start, step float64 // until the first step is done; one of the others
	opening     float64 // of sessions for what later steps have first
	writing     float64 // what an epoch takes beside its steps and validation
	validating  float64 // an image, of all networks that are validated
	disk        float64
}

// measure trains two short epochs.
func (s Settings) measure(ctx context.Context, o Options, space *model.Space, cost model.Cost) (m measured, err error) {
	dir, err := os.MkdirTemp("", "binas-tui-estimate-")
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(dir)
	random := 0 // paths that are drawn for what runs at once
	s.BatchSize, s.MicroBatches = s.engineBatch(), 0
	switch {
	case s.Stage != OneShot:
	case s.Sampling == SampleBatch:
		s.Paths, random = 1, 1
	case s.Sampling == SampleSandwich:
		random = s.Paths - 2
	}
	steps := int(measuredSeconds * guessedMACs / (3 * float64(cost.MACs) * float64(s.BatchSize)))
	steps = min(max(steps, leastMeasured), mostMeasured, o.Train.Len()/s.BatchSize)
	if steps < 1 {
		return m, fmt.Errorf("%w: batch-size %d: there are %d images", ErrSettings, s.BatchSize, o.Train.Len())
	}
	o.Train = o.Train.Spread(steps * s.BatchSize)
	validated := 0
	if o.HeldOut != nil {
		o.HeldOut = o.HeldOut.Spread(measuredImages)
		validated = o.HeldOut.Len()
	}
	s = s.For(o.Train, o.HeldOut)
	s.Epochs, s.CooldownEpochs, s.WarmupEpochs, s.ReorderBatches, s.Validation, s.Patience, s.LR, s.MinLR = 2, 0, 0, 0, 0, 0, 1e-6, 0
	o.Folder, o.Data, o.CheckpointEvery, o.Log, o.Calibrate = dir, nil, time.Hour, nil, anyRanges
	begun, last, at := time.Now(), time.Now(), 0
	var took []float64 // by each step, after the first
	o.Progress = func(p Progress) {
		now := time.Now()
		if p.Doing == "training" && p.Step > at {
			if at = p.Step; m.start == 0 {
				m.start = now.Sub(begun).Seconds()
			} else {
				took = append(took, now.Sub(last).Seconds())
			}
		}
		last = now
	}
	o.Metric = func(line Metric) {
		if len(line.Validation) > 0 {
			m.validating = time.Since(last).Seconds() / float64(max(line.Validation[0].Images, 1))
		}
	}
	if _, err = Train(ctx, s, o); err != nil {
		return m, err
	}
	rest := time.Since(begun).Seconds() - m.start
	for _, t := range took {
		rest -= t
	}
	m.writing = max(0, rest/2-m.validating*float64(validated))
	if m.step = stat.Mean(took[len(took)/2:], nil); random > 0 {
		m.step, m.opening = settled(took, math.Pow(1-1/float64(space.NumOptions()), float64(random)))
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

// settled is what steps come to take, and what they take beside that in all, by what
// those after the first took: step t opens sessions for the choices that no step
// before drew, which are new as q^t. Both by least squares.
func settled(took []float64, q float64) (step, opening float64) {
	isNew := make([]float64, len(took))
	for t := range took {
		isNew[t] = math.Pow(q, float64(t+1))
	}
	if step, slope := stat.LinearRegression(isNew, took, nil, false); slope > 0 && step > 0 {
		return step, slope * q / (1 - q)
	}
	return stat.Mean(took, nil), 0
}

// typicalPath costs what networks at latencies spread over the space do in the mean:
// depths are in the middle, options a quarter up their list. Latencies in the middle of
// the range are reached by networks of far fewer multiplications than the middle's.
func typicalPath(s *model.Space) model.Path {
	p := s.HeaviestPath()
	for i := range p.Depth {
		p.Depth[i] = s.MinDepth + s.NumDepths()/2
	}
	for b := range p.Option {
		if p.Option[b] = s.NumOptions() / 4; !s.Active(p, b) {
			p.Option[b] = model.Off
		}
	}
	return p
}
