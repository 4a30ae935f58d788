package tui

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// ownFiles sets where the explorer's files are, and returns their names.
func ownFiles(t *testing.T) (state, keys string) {
	t.Helper()
	hometest.Own(t, "XDG_STATE_HOME", "XDG_CONFIG_HOME")
	if err := os.MkdirAll(filepath.Dir(statePath()), 0o755); err != nil {
		t.Fatal(err)
	}
	return statePath(), keysPath()
}

// Whatever is where the explorer keeps its files, it starts: what cannot be used
// is renamed, none of it lost, and a line says so.
func TestOwnFilesThatCannotBeUsed(t *testing.T) {
	many := `{"limits": [` + strings.Repeat(`{"kind": 1, "cap": 6000000},`, MaxLimits) + `{"kind": 2, "cap": 1}]}`
	for name, put := range map[string]struct {
		state, keys any // text, or a function that makes it
		want        []string
	}{
		"damaged":     {`{"limit_ms": 5`, `{"pin": "space"}`, []string{"unexpected end", "expected an object such as"}},
		"too large":   {`{"theme": "` + strings.Repeat("x", maxOwnFile) + `"}`, strings.Repeat(" ", maxOwnFile+1), []string{"larger than", "larger than"}},
		"many limits": {many, nil, []string{"8 limits: expected at most 7"}},
		"odd limits":  {`{"limits": [{"kind": 9, "cap": 1}]}`, nil, []string{"a limit of kind 9"}},
		"no files": {func(name string) error { return os.Mkdir(name, 0o755) },
			func(name string) error { return syscall.Mkfifo(name, 0o600) }, []string{"not a regular file", "not a regular file"}},
	} {
		t.Run(name, func(t *testing.T) {
			state, keys := ownFiles(t)
			for file, what := range map[string]any{state: put.state, keys: put.keys} {
				switch what := what.(type) {
				case string:
					if err := os.WriteFile(file, []byte(what), 0o644); err != nil {
						t.Fatal(err)
					}
				case func(string) error:
					if err := what(file); err != nil {
						t.Fatal(err)
					}
				}
			}
			var o Options
			o.ReadOwn()
			if len(o.Notes) != len(put.want) {
				t.Fatalf("notes %q, want %q", o.Notes, put.want)
			}
			for i, want := range put.want {
				if !strings.Contains(o.Notes[i], want) || !strings.Contains(o.Notes[i], "; set aside as ") || strings.Contains(o.Notes[i], ":: ") {
					t.Errorf("note %q: want %q", o.Notes[i], want)
				}
				_, aside, _ := strings.Cut(o.Notes[i], "; set aside as ")
				if _, err := os.Lstat(filepath.Join(filepath.Dir(state), aside)); err != nil {
					t.Error(err)
				}
			}
			if _, err := os.Lstat(state); err == nil {
				t.Errorf("%s is still there", state)
			}
			d := newDriverWith(t, o)
			if !d.warning || !strings.Contains(d.message, put.want[0]) {
				t.Errorf("the explorer says %q", d.message)
			}
			if err := d.state().save(); err != nil {
				t.Errorf("the next state cannot be kept: %v", err)
			}
		})
	}
}

// A byte order mark in front of the files is not part of them.
func TestOwnFilesWithByteOrderMark(t *testing.T) {
	state, keys := ownFiles(t)
	for file, text := range map[string]string{state: `{"theme": "light"}`, keys: `{"quit": ["Q"]}`} {
		if err := os.WriteFile(file, []byte("\ufeff"+text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var o Options
	o.ReadOwn()
	d := newDriverWith(t, o)
	if len(o.Notes) != 0 || cell.Themes[d.theme].Name != "light" || d.keys.find("Q", paneArchitecture) == nil {
		t.Errorf("notes %q, theme %s", o.Notes, cell.Themes[d.theme].Name)
	}
}

// Where the terminal shows ASCII alone, every pane, dialog and text is ASCII, and
// the glyphs chosen on another terminal are kept for it.
func TestASCIITerminal(t *testing.T) {
	d := newDriverWith(t, Options{LimitMS: 5, ASCII: true, State: State{Glyphs: "block"}})
	d.run(d.Init())
	check := func(what string) {
		t.Helper()
		for i, c := range d.render() {
			if c > 127 {
				t.Fatalf("%s: %q at %d of\n%s", what, c, i, strings.Join(d.lines(), "\n"))
			}
		}
	}
	for _, id := range d.paneIDs() {
		d.setFocus(id)
		check(string(id))
	}
	for _, b := range d.keys.bindings {
		if b.id == "quit" || b.id == "suspend" || b.id == "glyphs" || b.id == "play" {
			continue
		}
		d.run(d.act(b.id))
		check(b.id)
		d.Close()
	}
	if got := d.state().Glyphs; got != "block" {
		t.Errorf("glyphs kept are %q", got)
	}
	d.nextGlyphs()
	if got := d.state().Glyphs; got != "braille" {
		t.Errorf("glyphs chosen are kept as %q", got)
	}
}

// The state names the pane with the focus; files that count the panes are read too.
func TestThePaneIsKeptByName(t *testing.T) {
	state, _ := ownFiles(t)
	read := func(text string) paneID {
		if err := os.WriteFile(state, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		var o Options
		if o.ReadOwn(); len(o.Notes) > 0 {
			t.Fatalf("%s: %q", text, o.Notes)
		}
		return newDriverWith(t, o).focus
	}
	d := newDriver(t, 120, 40)
	for i, id := range []paneID{"architecture", "frontier", "contributions", "why", "published", "sweep", "compare", "jobs", "limits", "explain", "best", "fit"} {
		if got := read(fmt.Sprintf(`{"pane": %d}`, i)); got != id {
			t.Errorf("pane %d is %s, was %s", i, got, id)
		}
		d.setFocus(id)
		data, err := json.Marshal(d.state())
		if err != nil {
			t.Fatal(err)
		}
		if got := read(string(data)); got != id || !strings.Contains(string(data), `"pane":"`+string(id)+`"`) {
			t.Errorf("kept %s, read %s: %s", id, got, data)
		}
	}
	for _, other := range []string{`{}`, `{"pane": 99}`, `{"pane": -1}`, `{"pane": "one of tomorrow"}`} {
		if got := read(other); got != paneArchitecture {
			t.Errorf("%s: %s", other, got)
		}
	}
}
