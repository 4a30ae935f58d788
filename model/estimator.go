package model

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/jsonl"
	"github.com/binas-tui/binas-tui/internal/pickle"
	"github.com/binas-tui/binas-tui/internal/sanitize"
)

// Contributions are the measurements of the estimator (Eq. 5 of the
// paper): the mean accuracy over random networks, and the same with one
// decision pinned. All are accuracies in percent, not differences.
type Contributions struct {
	Base  float64
	Alpha []float64 // [block*options+option]: the block on, with that option
	Beta  []float64 // [stage*depths+depth-MinDepth]: the stage at that depth
}

// AlphaName is BINAS's name for one option of a block, for example
// stage_1-block_0|er_3_k_3_se_0.25.
func (s *Space) AlphaName(block, option int) string {
	o := s.Options[option]
	return fmt.Sprintf("stage_%d-block_%d|er_%s_k_%d_se_%s", block/s.MaxDepth+1, block%s.MaxDepth,
		formatFloat(o.Expansion), o.Kernel, formatFloat(o.SERatio))
}

// BetaName is BINAS's name for one depth of a stage (counted from 0): that of
// the last block that is on, for example stage_1-block_3 for depth 4.
func (s *Space) BetaName(stage, depth int) string {
	return fmt.Sprintf("stage_%d-block_%d", stage+1, depth-1)
}

// contributions lists the entries of a contributions LUT with where each belongs.
func (s *Space) contributions(c *Contributions) (names []string, values []*float64) {
	add := func(name string, v *float64) { names, values = append(names, name), append(values, v) }
	add("base", &c.Base)
	for b := range s.NumBlocks() {
		stage, k := b/s.MaxDepth, b%s.MaxDepth
		if depth := k + 1; depth >= s.MinDepth {
			add(s.BetaName(stage, depth), &c.Beta[stage*s.NumDepths()+depth-s.MinDepth])
		}
		for o := range s.Options {
			add(s.AlphaName(b, o), &c.Alpha[b*s.NumOptions()+o])
		}
	}
	return names, values
}

func (s *Space) newContributions() *Contributions {
	return &Contributions{Alpha: make([]float64, s.NumAlphas()), Beta: make([]float64, s.NumBetas())}
}

// DecodeContributions reads contributions, recognised by content: this program's
// JSON lines (see [NewContributions]) or a BINAS contributions LUT (.pkl). Errors
// wrap ErrSamples and name the entry that is missing, unknown or no accuracy.
// Damaged JSON lines are lost.
func DecodeContributions(s *Space, data []byte) (c *Contributions, lost jsonl.Lost, err error) {
	data = sanitize.TrimBOM(data)
	if isRecords(data) {
		_, accuracies, lost, err := DecodeContributionRecords(s, data)
		if err != nil {
			return nil, lost, err
		}
		c, _, _, err := NewContributions(s, accuracies)
		return c, lost, err
	}
	c, err = s.decodeContributions(data)
	return c, lost, err
}

// decodeContributions reads a BINAS contributions LUT.
func (s *Space) decodeContributions(data []byte) (*Contributions, error) {
	entries, err := decodeTable(data)
	if err != nil {
		return nil, err
	}
	c := s.newContributions()
	names, values := s.contributions(c)
	at := make(map[string]*float64, len(names))
	for i, name := range names {
		at[name] = values[i]
	}
	for _, e := range entries {
		v, ok := at[e.Key]
		if !ok {
			return nil, fmt.Errorf("%w: entry %.80q: expected base, stage_S-block_B or stage_S-block_B|er_E_k_K_se_SE of %s", ErrSamples, e.Key, s.Name)
		}
		delete(at, e.Key)
		if *v, ok = pickle.Float(e.Value); !ok || !(*v >= 0 && *v <= 100) {
			return nil, fmt.Errorf("%w: %s is %s %v: expected a number from 0 to 100 (percent)", ErrSamples, e.Key, pickle.TypeName(e.Value), *v)
		}
	}
	for _, name := range names {
		if at[name] != nil {
			return nil, fmt.Errorf("%w: no entry %s (%d of %d are missing)", ErrSamples, name, len(at), len(names))
		}
	}
	return c, nil
}

// EncodeContributions writes contributions as BINAS reads them.
func EncodeContributions(s *Space, c *Contributions) ([]byte, error) {
	if len(c.Alpha) != s.NumAlphas() || len(c.Beta) != s.NumBetas() {
		return nil, fmt.Errorf("contributions of %d alphas and %d betas: expected %d and %d", len(c.Alpha), len(c.Beta), s.NumAlphas(), s.NumBetas())
	}
	names, values := s.contributions(c)
	entries := make([]pickle.Entry, len(names))
	for i, name := range names {
		entries[i] = pickle.Entry{Key: name, Value: *values[i]}
	}
	return pickle.Encode(entries)
}

// Estimator is the predictor of Eq. 5: the base accuracy, plus what each
// active block's option and each stage's depth add to it. Options of the first
// block of a stage, and depths, are linear terms; the option of block k ≥ 1 of a
// stage counts where the stage's depth exceeds k, so Q is zero outside a
// block's own stage and what a switched-off block holds never counts.
func (c *Contributions) Estimator(s *Space) *Bilinear {
	p := &Bilinear{
		Alphas: s.NumAlphas(), Betas: s.NumBetas(), Bias: c.Base,
		Linear: make([]float64, s.EncodingSize()), Q: make([]float64, s.NumAlphas()*s.NumBetas()),
	}
	for i, accuracy := range c.Beta {
		p.Linear[p.Alphas+i] = accuracy - c.Base
	}
	for i, accuracy := range c.Alpha {
		b := i / s.NumOptions()
		stage, k := b/s.MaxDepth, b%s.MaxDepth
		if k == 0 {
			p.Linear[i] = accuracy - c.Base
			continue
		}
		for depth := max(k+1, s.MinDepth); depth <= s.MaxDepth; depth++ {
			p.Q[i*p.Betas+stage*s.NumDepths()+depth-s.MinDepth] = accuracy - c.Base
		}
	}
	return p
}
