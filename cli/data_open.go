package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// addClassOrder adds the flag that says in which order folders are classes.
func addClassOrder(cmd *cobra.Command, o *dataset.ClassOrder) {
	cmd.Flags().StringVar((*string)(o), "class-order", string(dataset.NaturalOrder), steps.ClassOrderParam.Usage)
}

// writeUnreadable says how many images could not be read; which, the log has.
func writeUnreadable(w io.Writer, r steps.ImagesReport) {
	if r.Unreadable != nil && r.Unreadable.Count > 0 {
		fmt.Fprintf(w, "%d of %d images could not be read and are not counted\n", r.Unreadable.Count, r.Unreadable.Of)
	}
}
