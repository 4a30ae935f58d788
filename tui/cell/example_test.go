package cell_test

import (
	"fmt"
	"strings"

	"github.com/binas-tui/binas-tui/tui/cell"
)

// A list with its third row under the cursor.
func Example() {
	s := cell.NewScreen(24, 5, cell.MonoTheme(), cell.ASCIIGlyphs())
	inside := s.Box(cell.At(0, 0, 24, 5), "Blocks", true)
	names := []string{"k3 e3", "k3 e6", "k5 e6 \x1b[31mse"}
	cell.Rows{N: len(names), At: inside}.Draw(s, 2, 2, func(i int, row cell.Row) {
		row.Text(1, 14, s.Theme.Text, names[i])
		row.Bar(15, 6, s.Theme.Text, float64(i+1), 3)
	})
	for line := range strings.Lines(s.Plain()) {
		fmt.Println(strings.TrimRight(line, " \n"))
	}
	// Output:
	// +->Blocks -------------+
	// | k3 e3         ##     |
	// | k3 e6         ####   |
	// |>k5 e6 se      ###### |
	// +----------------------+
}
