package steps

import (
	"context"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// evaluator asks networks of the trained supernet about held-out images.
func (r *run) evaluator(ctx context.Context, bn string) (*evaluation.Evaluator, error) {
	trained, err := training.ReadRun(r.folder)
	if err != nil {
		return nil, err
	}
	return evaluation.Open(ctx, evaluation.Source{
		Checkpoint: trained.Weights(training.OneShot), Data: r.dataFolder(), ImageSize: r.ImageSize, ClassOrder: r.ClassOrder,
		TrainPercent: r.TrainPercent, SplitSeed: trained.Stages[training.OneShot].SplitSeed, Images: r.SampleImages,
		BN: bn, Library: r.Library, Accept: r.checkData, Run: r.folder,
	})
}

// checkData refuses data that has changed since the step before.
func (r *run) checkData(now dataset.Identity) error { return r.data.Check(now) }

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
	e, err := r.evaluator(ctx, r.BN)
	if err != nil {
		return err
	}
	_, err = e.Sample(ctx, evaluation.SampleOptions{Num: num, Seed: seed, File: r.path(file), Table: r.table, LUT: r.LUT}, r.job)
	return err
}

func (r *run) contribute(ctx context.Context) error {
	if _, networks, err := r.readContributions(); err == nil && networks >= r.Contributions {
		return nil
	}
	e, err := r.evaluator(ctx, r.BN)
	if err != nil {
		return err
	}
	_, err = e.Contribute(ctx, evaluation.ContributeOptions{
		Networks: r.Contributions, Images: r.PinnedImages, Seed: r.seed(contributeSeed), File: r.path(contributionsFile),
	}, r.job)
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
