package steps

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/model"
)

// Names of the predictors of a pipeline; their files are NAME.safetensors.
// The estimator is that of the measured contributions (Eq. 5 of the paper),
// the sampled one takes its contributions from the samples that the others are
// fitted on: the mean accuracy of those with a decision.
const (
	estimator        = "estimator"
	sampledEstimator = "sampled-estimator"
)

var predictors = []string{estimator, sampledEstimator, fit.Bilinear, fit.Quadratic, fit.MLP}

// Predictors lists the names of the predictors of a pipeline.
func Predictors() []string { return slices.Clone(predictors) }

// Ranking says how well a predictor ranks networks it was not fitted on.
type Ranking struct {
	Predictor   string        `json:"predictor"`
	Method      string        `json:"method"`
	Samples     int           `json:"samples"` // it was fitted on
	Metrics     model.Metrics `json:"metrics"`
	Kendall95   fit.Interval  `json:"kendall_95"`
	FitSeconds  float64       `json:"fit_seconds"`
	Predicted   []float64     `json:"predicted"` // percent, of the test networks
	TestSamples int           `json:"test_samples"`
}

// Ranked is the predictors of a pipeline and how they did on networks that none
// was fitted on. A pipeline publishes it after its step fit, also where an earlier
// start has done that.
type Ranked struct {
	Folder   string
	Chosen   string // name of the predictor that is searched with
	Rankings []Ranking
	Measured []float64 // accuracies of the test networks, percent
}

// File is the file of a predictor.
func (f Ranked) File(name string) string { return filepath.Join(f.Folder, predictorFile(name)) }

// LUT is the file of the latency table.
func (f Ranked) LUT() string { return filepath.Join(f.Folder, TableFile) }

// ReadRanked reads what the step fit of a pipeline has left in its folder.
func ReadRanked(folder string) (Ranked, error) {
	s, err := ReadPipeline(folder)
	if err != nil {
		return Ranked{}, err
	}
	r := &run{PipelineSettings: s, folder: folder}
	f := Ranked{Folder: folder, Chosen: s.Predictor}
	if err := r.readJSON(rankingFile, &f.Rankings); err != nil {
		return f, err
	}
	if r.space, err = model.NewSpace(s.Space, s.ImageSize); err != nil {
		return f, err
	}
	test, err := r.readTest()
	f.Measured = accuracies(test)
	return f, err
}

func predictorFile(name string) string { return name + ".safetensors" }

func (r *run) readSamples(file string) ([]model.Sample, error) {
	data, err := explore.ReadFile(r.path(file))
	if err != nil {
		return nil, err
	}
	samples, lost, err := model.DecodeSamples(r.space, data)
	r.lost(file, lost)
	return samples, err
}

// readTest reads the networks that predictors are judged on.
func (r *run) readTest() ([]model.Sample, error) {
	test, err := r.readSamples(testFile)
	return test[:min(len(test), r.TestSamples)], err
}

// lost says which lines of a file were left out.
func (r *run) lost(file string, lost jsonl.Lost) {
	if lost.Count > 0 && r.job != nil {
		r.job.Log(fmt.Sprintf("%s: %s", r.path(file), lost))
	}
}

func (r *run) readContributions() (c *model.Contributions, networks int, err error) {
	data, err := explore.ReadFile(r.path(contributionsFile))
	if err != nil {
		return nil, 0, err
	}
	_, accuracies, lost, err := model.DecodeContributionRecords(r.space, data)
	if err != nil {
		return nil, 0, err
	}
	r.lost(contributionsFile, lost)
	c, _, networks, err = model.NewContributions(r.space, accuracies)
	return c, networks, err
}

// fit makes the predictors and judges them on the test networks.
func (r *run) fit(ctx context.Context) error {
	samples, err := r.readSamples(samplesFile)
	if err != nil {
		return err
	}
	samples = samples[:min(len(samples), r.Samples)]
	test, err := r.readTest()
	if err != nil {
		return err
	}
	rankings := make([]Ranking, 0, len(predictors))
	for i, name := range predictors {
		r.progress("fit", i, len(predictors), 0, name)
		ranking, err := r.fitOne(ctx, name, samples, test)
		if name == sampledEstimator && errors.Is(err, model.ErrSamples) && r.Predictor != name {
			r.job.Log("left out: " + name + strings.TrimPrefix(err.Error(), model.ErrSamples.Error())) // a decision is in none of few samples
			continue
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		r.job.Log(fmt.Sprintf("%s: Kendall %.3f on %d networks", name, ranking.Metrics.Kendall, len(test)))
		rankings = append(rankings, ranking)
	}
	return r.writeJSON(rankingFile, rankings)
}

func (r *run) fitOne(ctx context.Context, name string, samples, test []model.Sample) (Ranking, error) {
	switch name {
	case estimator:
		c, networks, err := r.readContributions()
		if err != nil {
			return Ranking{}, err
		}
		measured := networks * len(r.space.Decisions())
		return r.estimate(ctx, name, c, measured, fmt.Sprintf("%d measurements of the estimator", measured), test)
	case sampledEstimator:
		c, err := model.ContributionsOf(r.space, samples)
		if err != nil {
			return Ranking{}, err
		}
		return r.estimate(ctx, name, c, len(samples), fmt.Sprintf("the estimator's means of %d networks", len(samples)), test)
	}
	t := NewFitting()
	t.Run, t.Kind, t.Seed, t.accuracyOf, t.status = r.folder, name, r.Seed, r.supernet(), r.at+"fit: "+name+", "
	t.from = &explore.Fitting{Settings: fit.Settings{Space: r.space}, Samples: samples, Test: test, Bootstrap: r.seed(bootstrapSeed)}
	done, err := t.Work(ctx, r.job)
	if err != nil {
		return Ranking{}, err
	}
	f := done.(Fitted)
	return Ranking{
		Predictor: name, Method: f.Method, Samples: f.Report.Samples, Metrics: f.Metrics, Kendall95: f.Kendall95,
		FitSeconds: f.Elapsed.Seconds(), Predicted: f.Predicted, TestSamples: len(test),
	}, nil
}

// estimate builds the estimator of contributions.
func (r *run) estimate(ctx context.Context, name string, c *model.Contributions, measured int, from string, test []model.Sample) (Ranking, error) {
	p := c.Estimator(r.space)
	predicted := make([]float64, len(test))
	for i, s := range test {
		predicted[i] = p.Accuracy(r.space.Encode(nil, s.Path, model.InactiveMean))
	}
	e, err := fit.Compare(ctx, predicted, accuracies(test), r.seed(bootstrapSeed))
	if err != nil {
		return Ranking{}, err
	}
	data, err := model.EncodePredictor(p, model.CheckpointInfo{
		Space: r.space.Name, Samples: measured, Source: "fitted on " + from + " of " + r.supernet(), Metrics: e.Metrics.Map(),
	})
	return Ranking{
		Predictor: name, Method: "contributions of decisions", Samples: measured, Metrics: e.Metrics, Kendall95: e.Kendall95,
		Predicted: e.Predicted, TestSamples: len(test),
	}, save(r.path(predictorFile(name)), data, err)
}

// supernet says what predicted accuracies are accuracies of.
func (r *run) supernet() string {
	return fmt.Sprintf("a supernet trained on %s at %d px", r.train.Name, r.ImageSize)
}
