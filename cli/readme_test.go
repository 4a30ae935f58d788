package cli

import (
	"bufio"
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// docs/COMMANDS.md names every command.
func TestCommandsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../docs/COMMANDS.md")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{out: bufio.NewWriter(&bytes.Buffer{})}
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			name := strings.TrimPrefix(sub.CommandPath(), "binas-tui ")
			if !sub.HasSubCommands() && !strings.Contains(string(text), "`"+name) && !strings.Contains(string(text), "$ binas-tui "+name) {
				t.Errorf("docs/COMMANDS.md does not name the command %s", name)
			}
			visit(sub)
		}
	}
	visit(a.rootCommand())
}
