// Generate writes the built-in predictors; run it with go generate ./assets
// from the repository, after any change of package published.
package main

import (
	"fmt"
	"os"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/model"
)

// published12 is relative to the assets folder, where go generate runs.
const published12 = "predictors/published-12.safetensors"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run() error {
	space, err := model.NewSpace(model.MobileNASNet, published.ImageSize)
	if err != nil {
		return err
	}
	data, report, err := published.Encoded(space)
	if err != nil {
		return err
	}
	fmt.Print(report)
	return os.WriteFile(published12, data, 0o644)
}
