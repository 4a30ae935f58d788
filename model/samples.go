package model

import (
	"errors"
	"fmt"
	"math"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Sample is one network that was evaluated: a row of an accuracy LUT.
type Sample struct {
	Path              Path    // every block, on or off, with the option drawn for it
	Accuracy          float64 // measured, in percent
	ExpectedLatencyMS float64 // by the latency table in use when it was drawn

	// The rest is known of samples that this program measured.
	Top5   float64     // in percent
	Loss   float64     // mean cross-entropy
	Halves *[2]float64 // accuracy on two halves of the images; nil where not known
}

// ErrSamples is wrapped by errors about bytes that are no accuracy or
// contributions LUT.
var ErrSamples = errors.New("not an accuracy table")

// maxSamplesBytes bounds the tables that are read; 1,000 samples are 0.5 MB.
const maxSamplesBytes = 64 << 20

// DecodeSamples reads samples, recognised by content: this program's JSON lines
// (see [DecodeSampleRecords]) or a BINAS accuracy LUT (.pkl), a dict from
// architecture string to {expected_latency in seconds, accuracy in percent,
// logits}. Order is that of the file. Errors wrap ErrSamples and name the sample and field;
// a sample whose logits and string are not the same network is one. Damaged JSON
// lines are lost.
func DecodeSamples(s *Space, data []byte) (out []Sample, lost jsonl.Lost, err error) {
	data = sanitize.TrimBOM(data)
	if isRecords(data) {
		_, samples, lost, err := DecodeSampleRecords(s, data)
		if err == nil && len(samples) == 0 {
			err = fmt.Errorf("%w: it has no samples", ErrSamples)
			if lost.Count > 0 {
				err = fmt.Errorf("%w: %s", err, lost)
			}
		}
		return samples, lost, err
	}
	entries, err := decodeTable(data)
	if err != nil {
		return nil, lost, err
	}
	out = make([]Sample, 0, len(entries))
	for i, e := range entries {
		sample, err := s.sample(e)
		if err != nil {
			return nil, lost, fmt.Errorf("%w: sample %d of %d: %w", ErrSamples, i, len(entries), err)
		}
		out = append(out, sample)
	}
	return out, lost, nil
}

func decodeTable(data []byte) ([]pickle.Entry, error) {
	if len(data) > maxSamplesBytes {
		return nil, fmt.Errorf("%w: %d bytes: expected at most %d", ErrSamples, len(data), maxSamplesBytes)
	}
	v, err := pickle.Decode(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSamples, err)
	}
	entries, err := pickle.Entries(v)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSamples, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrSamples)
	}
	return entries, nil
}

func (s *Space) sample(e pickle.Entry) (Sample, error) {
	var out Sample
	if _, ok := pickle.Float(e.Value); ok {
		return out, fmt.Errorf("%.60q is a number: found a latency or contributions LUT, expected accuracies of networks", e.Key)
	}
	fields, err := pickle.Entries(e.Value)
	if err != nil {
		return out, fmt.Errorf("%.60q: %w", e.Key, err)
	}
	var logits []int
	var haveAccuracy, haveLogits bool
	for _, f := range fields {
		switch f.Key {
		case "accuracy":
			out.Accuracy, haveAccuracy = pickle.Float(f.Value)
			haveAccuracy = haveAccuracy && out.Accuracy >= 0 && out.Accuracy <= 100
		case "expected_latency":
			seconds, ok := pickle.Float(f.Value)
			if !ok || !(seconds >= 0) || math.IsInf(seconds, 1) {
				return out, fmt.Errorf("expected_latency is %s %v: expected seconds", pickle.TypeName(f.Value), seconds)
			}
			out.ExpectedLatencyMS = seconds * 1000
		case "logits":
			logits, haveLogits = ints(f.Value, s.logitsSize())
		}
	}
	if !haveAccuracy {
		return out, fmt.Errorf("accuracy: expected a number from 0 to 100 (percent)")
	}
	if !haveLogits {
		return out, fmt.Errorf("logits: expected a list of %d integers", s.logitsSize())
	}
	if out.Path, err = s.PathFromLogits(logits); err != nil {
		return out, err
	}
	return out, s.checkArchitecture(out.Path, e.Key)
}

// logitsSize is the number of integers that describe a path.
func (s *Space) logitsSize() int { return len(s.Stages) * (1 + s.MaxDepth) }

// ints reads a list of n integers.
func ints(v any, n int) ([]int, bool) {
	items, ok := pickle.Items(v)
	if !ok || len(items) != n {
		return nil, false
	}
	out := make([]int, n)
	for i, item := range items {
		if out[i], ok = pickle.Int(item); !ok {
			return nil, false
		}
	}
	return out, true
}

// EncodeSamples writes samples as BINAS reads them, in their order. Two
// samples of one network are an error: the form has room for one.
func EncodeSamples(s *Space, samples []Sample) ([]byte, error) {
	entries := make([]pickle.Entry, 0, len(samples))
	seen := make(map[string]int, len(samples))
	for i, sample := range samples {
		if err := s.CheckPath(sample.Path); err != nil {
			return nil, fmt.Errorf("encode sample %d: %w", i, err)
		}
		key := s.Architecture(sample.Path).String()
		if first, twice := seen[key]; twice {
			return nil, fmt.Errorf("encode samples %d and %d: they are the same network %s", first, i, key)
		}
		seen[key] = i
		entries = append(entries, pickle.Entry{Key: key, Value: []pickle.Entry{
			{Key: "expected_latency", Value: sample.ExpectedLatencyMS / 1000},
			{Key: "accuracy", Value: sample.Accuracy},
			{Key: "logits", Value: s.Logits(sample.Path)},
		}})
	}
	return pickle.Encode(entries)
}
