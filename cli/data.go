package cli

import "github.com/spf13/cobra"

// dataCommand groups the commands about data sets; each is in a file
// data_NAME.go.
func (a *app) dataCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Make the digits data set, show what a data set holds",
		Args:  cobra.ArbitraryArgs,

		SuggestionsMinimumDistance: 2,
	}
	cmd.AddCommand(a.dataDigitsCommand(), a.dataShowCommand())
	cmd.RunE = a.groupUsage
	return cmd
}
