package model

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/binas-tui/binas-tui/internal/jsonl"
)

// sampleRecord is one line of a samples file.
type sampleRecord struct {
	Sample            int         `json:"sample"` // from 0, in the order of the file
	Accuracy          float64     `json:"accuracy"`
	HalfAccuracies    *[2]float64 `json:"half_accuracies,omitempty"`
	Top5              float64     `json:"top5,omitempty"`
	Loss              float64     `json:"loss,omitempty"`
	ExpectedLatencyMS float64     `json:"expected_latency_ms,omitempty"`
	Logits            []int       `json:"logits"`
	Architecture      string      `json:"architecture"`
}

// SampleRecord is the index-th sample of a samples file as its line holds it.
func (s *Space) SampleRecord(index int, sample Sample) any {
	return sampleRecord{
		Sample: index, Accuracy: sample.Accuracy, HalfAccuracies: sample.Halves, Top5: sample.Top5, Loss: sample.Loss,
		ExpectedLatencyMS: sample.ExpectedLatencyMS, Logits: s.Logits(sample.Path), Architecture: s.Architecture(sample.Path).String(),
	}
}

// DecodeSampleRecord reads a line of a samples file. A network that is not of the
// space, or a string and logits that disagree, are errors.
func (s *Space) DecodeSampleRecord(object []byte) (index int, sample Sample, err error) {
	var r sampleRecord
	if err := strictJSON(object, &r); err != nil {
		return 0, sample, err
	}
	if r.Sample < 0 {
		return 0, sample, fmt.Errorf("sample %d: expected 0 or more", r.Sample)
	}
	if sample, err = s.sampleOf(r); err != nil {
		return 0, sample, fmt.Errorf("sample %d: %w", r.Sample, err)
	}
	return r.Sample, sample, nil
}

// DecodeSampleRecords reads a samples file: JSON lines (package jsonl), the first
// of which is an [EvaluationInfo]. Samples are returned in the order of their
// numbers. Damaged lines are lost, and a number that is there again.
func DecodeSampleRecords(s *Space, data []byte) (info EvaluationInfo, samples []Sample, lost jsonl.Lost, err error) {
	have := map[int]Sample{}
	info, lost, err = s.decodeRecords(data, SamplesFormat, func(object []byte) error {
		i, sample, err := s.DecodeSampleRecord(object)
		if err != nil {
			return err
		}
		if _, again := have[i]; again {
			return fmt.Errorf("sample %d is there again", i)
		}
		have[i] = sample
		return nil
	})
	if err != nil {
		return info, nil, lost, err
	}
	for _, i := range slices.Sorted(maps.Keys(have)) {
		samples = append(samples, have[i])
	}
	return info, samples, lost, nil
}

func (s *Space) sampleOf(r sampleRecord) (Sample, error) {
	out := Sample{Accuracy: r.Accuracy, Halves: r.HalfAccuracies, Top5: r.Top5, Loss: r.Loss, ExpectedLatencyMS: r.ExpectedLatencyMS}
	percents := []float64{r.Accuracy, r.Top5}
	if r.HalfAccuracies != nil {
		percents = append(percents, r.HalfAccuracies[:]...)
	}
	for _, v := range percents {
		if !(v >= 0 && v <= 100) {
			return out, fmt.Errorf("accuracy %v: expected 0 to 100 (percent)", v)
		}
	}
	for _, v := range []float64{r.Loss, r.ExpectedLatencyMS} {
		if !(v >= 0) || math.IsInf(v, 1) {
			return out, fmt.Errorf("loss %v, expected latency %v ms: expected at least 0", r.Loss, r.ExpectedLatencyMS)
		}
	}
	var err error
	if out.Path, err = s.PathFromLogits(r.Logits); err != nil {
		return out, err
	}
	return out, s.checkArchitecture(out.Path, r.Architecture)
}

// checkArchitecture reports a string that is not the network of the path.
func (s *Space) checkArchitecture(p Path, text string) error {
	want := s.Architecture(p).String()
	if want == text {
		return nil
	}
	arch, err := ParseArchitecture(text)
	if err != nil {
		return err
	}
	if got := arch.String(); got != want {
		return fmt.Errorf("the logits are of %s, the architecture is %s", want, got)
	}
	return nil
}

// NoiseCeiling is Kendall's tau between the accuracies of the samples on one
// half of the images and on the other: how well two measurements of the same
// networks agree, and so the rank correlation that no predictor can be shown to
// pass by much on half the images. It is an error where samples have no halves.
func NoiseCeiling(samples []Sample) (float64, error) {
	var halves [2][]float64
	for i, s := range samples {
		if s.Halves == nil {
			return 0, fmt.Errorf("noise ceiling: sample %d has no accuracies of two halves of the images", i)
		}
		halves[0], halves[1] = append(halves[0], s.Halves[0]), append(halves[1], s.Halves[1])
	}
	if len(samples) < 2 {
		return 0, fmt.Errorf("noise ceiling of %d samples: expected at least 2", len(samples))
	}
	return KendallTau(halves[0], halves[1]), nil
}
