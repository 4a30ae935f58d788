package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/steps"
)

// selection is the flags that say what to explore; search, pareto, explain and
// the explorer share them.
type selection struct {
	profile   string
	lut       string
	predictor string
	inactive  string
	limits    limitFlags // where the command has them, as the next
	pins      []string
	limit     string // on latency
	seed      uint64
}

func (s *selection) addFlags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&s.profile, "profile", "", "built-in profile, by `NAME` (default "+explore.Profiles()[0].Name+")")
	f.StringVar(&s.lut, "lut", "", "latency table `FILE|NAME`: a name or a BINAS .pkl or JSON file (default: the profile's)")
	f.StringVar(&s.predictor, "predictor", "", "predictor `FILE|NAME`: a name or a BINAS .pth or safetensors file (default: the profile's)")
	addInactive(cmd, &s.inactive)
}

// addConstraints adds the flags for what networks have to keep.
func (s *selection) addConstraints(cmd *cobra.Command) {
	s.limits.addFlags(cmd)
	cmd.Flags().StringArrayVar(&s.pins, "pin", nil, "hold a `DECISION`: 2=3 is stage 2 at depth 3, 2.1=k5,e3,se block 1 of stage 2 (any of the three; nose: no squeeze-excite); repeatable")
}

// addLimit adds the flag of the limit on latency; what says what it is for.
func (s *selection) addLimit(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&s.limit, "limit", "", "latency `LIMIT` "+what)
}

// limitMS is the limit on latency; 0 is none.
func (s *selection) limitMS() (ms float64, err error) {
	if s.limit != "" {
		if ms, err = latency.ParseLimit(s.limit); err != nil {
			err = usageError{err}
		}
	}
	return ms, err
}

// addSeed adds the flag of the seed; of is what else it is of.
func (s *selection) addSeed(cmd *cobra.Command, of string) {
	cmd.Flags().Uint64Var(&s.seed, "seed", 1, "random `SEED`"+of)
}

// load reads what the flags name.
func (s *selection) load() (explore.Setup, error) {
	inactive, err := inactiveBlocks(s.inactive)
	if err != nil {
		return explore.Setup{}, err
	}
	if _, err := explore.FindProfile(s.profile); err != nil {
		return explore.Setup{}, usageError{err}
	}
	setup, err := explore.Load(s.profile, s.lut, s.predictor)
	if err != nil {
		return setup, err
	}
	setup.Inactive = inactive
	for _, p := range s.pins {
		if err := setup.Pin(p); err != nil {
			return setup, usageError{err}
		}
	}
	setup.Limits, err = s.limits.parse()
	return setup, err
}

// engine prepares what the flags name.
func (s *selection) engine(ctx context.Context) (*explore.Engine, error) {
	setup, err := s.load()
	if err != nil {
		return nil, err
	}
	return explore.New(ctx, setup)
}

// addInactive adds the flag that inactiveBlocks reads.
func addInactive(cmd *cobra.Command, mode *string) {
	cmd.Flags().StringVar(mode, "inactive-blocks", "mean", steps.InactiveParam.Usage)
}

// addLibrary adds the flag of commands that run networks.
func addLibrary(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "onnxruntime", "", steps.LibraryParam.Usage)
}

// inactiveBlocks is what --inactive-blocks asks for.
func inactiveBlocks(mode string) (model.InactiveBlocks, error) {
	for _, i := range []model.InactiveBlocks{model.InactiveMean, model.InactiveFree} {
		if mode == i.String() {
			return i, nil
		}
	}
	return 0, usagef("--inactive-blocks %q: expected mean or free", mode)
}
