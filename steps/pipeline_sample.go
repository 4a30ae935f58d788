package steps

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
)

// source is the supernet and the images held out from it. Which and how is in the
// folder, as for all that evaluate.
func (r *run) source() Source {
	s := newSource()
	s.Run, s.Data, s.Library, s.Device, s.Unreadable, s.Note = r.folder, r.Data, r.task.Library, r.task.Device, r.task.Unreadable, func(string) {} // the pipeline has said it
	return s
}

// evaluator asks networks of the trained supernet about held-out images.
func (r *run) evaluator(ctx context.Context, bn string) (*evaluation.Evaluator, error) {
	s := r.source()
	s.BN = bn
	s.give("bn")
	return s.open(ctx, "search", model.EvaluationInfo{})
}

// Seeds of what is drawn, so that no two steps draw the same networks.
const (
	sampleSeed = iota
	testSeed
	contributeSeed
	randomSeed
	bootstrapSeed
	seedsPerRun
)

func (r *run) seed(of uint64) uint64 { return r.Seed*seedsPerRun + of }

func (r *run) sample(ctx context.Context) error {
	return r.sampleTo(ctx, samplesFile, r.Samples, r.seed(sampleSeed))
}

func (r *run) sampleTest(ctx context.Context) error {
	return r.sampleTo(ctx, testFile, r.TestSamples, r.seed(testSeed))
}

func (r *run) sampleTo(ctx context.Context, file string, num int, seed uint64) error {
	if samples, err := r.readSamples(file); err == nil && len(samples) >= num {
		return nil
	}
	_, err := r.together(ctx, order{Step: Sample, File: file, Num: num, Seed: seed})
	return err
}

func (r *run) contribute(ctx context.Context) error {
	if _, networks, err := r.readContributions(); err == nil && networks >= r.Contributions {
		return nil
	}
	_, err := r.together(ctx, order{Step: Contribute})
	return err
}

// sampleStatistics sums up the accuracies of random networks, in percent.
type sampleStatistics struct {
	networks            int
	mean, spread        float64
	least, most         float64
	ceiling             float64 // Kendall's tau between accuracies on two halves of the images
	noiseCeilingIsKnown bool
}

func statisticsOf(samples []model.Sample) sampleStatistics {
	accuracy := accuracies(samples)
	s := sampleStatistics{networks: len(samples), least: slices.Min(accuracy), most: slices.Max(accuracy)}
	s.mean, s.spread = stat.MeanStdDev(accuracy, nil)
	tau, err := model.NoiseCeiling(samples)
	s.ceiling, s.noiseCeilingIsKnown = tau, err == nil
	return s
}
