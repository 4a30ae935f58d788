package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/steps"
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
			return a.makeExample(cmd.Context(), dataset.DigitsName, out, mnist)
		},
	}
	addExampleOut(cmd, &out, dataset.DigitsName)
	cmd.Flags().StringVar(&mnist, "mnist", "", "`FOLDER` with the files of MNIST")
	return cmd
}

func (a *app) dataEmojiCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "emoji",
		Short: "Make the emoji data set of drawings from npm packages",
		Long: `Make the emoji data set: pictures of 64x64 in nine classes, each emoji as three
designers drew it, see docs/EMOJI.md. It takes 69 MB, and nothing where the set
is there already. The packages with the drawings, 152 MB, are downloaded from
the npm registry; npm need not be installed.`,
		Example: `  binas-tui data emoji
  binas-tui pipeline --data emoji --out runs/emoji`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.makeExample(cmd.Context(), dataset.EmojiName, out, "")
		},
	}
	addExampleOut(cmd, &out, dataset.EmojiName)
	return cmd
}

func addExampleOut(cmd *cobra.Command, out *string, name string) {
	cmd.Flags().StringVar(out, "out", "", "`FOLDER` to write to (default data/"+name+" in the user's data folder)")
}

// makeExample makes a data set of dataset.Examples, the digits of the MNIST in a
// folder where that is named.
func (a *app) makeExample(ctx context.Context, name, out, mnist string) error {
	if out == "" {
		out = steps.ExampleFolder(name)
	}
	line := a.newStatusLine()
	var err error
	if mnist != "" {
		err = dataset.MakeDigits(ctx, mnist, out, line.count("images"))
	} else {
		e, _ := dataset.ExampleNamed(name)
		err = e.Make(ctx, out, func(doing string, done, total int) {
			line.show(func() string { return fmt.Sprintf("%s, %d %%", doing, 100*done/max(total, 1)) })
		})
	}
	line.end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(a.out, sanitize.Line(out))
	return err
}
