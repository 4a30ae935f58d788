// Command binas-tui searches a network for a latency budget. See README.md.
package main

import (
	"os"

	"github.com/binas-tui/binas-tui/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], cli.StandardStreams()))
}
