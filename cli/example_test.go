package cli_test

import (
	"fmt"
	"os"
	"strings"

	"github.com/binas-tui/binas-tui/cli"
)

// A limit without its unit is refused, with the exit code of wrong usage.
func ExampleMain() {
	code := cli.Main([]string{"search", "--limit", "45"}, cli.Streams{In: strings.NewReader(""), Out: os.Stdout, Err: os.Stdout})
	fmt.Println("exit code", code)
	// Output:
	// binas-tui: limit "45" has no unit: 45ms? 45s?
	// exit code 2
}
