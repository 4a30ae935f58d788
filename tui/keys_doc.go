package tui

import (
	"fmt"
	"strings"
)

// KeysDocument is docs/KEYS.md: the key table as Markdown.
func KeysDocument() string {
	var w strings.Builder
	w.WriteString("# Keys\n\nMade from the key table in tui/keys.go by `make keys`. `?` shows the same in the program, where `/` searches it.\n\n" +
		"The first column is the name of the action: in `~/.config/binas-tui/keys.json` it can be given other keys,\n" +
		"`{\"budget-up\": [\"right\", \"d\"], \"lut\": [\"ctrl+l\"]}`, and with `--plain` it is the command. Two actions on one key are refused,\n" +
		"with a line that names them. A digit begins a budget.\n")
	group := ""
	for _, b := range keyTable(newPanes()) {
		if b.group != group {
			group = b.group
			fmt.Fprintf(&w, "\n## %s\n\n| action | keys | what it does | where |\n|---|---|---|---|\n", group)
		}
		var keys []string
		for _, k := range b.keys {
			keys = append(keys, "`"+k+"`")
		}
		where := "everywhere"
		if b.pane != "" {
			where = string(b.pane)
		}
		fmt.Fprintf(&w, "| %s | %s | %s | %s |\n", b.id, strings.Join(keys, " "), b.help, where)
	}
	w.WriteString("\n## Mouse\n\nClick or drag the slider; the wheel over it moves the budget, over the plot it shows a narrower or wider part, over a pane it moves the cursor. A click focuses a\n" +
		"pane and its row, a second one acts on the row as `enter` does, on `[+]` it zooms, on a key in the last line it presses the key. In the plot and in the sweep a click moves the budget there. `ctrl+x` switches the mouse\noff, so that the terminal selects text.\n" +
		"\n## Without a screen\n\nWith `--plain` these words are understood beside the names above:\n\n| word | what it does |\n|---|---|\n")
	for _, word := range plainWords() {
		fmt.Fprintf(&w, "| `%s` | %s |\n", strings.TrimSpace(word.name+" "+word.args), word.help)
	}
	return w.String()
}
