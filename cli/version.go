package cli

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/version"
	"github.com/binas-tui/binas-tui/onnx"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, "binas-tui "+versionText())
			return err
		},
	}
}

// versionText is the release, the revision where it is known, and what built it.
func versionText() string {
	built := fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !onnx.CanRun() {
		built += ", without cgo"
	}
	return version.Text() + " (" + built + ")"
}
