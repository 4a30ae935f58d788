package pipeline

import (
	"context"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// evaluator asks networks of the trained supernet about held-out images.
func (r *run) evaluator(ctx context.Context, bn string) (*evaluation.Evaluator, error) {
	file, err := r.weightsFile(training.OneShot)
	if err != nil {
		return nil, err
	}
	s, _, err := r.training(r.folder, training.OneShot, r.OneShotEpochs, r.TrainPercent)
	if err != nil {
		return nil, err
	}
	return evaluation.Open(ctx, evaluation.Source{
		Checkpoint: file, Data: r.dataFolder(), ImageSize: r.ImageSize,
		TrainPercent: r.TrainPercent, SplitSeed: s.SplitSeed, Images: r.SampleImages,
		BN: bn, Library: r.Library,
	})
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

// sampleStatistics sums up the accuracies of random networks.
type sampleStatistics struct {
	Networks            int     `json:"networks"`
	Mean, Spread        float64 // percent, points
	Least, Most         float64 // percent
	KendallOfHalves     float64 // Kendall's tau between accuracies on two halves of the images
	noiseCeilingIsKnown bool
}

func statisticsOf(samples []model.Sample) sampleStatistics {
	s := sampleStatistics{Networks: len(samples)}
	accuracy := accuracies(samples)
	s.Mean, s.Spread, s.Least, s.Most = meanSpread(accuracy)
	tau, err := model.NoiseCeiling(samples)
	s.KendallOfHalves, s.noiseCeilingIsKnown = tau, err == nil
	return s
}
