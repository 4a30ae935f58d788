package evaluation

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// SampleOptions say which random networks are evaluated.
type SampleOptions struct {
	Num   int            // networks
	Seed  uint64         // sample i depends on seed and i alone
	File  string         // of records; an existing one is resumed
	Table *latency.Table // gives the expected latency; nil: none
	LUT   string         // name of the table, for the records
	Shard *model.Shard   // of the samples that are evaluated; nil: all
}

// Samples are the networks evaluated so far: the result of [Evaluator.Sample]
// while it runs.
type Samples []model.Sample

// Accuracy is the mean and the standard deviation of the accuracies, in percent.
func (s Samples) Accuracy() (mean, deviation float64) {
	accuracies := make([]float64, len(s))
	for i := range s {
		accuracies[i] = s[i].Accuracy
	}
	return stat.MeanStdDev(accuracies, nil)
}

// Sample evaluates random networks on all images of the evaluator, and appends
// each to the file as soon as it is done. It returns the samples of the file whose
// numbers are below Num. Of several ranks, all of which call it, rank 0 has file and
// samples, the others none. Errors wrap ErrRecords where the file was made with other settings.
func (e *Evaluator) Sample(ctx context.Context, o SampleOptions, j *job.Job) (Samples, error) {
	if o.Num < 1 {
		return nil, fmt.Errorf("sample %d networks: expected at least 1", o.Num)
	}
	info := e.info(model.SamplesFormat, o.Seed, e.Images.Len(), o.Num, o.Shard)
	info.LUT = o.LUT
	have := map[int]model.Sample{}
	file, missing, err := e.begin(ctx, j, o.File, info, o.Num, func(object []byte) (int, error) {
		i, sample, err := e.Space.DecodeSampleRecord(object)
		if err == nil && o.Shard.Has(i) {
			have[i] = sample
		}
		return i, err
	})
	if err != nil {
		return nil, err
	}
	samples := inTurn(have, o.Num)
	if len(have) > 0 {
		j.Log(fmt.Sprintf("%d samples were there", len(have)))
	}
	start, shown := time.Now(), time.Time{}
	report := func(left time.Duration) {
		j.Progress(len(samples), o.Shard.Share(o.Num), left, sampleStatus(samples))
		if len(samples) > 0 && time.Since(shown) > partialEvery {
			shown = time.Now()
			j.Partial(samples[:len(samples):len(samples)])
		}
	}
	report(0)
	err = overRanks(ctx, e.Ranks, j, len(missing), e.threads(), func(ctx context.Context, k int) (model.Sample, error) {
		return e.sample(ctx, missing[k], o)
	}, func(k int, s model.Sample) error {
		i := missing[k]
		if err := file.Add(i, e.Space.SampleRecord(i, s)); err != nil {
			return err
		}
		have[i] = s
		samples = append(samples, s)
		report(job.Left(time.Since(start), k+1, len(missing)-1-k))
		return nil
	})
	if err = e.noteUnreadable(j, closeRecords(file, err)); err != nil {
		return nil, err
	}
	return inTurn(have, o.Num), nil
}

// inTurn is the samples below a number, in the order of their numbers.
func inTurn(have map[int]model.Sample, num int) (samples Samples) {
	for _, i := range slices.Sorted(maps.Keys(have)) {
		if i < num {
			samples = append(samples, have[i])
		}
	}
	return samples
}

// partialEvery is how often the results so far are published at most.
const partialEvery = time.Second

func sampleStatus(samples Samples) string {
	if len(samples) == 0 {
		return "evaluating"
	}
	best, last := 0.0, samples[len(samples)-1]
	for _, s := range samples {
		best = max(best, s.Accuracy)
	}
	return fmt.Sprintf("last %.2f %%, best %.2f %%", last.Accuracy, best)
}

// sample evaluates the i-th random network.
func (e *Evaluator) sample(ctx context.Context, i int, o SampleOptions) (model.Sample, error) {
	p := RandomPath(e.Space, o.Seed, i)
	score, err := e.evaluate(ctx, p, 0, e.Images.Len())
	if err != nil {
		return model.Sample{}, fmt.Errorf("sample %d: %w", i, err)
	}
	s := model.Sample{Path: p, Accuracy: score.Top1, Top5: score.Top5, Loss: score.Loss}
	if score.Images > 1 {
		s.Halves = &score.Halves
	}
	if o.Table != nil {
		s.ExpectedLatencyMS = o.Table.LatencyMS(e.Space, p)
	}
	return s, nil
}
