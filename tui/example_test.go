package tui_test

import (
	"context"
	"fmt"
	"os"

	"github.com/charmbracelet/x/term"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/tui"
)

// Run shows the explorer on the terminal and returns when the user quits.
func Example() {
	if !term.IsTerminal(os.Stdout.Fd()) {
		fmt.Println("the explorer needs a terminal")
		return
	}
	setup, err := explore.Load("imagenet", "", "")
	if err == nil {
		var o tui.Options
		o.ReadOwn()
		err = tui.Run(context.Background(), setup, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	// Output: the explorer needs a terminal
}
