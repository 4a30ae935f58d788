package fit

import (
	"errors"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/model"
)

// ErrSamples is wrapped by errors about samples that nothing can be fitted on.
var ErrSamples = errors.New("samples cannot be fitted")

// Bounds of the number of samples.
const (
	minSamples = 10
	maxSamples = 200_000
)

// Duplicates counts networks that were sampled more than once. They are one
// sample each in the fit, with their mean accuracy.
type Duplicates struct {
	Networks   int     // that have several samples
	Samples    int     // left out of the fit as repetitions
	Differing  int     // networks whose samples have different accuracies
	WorstRange float64 // greatest difference of accuracies of one network, in points
}

// checkSample reports a sample that is not of the space, or of no finite accuracy.
func checkSample(s *model.Space, sample model.Sample) error {
	if err := s.CheckPath(sample.Path); err != nil {
		return err
	}
	if a := sample.Accuracy; math.IsNaN(a) || math.IsInf(a, 0) {
		return fmt.Errorf("accuracy %v: expected percent", a)
	}
	return nil
}

// distinct checks samples and merges those of one network. Order is that of
// the first of each.
func distinct(s *model.Space, samples []model.Sample) ([]model.Sample, Duplicates, error) {
	var out []model.Sample
	var counts []int
	var least, most []float64
	var d Duplicates
	seen := make(map[string]int, len(samples))
	var key []int8
	for i, sample := range samples {
		if err := checkSample(s, sample); err != nil {
			return nil, d, fmt.Errorf("%w: sample %d: %w", ErrSamples, i, err)
		}
		key = appendLevels(key[:0], s, sample.Path, model.InactiveMean)
		k, again := seen[network(key)]
		if !again {
			seen[network(key)] = len(out)
			out, counts = append(out, sample), append(counts, 1)
			least, most = append(least, sample.Accuracy), append(most, sample.Accuracy)
			continue
		}
		counts[k]++
		out[k].Accuracy += (sample.Accuracy - out[k].Accuracy) / float64(counts[k])
		least[k], most[k] = min(least[k], sample.Accuracy), max(most[k], sample.Accuracy)
	}
	for k, n := range counts {
		if n > 1 {
			d.Networks++
			d.Samples += n - 1
		}
		if most[k] > least[k] {
			d.Differing++
			d.WorstRange = max(d.WorstRange, most[k]-least[k])
		}
	}
	return out, d, checkSpread(out)
}

func network(levels []int8) string {
	b := make([]byte, len(levels))
	for i, l := range levels {
		b[i] = byte(l)
	}
	return string(b)
}

func checkSpread(samples []model.Sample) error {
	if n := len(samples); n < minSamples || n > maxSamples {
		return fmt.Errorf("%w: %d networks: expected %d to %d", ErrSamples, n, minSamples, maxSamples)
	}
	for _, s := range samples {
		if s.Accuracy != samples[0].Accuracy {
			return nil
		}
	}
	return fmt.Errorf("%w: all %d accuracies are %.4g %%: there is nothing to tell networks apart by",
		ErrSamples, len(samples), samples[0].Accuracy)
}

// Overlap is how many networks of test are among those of fitted: on them a
// predictor is tested with what it was fitted on.
func Overlap(s *model.Space, fitted, test []model.Sample) int {
	seen := make(map[string]bool, len(fitted))
	for _, sample := range fitted {
		seen[network(appendLevels(nil, s, sample.Path, model.InactiveMean))] = true
	}
	n := 0
	for _, sample := range test {
		if seen[network(appendLevels(nil, s, sample.Path, model.InactiveMean))] {
			n++
		}
	}
	return n
}

func split(samples []model.Sample) (paths []model.Path, accuracies []float64) {
	for _, s := range samples {
		paths, accuracies = append(paths, s.Path), append(accuracies, s.Accuracy)
	}
	return paths, accuracies
}
