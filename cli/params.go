package cli

import (
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/param"
)

// addParams adds a flag for each of the parameters, which sets its value.
func addParams(cmd *cobra.Command, vs param.Values) {
	f := cmd.Flags()
	for _, v := range vs {
		switch name, usage := v.Flag(), v.FlagUsage(); p := v.Pointer().(type) {
		case *int:
			f.IntVar(p, name, *p, usage)
		case *uint64:
			f.Uint64Var(p, name, *p, usage)
		case *float64:
			f.Float64Var(p, name, *p, usage)
		case *string:
			f.StringVar(p, name, *p, usage)
		case *bool:
			f.BoolVar(p, name, *p, usage)
		case *time.Duration:
			f.DurationVar(p, name, *p, usage)
		}
	}
}

// given are the keys of the parameters whose flags were given.
func given(cmd *cobra.Command, vs param.Values) map[string]bool {
	keys := map[string]bool{}
	for _, v := range vs {
		if cmd.Flags().Changed(v.Flag()) {
			keys[v.Key] = true
		}
	}
	return keys
}

// flagName is what a parameter is called in errors.
func flagName(p param.Param) string { return "--" + p.Flag() }

// checkGiven refuses values out of their range, of flags that were given. Where it
// is strict, a number that was given is not 0 to say that it is not.
func checkGiven(vs param.Values, given map[string]bool, strict bool) error {
	for _, v := range vs {
		if given[v.Key] {
			switch v.Get().(type) {
			case int, float64:
				if strict {
					v.Zero = ""
				}
			}
			if err := v.Check(flagName); err != nil {
				return usageError{err}
			}
		}
	}
	return nil
}
