package cli

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// commandOf is the command of a step.
func commandOf(step steps.Step) []string {
	switch step {
	case steps.Heaviest, steps.OneShot:
		return []string{"train", "--stage", string(step)}
	case steps.Export:
		return []string{"export", "[['ds_r1_k3_s1_e1_c16_nre'], ['cn_r1_k1_s1_c960']]"}
	}
	return []string{string(step)}
}

// Every parameter of every step is a flag of its command, with the default and the
// usage of the table; what the table refuses, the command refuses by the name of
// the flag and the forms by the label of the field, in the same words. (That it is
// a field with this default is tested in tui.)
func TestParametersAreFlags(t *testing.T) {
	tried := 0
	for _, step := range steps.Steps() {
		words := commandOf(step)
		cmd, _, err := newRoot().Find(words)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range steps.New(step).Values() {
			flag := cmd.Flags().Lookup(v.Flag())
			if flag == nil {
				t.Errorf("%s has no flag --%s", step, v.Flag())
				continue
			}
			if want := fmt.Sprint(v.Get()); flag.DefValue != want || flag.Usage != v.FlagUsage() {
				t.Errorf("%s --%s: default %q, %q: expected %q, %q", step, v.Flag(), flag.DefValue, flag.Usage, want, v.FlagUsage())
			}
			for _, bad := range outside(v) {
				r := runCLI(t, append(words[:len(words):len(words)], "--"+v.Flag()+"="+bad)...)
				expected := ": expected " + v.Expected()
				if r.code != exitUsage || !strings.HasPrefix(r.err, "binas-tui: --"+v.Flag()+" ") || !strings.Contains(r.err, expected) {
					t.Errorf("%s --%s %s: code %d, %q: expected %q", step, v.Flag(), bad, r.code, r.err, expected)
				}
				if err := steps.Give(steps.New(step), v.Key, bad); err == nil || !strings.HasPrefix(err.Error(), v.FormLabel()+" ") || !strings.HasSuffix(err.Error(), expected) {
					t.Errorf("%s %s %s: %v: expected %q", step, v.FormLabel(), bad, err, expected)
				}
				tried++
			}
		}
	}
	if tried < 100 {
		t.Errorf("%d values were tried", tried)
	}
}

// outside are values that the table refuses.
func outside(v param.Value) (bad []string) {
	switch v.Pointer().(type) {
	case *int, *float64:
		bad = append(bad, fmt.Sprint(v.Least-1))
		if v.Zero != "" && v.Least == 1 {
			bad = []string{"-1"}
		}
		if v.Most > 0 {
			bad = append(bad, fmt.Sprintf("%.0f", v.Most+1))
		}
	case *string:
		if v.Choices != nil {
			bad = append(bad, "neither")
		}
	}
	return bad
}

// Flags of commands are parameters of their steps, but for those that choose the
// form of what is printed and what else is wanted.
func TestFlagsAreParameters(t *testing.T) {
	beside := map[string]bool{
		"stage": true, "json": true, "help": true, "figure": true, "learning-curve": true, "learning-curve-figure": true, "published": true,
	}
	known := map[string]map[string]bool{}
	for _, step := range steps.Steps() {
		name := commandOf(step)[0]
		if known[name] == nil {
			known[name] = map[string]bool{}
		}
		for _, v := range steps.New(step).Values() {
			known[name][v.Flag()] = true
		}
	}
	for name, flags := range known {
		cmd, _, err := newRoot().Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !flags[f.Name] && !beside[f.Name] {
				t.Errorf("%s: --%s is no parameter of its step", name, f.Name)
			}
		})
	}
	for _, key := range param.Keys(training.Settings{}) {
		in := false
		for _, step := range []steps.Step{steps.Heaviest, steps.OneShot, steps.FineTune} {
			_, has := steps.New(step).Values().Named(key)
			in = in || has
		}
		switch key {
		case "stage", "images", "held_out", "restarted": // which training it is, what the data says, and what --epochs came to
		default:
			if !in {
				t.Errorf("the setting %s of trainings is no parameter", key)
			}
		}
	}
}
