package cli

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

func (a *app) dataDigitsCommand() *cobra.Command {
	var out, mnist string
	cmd := &cobra.Command{
		Use:   "digits",
		Short: "Make the digits data set from MNIST",
		Long: `Make the digits data set: 60,000 training and 10,000 test images of 32x32, made
from MNIST, see docs/DIGITS.md. It takes seconds and 72 MB, and nothing where
the set is there already. MNIST itself, 11 MB, is fetched by the go command
from its module proxy, unless --mnist names a folder that has its four files.`,
		Example: `  binas-tui data digits
  binas-tui data digits --mnist ~/mnist --out digits`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if out == "" {
				out = filepath.Join(explore.DataDir(), "data", dataset.DigitsName)
			}
			return a.makeDigits(cmd.Context(), mnist, out)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "`FOLDER` to write to (default data/digits in the user's data folder)")
	cmd.Flags().StringVar(&mnist, "mnist", "", "`FOLDER` with the files of MNIST")
	return cmd
}

func (a *app) makeDigits(ctx context.Context, mnist, out string) (err error) {
	if dataset.CheckDigits(out) != nil && mnist == "" {
		if mnist, err = dataset.FetchMNIST(ctx); err != nil {
			return err
		}
	}
	line := a.newStatusLine()
	err = dataset.MakeDigits(ctx, mnist, out, line.count("images"))
	line.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, sanitize.Line(out))
	return err
}
