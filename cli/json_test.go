package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/latency"
)

// What a table calls itself must not reach the terminal as it is, with --json
// either.
func TestJSONIsSafeToPrint(t *testing.T) {
	const hostile = "a\u009b31mb\u202ec\u2028d\u0085e\x7ff\U000e0041"
	lut, err := explore.LoadLUT("ort-cpu-224-1t")
	if err != nil {
		t.Fatal(err)
	}
	lut.Provenance.Name = hostile
	data, err := latency.EncodeLUT(lut)
	if err != nil {
		t.Fatal(err)
	}
	file := writeTemp(t, hostile+".json", data)
	for _, args := range [][]string{
		{"lut", "show", file, "--json"},
		{"search", "--limit", "5ms", "--lut", file, "--json"},
		{"explain", "--limit", "5ms", "--lut", file, "--json"},
		{"pareto", "--lut", file, "--json"},
		{"lut", "compare", file, "ort-cpu-224-1t", "--json"},
		{"lut", "convert", file, "-", "--to", "json"},
	} {
		out := mustRun(t, args...)
		for line := range strings.Lines(out) {
			if line = strings.TrimSuffix(line, "\n"); sanitize.Line(line) != line {
				t.Errorf("%q: %q is printed raw", args, line)
			}
		}
		if !strings.Contains(out, `a\u009b31mb\u202ec\u2028d\u0085e\u007ff\udb40\udc41`) {
			t.Errorf("%q: the name is not in the answer", args)
		}
	}
}

// All JSON goes through encodeJSON.
func TestOneWayToWriteJSON(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if f != "json.go" && !strings.HasSuffix(f, "_test.go") && strings.Contains(string(text), "json.NewEncoder") {
			t.Errorf("%s encodes JSON itself", f)
		}
	}
}
