package tui

import (
	"bytes"
	"context"
	"math"
	"strings"
	"testing"

	"github.com/adrg/xdg"
	"github.com/charmbracelet/x/ansi"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/tui/cell"
)

// plainly runs the plain mode on lines and returns what it printed.
func plainly(t *testing.T, lines ...string) string {
	t.Helper()
	hometest.Own(t, "XDG_STATE_HOME")
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := RunPlain(context.Background(), setup, Options{LimitMS: 5}, strings.NewReader(strings.Join(lines, "\n")), &out, false); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, r := range text {
		if r > 126 || r < ' ' && r != '\n' {
			t.Errorf("%v printed %q", lines, r)
		}
	}
	if ansi.Strip(text) != text {
		t.Errorf("%v printed escape sequences", lines)
	}
	return text
}

func TestPlainWords(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []string
	}{
		{[]string{"budget 7ms"}, []string{"limit 7.00 ms", "optimal", "shadow price +0.707 pt/ms, 1 ms more buys 0.56 points"}},
		{[]string{"7.5", "4500us"}, []string{"limit 7.50 ms", "limit 4.50 ms"}},
		{[]string{"45"}, []string{"no improvement above", "budget set there"}},
		{[]string{"45 lightyears"}, []string{`not understood: limit "45 lightyears": unit "lightyears": expected us, ms or s`}},
		{[]string{"1ms"}, []string{"no network within 1.00 ms: at least"}},
		{[]string{"+ 2", "- 3"}, []string{"limit 5.06 ms", "limit 4.89 ms"}},
		{[]string{"pin 2.1 e=3 k=5", "status"}, []string{"2.1 -> k5 e3 or k5 e3 se: 75.75 ->", "pins cost"}},
		{[]string{"pin 2.1 e=5"}, []string{`2.1: "e=5": expected`}},
		{[]string{"pin 9.1"}, []string{"expected a block such as 2.1"}},
		{[]string{"pin stage 3 depth 3", "free stage 3"}, []string{"stage 3 has depth 3", "stage 3 freed"}},
		{[]string{"pin stage 3 depth 3", "undo", "redo"}, []string{"pins cost"}},
		{[]string{"explain 3.0"}, []string{"Why 3.0 is k5 e6", "if pinned", "loses"}},
		{[]string{"copy"}, []string{"[['ds_r1_k3_s1_e1_c16_nre']"}},
		{[]string{"copy json"}, []string{`"predicted_accuracy"`}},
		{[]string{"copy timm"}, []string{"arch_def = ["}},
		{[]string{"copy command"}, []string{"binas-tui search --limit 5ms"}},
		{[]string{"copy-menu", "2"}, []string{"1. architecture string", `"predicted_accuracy"`}},
		{[]string{"compare BINAS C"}, []string{"comparing with BINAS C; compare to stop", "now-other"}},
		{[]string{"keep mine", "budget 7ms", "compare mine", "show"}, []string{"kept as mine", "was"}},
		{[]string{"lut", "ort-cpu-224-2t"}, []string{"exploring ort-cpu-224-2t"}},
		{[]string{"lut", "3", "", "lut", "none", ""}, []string{`"none": none has this name`}},
		{[]string{"budget-enter", "6ms", "status"}, []string{"limit 6.00 ms"}},
		{[]string{"play"}, []string{"the end: no improvement above"}},
		{[]string{"measure", "2 +", ""}, []string{"device cpu"}},
		{[]string{"filter binas a"}, []string{"BINAS A"}},
		{[]string{"help pin"}, []string{"pin [WHERE [WHAT]]", "unpin-all"}},
		{[]string{"nonsense"}, []string{`not understood: "nonsense": help lists the commands`}},
		{[]string{"quit", "budget 9ms"}, nil},
	} {
		out := plainly(t, c.lines...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("%q: no %q in\n%s", c.lines, want, out)
			}
		}
	}
	if strings.Contains(plainly(t, "quit", "budget 9ms"), "limit 9") {
		t.Error("a line after quit was done")
	}
}

// Every action of the explorer can be called, and every pane be shown, without a
// screen.
func TestEveryActionIsPossibleInPlain(t *testing.T) {
	t.Chdir(t.TempDir()) // a report goes there
	help := plainly(t, "help")
	for _, b := range keyTable(newPanes()) {
		if !strings.Contains(help, "\n"+b.id) {
			t.Errorf("help does not list %s", b.id)
		}
		switch b.id {
		case "quit", "optimizer": // ends; evolution takes long
			continue
		}
		if out := plainly(t, b.id, "", "status"); strings.Contains(out, "not understood") && b.id != "back" {
			t.Errorf("%s:\n%s", b.id, out)
		}
	}
	for _, name := range paneNames() {
		if out := plainly(t, "show "+name); strings.Count(out, "\n") < 3 || strings.Contains(out, "not understood") {
			t.Errorf("show %s:\n%s", name, out)
		}
	}
}

// The plain mode and the screen give the same answers.
func TestPlainAgreesWithTheScreen(t *testing.T) {
	d := newDriver(t, 120, 40)
	d.run(d.setLimit(6.5))
	out := plainly(t, "budget 6.5ms", "copy")
	if !strings.Contains(out, "accuracy "+cell.Number(d.solution.Accuracy, 2)+" %") ||
		!strings.Contains(out, d.space().Architecture(d.solution.Path).String()) || math.IsNaN(d.solution.Accuracy) {
		t.Errorf("the screen has %v %%, %s:\n%s", d.solution.Accuracy, d.space().Architecture(d.solution.Path), out)
	}
}

func FuzzPlainCommands(f *testing.F) {
	for _, s := range []string{"help", "pin 1.1 e=3", "+99", "copy json", "lut\n1\n", "compare\nshow compare", "measure\n1 +\n\n", "\x1b[31mpin", "sweep 5.3", "stage", "explain 1.9", "go stage"} {
		f.Add(s)
	}
	setup, err := explore.Load("", "", "")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, word := range []string{"report", "measure", "R", "json", "copy-menu", "Y", "file", "pred", "prof", "lut", "J", "use"} {
			if strings.Contains(text, word) {
				return // writes or reads files, or starts work
			}
		}
		if len(text) > 200 {
			return
		}
		t.Cleanup(xdg.Reload)
		t.Setenv("XDG_STATE_HOME", t.TempDir())
		xdg.Reload()
		var out bytes.Buffer
		_ = RunPlain(context.Background(), setup, Options{LimitMS: 5}, strings.NewReader(text), &out, false)
		if strings.ContainsAny(out.String(), "\x1b\u202e\u200b") {
			t.Errorf("%q printed %q", text, out.String())
		}
	})
}

// Another command leaves a menu or a form; what is neither is refused and leaves
// it open.
func TestACommandLeavesAMenu(t *testing.T) {
	out := plainly(t, "limit-add", "show best", "measure", "budget 4ms", "limit-add", "nonsense", "1", "4M", "quit")
	for _, want := range []string{"Best networks", "limit 4.00 ms", "nonsense", "params at most 4M"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}
