package steps

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/param"
)

// parametersFile is made of the tables of parameters: go test ./steps -run
// TestParametersFile with UPDATE=1 in the environment writes it.
const parametersFile = "../docs/PARAMETERS.md"

// document is the tables in Markdown.
func document() string {
	var b strings.Builder
	b.WriteString(`# Parameters of the steps

Made of the tables in the code, of which the flags of commands, the forms of the explorer, their checks and their errors are made too. A
setting is its name in JSON, in the files of a run. Rare ones are in forms under "more"; those without a field there are given
by the explorer itself.
`)
	for _, step := range Steps() {
		task := New(step)
		fmt.Fprintf(&b, "\n## %s\n\n%s%s.\n\n| flag | field | setting | default | values | |\n|---|---|---|---|---|---|\n", step, strings.ToUpper(step.About()[:1]), step.About()[1:])
		for _, v := range task.Values() {
			field := v.FormLabel()
			switch {
			case v.NoForm != "":
				field = "–"
			case v.Rare:
				field += " (rare)"
			}
			standard := v.Default()
			if t, ok := task.(*Training); ok && v.IsZero() {
				if _, preset := t.Settings.Values().Named(v.Key); preset {
					standard = presets
				}
			}
			text := strings.NewReplacer("`", "", "|", "\\|").Replace(v.Usage)
			fmt.Fprintf(&b, "| `--%s` | %s | `%s` | %s | %s | %s |\n", v.Flag(), field, v.Key, strings.ReplaceAll(standard, "|", "\\|"), v.Range(), text)
		}
	}
	return b.String()
}

// docs/PARAMETERS.md is what the tables say.
func TestParametersFile(t *testing.T) {
	want := document()
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(parametersFile, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if have, err := os.ReadFile(parametersFile); err != nil || string(have) != want {
		t.Errorf("%s is not what the tables of parameters say (%v): UPDATE=1 go test ./steps -run TestParametersFile writes it", parametersFile, err)
	}
}

// A parameter has a name of its own in each of the three places, a default within
// its bounds, and can be given as text; the settings of a pipeline are its
// parameters, every one.
func TestTables(t *testing.T) {
	for _, step := range Steps() {
		task := New(step)
		seen := map[string]bool{}
		for _, v := range task.Values() {
			for _, name := range []string{"key " + v.Key, "--" + v.Flag(), "field " + v.FormLabel()} {
				if seen[name] {
					t.Errorf("%s: two parameters are called %s", step, name)
				}
				seen[name] = true
			}
			if v.Usage == "" {
				t.Errorf("%s: %s says nothing about itself", step, v.Key)
			}
			if _, follows := task.(*Training); !follows || !v.IsZero() { // zeros of a training are as the preset has them
				if err := v.Check(param.Param.Flag); err != nil && !v.IsZero() {
					t.Errorf("%s: its default: %v", step, err)
				}
			}
		}
	}
	keys := map[string]bool{}
	for _, v := range NewPipeline().own() {
		keys[v.Key] = true
	}
	for _, key := range param.Keys(PipelineSettings{}) {
		if !keys[key] {
			t.Errorf("the setting %s of a pipeline is no parameter", key)
		}
	}
}
