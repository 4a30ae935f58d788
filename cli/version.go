package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/onnx"
)

// Version is the release; the linker sets it (-X), else what the Go tool
// recorded is used.
var Version = ""

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
	text := Version
	if info, ok := debug.ReadBuildInfo(); ok {
		if text == "" {
			text = info.Main.Version
		}
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				text += " " + s.Value[:12]
			}
		}
	}
	if text == "" || text == "(devel)" {
		text = "development"
	}
	built := fmt.Sprintf("%s, %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if !onnx.CanRun() {
		built += ", without cgo"
	}
	return text + " (" + built + ")"
}
