package model

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat"
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

// EncodeContributionRecord is the line of a contributions file for the network-th
// random network with a decision pinned.
func EncodeContributionRecord(network int, d Decision, accuracy float64) []byte {
	return EncodeRecord(contributionRecord{network, d.Name, accuracy})
}

// DecodeContributionRecords reads a contributions file (JSON lines, see
// [DecodeRecords]): accuracies in percent, [network][decision] in the order of
// [Space.Decisions]. The last network may lack decisions.
func DecodeContributionRecords(s *Space, data []byte) (info EvaluationInfo, accuracies [][]float64, whole int, err error) {
	decisions := s.Decisions()
	info, whole, err = DecodeRecords(data, ContributionsFormat, func(i int, line []byte) error {
		var r contributionRecord
		if err := strictJSON(line, &r); err != nil {
			return err
		}
		network, d := i/len(decisions), i%len(decisions)
		if want := decisions[d].Name; r.Network != network || r.Decision != want {
			return fmt.Errorf("%.80s of network %d: expected %s of network %d", r.Decision, r.Network, want, network)
		}
		if !(r.Accuracy >= 0 && r.Accuracy <= 100) {
			return fmt.Errorf("accuracy %v: expected 0 to 100 (percent)", r.Accuracy)
		}
		if d == 0 {
			accuracies = append(accuracies, nil)
		}
		accuracies[network] = append(accuracies[network], r.Accuracy)
		return nil
	})
	if err == nil && whole > 0 && info.Space != s.Name {
		err = fmt.Errorf("%w: they are of space %.40q: expected %s", ErrSamples, info.Space, s.Name)
	}
	if err != nil {
		return info, nil, 0, err
	}
	return info, accuracies, whole, nil
}

// NewContributions is the mean over the random networks that were measured with
// every decision, and how uncertain it is: spread holds the standard error of
// the base, and of every other value's difference from the base, in points; NaN
// for a single network. Accuracies are [network][decision] as
// [DecodeContributionRecords] returns them. The same networks are behind every
// decision, so what they have in common cancels in the differences.
func NewContributions(s *Space, accuracies [][]float64) (c, spread *Contributions, networks int, err error) {
	decisions := s.Decisions()
	for networks < len(accuracies) && len(accuracies[networks]) == len(decisions) {
		networks++
	}
	if networks == 0 {
		return nil, nil, 0, fmt.Errorf("%w: no random network was measured with all %d decisions yet", ErrSamples, len(decisions))
	}
	c, spread = s.newContributions(), s.newContributions()
	_, means := s.contributions(c)
	_, errs := s.contributions(spread)
	values, differences := make([]float64, networks), make([]float64, networks)
	for d := range decisions {
		for n := range networks {
			values[n] = accuracies[n][d]
			differences[n] = accuracies[n][d] - accuracies[n][0]
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
