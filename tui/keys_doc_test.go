package tui

import (
	"os"
	"testing"
)

// docs/KEYS.md is the key table.
func TestKeysDocumentIsCurrent(t *testing.T) {
	const file = "../docs/KEYS.md"
	want := KeysDocument()
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
