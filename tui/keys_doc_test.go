package tui

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// keysDocument is docs/KEYS.md: the key table as Markdown.
func keysDocument() string {
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

// docs/KEYS.md is the key table.
func TestKeysDocumentIsCurrent(t *testing.T) {
	const file = "../docs/KEYS.md"
	want := keysDocument()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what the key table says (make keys writes it): %v", file, err)
	}
}

// Every action has a name and a help of its own, and no two the same key.
func TestKeyTable(t *testing.T) {
	ids, helps := map[string]bool{}, map[string]bool{}
	for _, b := range keyTable(newPanes()) {
		if b.id == "" || b.help == "" || ids[b.id] || helps[b.help] {
			t.Errorf("%q: %q is there twice or empty", b.id, b.help)
		}
		ids[b.id], helps[b.help] = true, true
	}
	if clash := clashes(keyTable(newPanes())); clash != "" {
		t.Error(clash)
	}
}
