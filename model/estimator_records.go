package model

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"

	"github.com/binas-tui/binas-tui/internal/jsonl"
)

// Decision is one of the measurements of the estimator: what is pinned while
// all else is random. Block is -1 where the depth of a stage is pinned; the base
// pins nothing and has -1 for both.
type Decision struct {
	Name          string // in a contributions LUT
	Block, Option int
	Stage, Depth  int // of a block, its stage and 0
}

// Decisions lists the measurements of the estimator in the order of BINAS's
// contributions LUT: the base first.
func (s *Space) Decisions() []Decision {
	out := []Decision{{Name: "base", Block: -1, Stage: -1}}
	for b := range s.NumBlocks() {
		stage, depth := b/s.MaxDepth, b%s.MaxDepth+1
		if depth >= s.MinDepth {
			out = append(out, Decision{Name: s.BetaName(stage, depth), Block: -1, Stage: stage, Depth: depth})
		}
		for o := range s.Options {
			out = append(out, Decision{Name: s.AlphaName(b, o), Block: b, Option: o, Stage: stage})
		}
	}
	return out
}

// contributionRecord is one line of a contributions file: one random network
// with one decision pinned.
type contributionRecord struct {
	Network  int     `json:"network"`  // from 0
	Decision string  `json:"decision"` // as in a contributions LUT
	Accuracy float64 `json:"accuracy"` // percent
}

// ContributionRecord is the accuracy of the network-th random network with a
// decision pinned, in percent, as a line of a contributions file holds it.
func ContributionRecord(network int, d Decision, accuracy float64) any {
	return contributionRecord{network, d.Name, accuracy}
}

// ContributionDecoder reads the lines of a contributions file.
type ContributionDecoder struct{ decisions map[string]int }

// NewContributionDecoder reads lines of a space.
func NewContributionDecoder(s *Space) ContributionDecoder {
	d := ContributionDecoder{map[string]int{}}
	for i, decision := range s.Decisions() {
		d.decisions[decision.Name] = i
	}
	return d
}

// maxNetworks bounds the random networks of a contributions file.
const maxNetworks = 1 << 16

// Decode reads a line: which network, counted from 0, which of the decisions of
// [Space.Decisions], and the accuracy in percent.
func (d ContributionDecoder) Decode(object []byte) (network, decision int, accuracy float64, err error) {
	var r contributionRecord
	if err := strictJSON(object, &r); err != nil {
		return 0, 0, 0, err
	}
	decision, known := d.decisions[r.Decision]
	if !known || r.Network < 0 || r.Network >= maxNetworks {
		return 0, 0, 0, fmt.Errorf("decision %.80q of network %d: expected one of %d, of network 0 to %d", r.Decision, r.Network, len(d.decisions), maxNetworks-1)
	}
	if !(r.Accuracy >= 0 && r.Accuracy <= 100) {
		return 0, 0, 0, fmt.Errorf("accuracy %v: expected 0 to 100 (percent)", r.Accuracy)
	}
	return r.Network, decision, r.Accuracy, nil
}

// DecodeContributionRecords reads a contributions file: JSON lines (package jsonl),
// the first of which is an [EvaluationInfo]. Accuracies are in percent,
// [network][decision] in the order of [Space.Decisions], NaN where one is not
// there. Damaged lines are lost, and a measurement that is there again.
func DecodeContributionRecords(s *Space, data []byte) (info EvaluationInfo, accuracies [][]float64, lost jsonl.Lost, err error) {
	d := NewContributionDecoder(s)
	info, lost, err = s.decodeRecords(data, ContributionsFormat, func(object []byte) error {
		network, decision, accuracy, err := d.Decode(object)
		if err != nil {
			return err
		}
		for len(accuracies) <= network {
			accuracies = append(accuracies, unmeasured(len(d.decisions)))
		}
		at := &accuracies[network][decision]
		if !math.IsNaN(*at) {
			return fmt.Errorf("decision %d of network %d is there again", decision, network)
		}
		*at = accuracy
		return nil
	})
	if err != nil {
		return info, nil, lost, err
	}
	return info, accuracies, lost, nil
}

// unmeasured is n accuracies that are not known.
func unmeasured(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.NaN()
	}
	return out
}

// NewContributions is the mean over the random networks that were measured with
// every decision (no accuracy is NaN), and how uncertain it is: spread holds the standard error of
// the base, and of every other value's difference from the base, in points; NaN
// for a single network. Accuracies are [network][decision] as
// [DecodeContributionRecords] returns them. The same networks are behind every
// decision, so what they have in common cancels in the differences.
func NewContributions(s *Space, accuracies [][]float64) (c, spread *Contributions, networks int, err error) {
	decisions := s.Decisions()
	var whole [][]float64
	for _, network := range accuracies {
		if len(network) == len(decisions) && !slices.ContainsFunc(network, math.IsNaN) {
			whole = append(whole, network)
		}
	}
	if networks = len(whole); networks == 0 {
		return nil, nil, 0, fmt.Errorf("%w: no random network was measured with all %d decisions yet", ErrSamples, len(decisions))
	}
	c, spread = s.newContributions(), s.newContributions()
	_, means := s.contributions(c)
	_, errs := s.contributions(spread)
	values, differences := make([]float64, networks), make([]float64, networks)
	for d := range decisions {
		for n := range networks {
			values[n] = whole[n][d]
			differences[n] = whole[n][d] - whole[n][0]
		}
		if d == 0 {
			copy(differences, values)
		}
		*means[d] = stat.Mean(values, nil)
		*errs[d] = stat.StdDev(differences, nil) / math.Sqrt(float64(networks))
	}
	return c, spread, networks, nil
}

// ContributionsOf estimates contributions from samples: the mean accuracy, and
// that of the samples which have a decision. A decision that no sample has is an
// error. Every sample counts for all its decisions, so for an equal number of
// evaluations the means are less noisy than one measurement a decision.
func ContributionsOf(s *Space, samples []Sample) (*Contributions, error) {
	c, counts := s.newContributions(), s.newContributions()
	_, sums := s.contributions(c)
	names, ns := s.contributions(counts)
	add := func(i int, accuracy float64) { *sums[i] += accuracy; *ns[i]++ }
	decisions := s.Decisions()
	for i, sample := range samples {
		if err := s.CheckPath(sample.Path); err != nil {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		for k, d := range decisions {
			if s.Has(sample.Path, d) {
				add(k, sample.Accuracy)
			}
		}
	}
	for i, n := range ns {
		if *n == 0 {
			return nil, fmt.Errorf("%w: none of %d samples has %s: more samples are needed", ErrSamples, len(samples), names[i])
		}
		*sums[i] /= *n
	}
	return c, nil
}

// Has reports whether a path is one that a decision pins: the base always.
func (s *Space) Has(p Path, d Decision) bool {
	switch {
	case d.Block >= 0:
		return s.Active(p, d.Block) && p.Option[d.Block] == d.Option
	case d.Stage >= 0:
		return p.Depth[d.Stage] == d.Depth
	}
	return true
}
