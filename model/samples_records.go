package model

import (
	"fmt"
	"math"
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

// EncodeSampleRecord is the line of the index-th sample of a samples file.
func EncodeSampleRecord(s *Space, index int, sample Sample) []byte {
	return EncodeRecord(sampleRecord{
		Sample: index, Accuracy: sample.Accuracy, HalfAccuracies: sample.Halves, Top5: sample.Top5, Loss: sample.Loss,
		ExpectedLatencyMS: sample.ExpectedLatencyMS, Logits: s.Logits(sample.Path), Architecture: s.Architecture(sample.Path).String(),
	})
}

// DecodeSampleRecords reads a samples file (JSON lines, see [DecodeRecords]).
// Samples are numbered in their order; a number out of order, a network that is
// not of the space, or a string and logits that disagree are errors.
func DecodeSampleRecords(s *Space, data []byte) (info EvaluationInfo, samples []Sample, whole int, err error) {
	info, whole, err = DecodeRecords(data, SamplesFormat, func(i int, line []byte) error {
		var r sampleRecord
		if err := strictJSON(line, &r); err != nil {
			return err
		}
		if r.Sample != i {
			return fmt.Errorf("sample %d: expected %d", r.Sample, i)
		}
		sample, err := s.sampleOf(r)
		if err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		samples = append(samples, sample)
		return nil
	})
	if err == nil && whole > 0 && info.Space != s.Name {
		err = fmt.Errorf("%w: they are of space %.40q: expected %s", ErrSamples, info.Space, s.Name)
	}
	if err != nil {
		return info, nil, 0, err
	}
	return info, samples, whole, nil
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
