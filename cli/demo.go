package cli

import (
	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/tui"
)

// demoCommand plays a scripted exploration.
func (a *app) demoCommand() *cobra.Command {
	var sel selection
	var speed float64
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Play a scripted exploration, for talks",
		Long: `Play a scripted exploration with captions: the budget, what-if, the sweep, a
comparison. Any key ends it and hands the explorer over. Without a terminal it
prints what it would show.`,
		Example: `  binas-tui demo
  binas-tui demo --profile digits --speed 2`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !(speed > 0 && speed <= 1000) {
				return usagef("--speed %v: expected more than 0 and at most 1000", speed)
			}
			setup, err := sel.load()
			if err != nil {
				return err
			}
			if !a.interactive() {
				return tui.PlainDemo(cmd.Context(), setup, a.out)
			}
			o := tui.Options{DemoSpeed: speed, ASCII: a.ASCII}
			o.ReadOwn()
			return a.runExplorer(cmd.Context(), setup, o)
		},
	}
	sel.addFlags(cmd)
	cmd.Flags().Float64Var(&speed, "speed", 1, "play `X` times as fast")
	return cmd
}
