package sanitize_test

import (
	"fmt"

	"github.com/binas-tui/binas-tui/internal/sanitize"
)

func ExampleLine() {
	fmt.Println(sanitize.Line("lut\x1b]0;owned\a of \u202ea\tphone\n"))
	// Output: lut of a phone
}
