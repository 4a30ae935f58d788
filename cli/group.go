package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// group is a command that only groups others: those of lut, data and records,
// each in a file such as lut_NAME.go.
func (a *app) group(name, short string, commands ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs, RunE: a.groupUsage, SuggestionsMinimumDistance: 2}
	cmd.AddCommand(commands...)
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
