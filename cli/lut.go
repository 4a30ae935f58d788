package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// lutCommand groups the commands about latency tables; each is in a file
// lut_NAME.go.
func (a *app) lutCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "lut",
		Short: "Measure, verify, compare, show and convert latency tables",
		Args:  cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(a.lutShowCommand(), a.lutConvertCommand(), a.lutMeasureCommand(), a.lutVerifyCommand(), a.lutCompareCommand(), a.lutForgetCommand())
	cmd.RunE = a.groupUsage
	return cmd
}

// groupUsage is what a command that only groups others does by itself.
func (a *app) groupUsage(cmd *cobra.Command, args []string) error {
	if err := noArguments(cmd, args); err != nil {
		return usageError{err}
	}
	var names []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			names = append(names, c.Name())
		}
	}
	return usagef("%s needs a command: %s", called(cmd), strings.Join(names, ", "))
}
