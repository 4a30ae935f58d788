package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/model"
)

// result is what one run of the command line did.
type result struct {
	out, err string
	code     int
}

// runCLI runs the command line without a terminal.
func runCLI(t *testing.T, args ...string) result {
	t.Helper()
	return runCLIWith(t, "", args...)
}

// runCLIWith has something on standard input.
func runCLIWith(t *testing.T, in string, args ...string) result {
	t.Helper()
	var out, errs bytes.Buffer
	code := Main(args, Streams{In: strings.NewReader(in), Out: &out, Err: &errs})
	return result{out.String(), errs.String(), code}
}

// Where the locale is not UTF-8, every text is ASCII, errors and names from outside too.
func TestTextInASCII(t *testing.T) {
	for _, args := range []string{
		"search --limit 5ms", "search --limit 5ms --top 3 --max-params 6M", "search --limit 5ms --json", "search --limit 1us",
		"pareto", "pareto --csv", "pareto --max-macs 300M", "explain", "explain --limit 5ms", "lut show", "lut compare ort-cpu-224-1t ort-cpu-224-2t",
		"doctor", "demo", "--help", "fit --help", "", "--plain", "lut show grün.json", "fit --published --predictor-ckpt " + t.TempDir() + "/ü",
	} {
		var out, errs bytes.Buffer
		Main(strings.Fields(args), Streams{In: strings.NewReader("show frontier\nshow limits\nexplain 2.1\n"), Out: &out, Err: &errs, ASCII: true})
		if out.Len()+errs.Len() == 0 {
			t.Errorf("%q prints nothing", args)
		}
		for _, c := range out.String() + errs.String() {
			if c > 127 {
				t.Errorf("%q prints %q", args, c)
				break
			}
		}
	}
}

// mustRun runs a command that must succeed and say nothing on standard error.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	r := runCLI(t, args...)
	if r.code != 0 || r.err != "" {
		t.Fatalf("%q: exit code %d, standard error %q", args, r.code, r.err)
	}
	return r.out
}

func decode[T any](t *testing.T, text string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// quadraticFile writes a predictor that is not bilinear: more of everything is
// better, by alpha index.
func quadraticFile(t *testing.T) string {
	t.Helper()
	space, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		t.Fatal(err)
	}
	n := space.EncodingSize()
	q := &model.Quadratic{Inputs: n, Bias: 60, Linear: make([]float64, n), W: make([]float64, n*n)}
	for i := range q.Linear {
		q.Linear[i] = 0.05 * float64(i%space.NumOptions())
		q.W[i*n+(i+13)%n] = 0.01
	}
	data, err := model.EncodePredictor(q, model.CheckpointInfo{Source: "a test"})
	if err != nil {
		t.Fatal(err)
	}
	return writeTemp(t, "quadratic.safetensors", data)
}

func writeTemp(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func defaultEngine(t *testing.T) *explore.Engine {
	t.Helper()
	setup, err := explore.Load("", "", "")
	if err != nil {
		t.Fatal(err)
	}
	e, err := explore.New(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func fastest(t *testing.T) model.Path {
	t.Helper()
	e := defaultEngine(t)
	f, err := e.Search(t.Context(), explore.Request{LimitMS: e.MinLatencyMS(), Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	return f.Path
}

// eachFlag calls visit for every flag of every command.
func eachFlag(visit func(cmd *cobra.Command, f *pflag.Flag)) {
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		cmd.Flags().VisitAll(func(f *pflag.Flag) { visit(cmd, f) })
		for _, c := range cmd.Commands() {
			walk(c)
		}
	}
	a := &app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, out: bufio.NewWriter(io.Discard)}
	walk(a.rootCommand())
}

// Every flag says in one word of capitals what it takes, and its default once.
func TestFlagTexts(t *testing.T) {
	eachFlag(func(cmd *cobra.Command, f *pflag.Flag) {
		what, usage := pflag.UnquoteUsage(f)
		if f.Value.Type() != "bool" && (what == "" || what != strings.ToUpper(what)) {
			t.Errorf("%s --%s takes %q", cmd.CommandPath(), f.Name, what)
		}
		if !strings.Contains(usage, what) || usage == "" {
			t.Errorf("%s --%s: %q does not say what %q is", cmd.CommandPath(), f.Name, usage, what)
		}
		own := f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "0s" && f.DefValue != "[]"
		if own && strings.Contains(usage, "(default") {
			t.Errorf("%s --%s: two defaults: %q and %q", cmd.CommandPath(), f.Name, usage, f.DefValue)
		}
	})
}

// A text that is empty is what an unset variable leaves: never the default.
func TestEmptyFlagsAreRefused(t *testing.T) {
	eachFlag(func(cmd *cobra.Command, f *pflag.Flag) {
		if _, may := f.Annotations[mayBeEmpty]; may || f.Value.Type() != "string" {
			return
		}
		args := append(strings.Fields(cmd.CommandPath())[1:], "--"+f.Name+"=")
		switch cmd.Name() { // those that take arguments check them first
		case "compare", "convert":
			args = append(args, "a", "b")
		case "measure", "export", "show", "pack":
			if cmd.Parent().Name() != "lut" {
				args = append(args, "a")
			}
		}
		if r := runCLI(t, args...); r.code != 2 || !strings.Contains(r.err, "--"+f.Name+" is empty") || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%v: exit code %d, error %q", args, r.code, r.err)
		}
	})
}

// A help text fits the width that it is written for.
func TestHelpIsWrapped(t *testing.T) {
	for _, args := range []string{"--help", "search --help", "train --help", "pipeline --help"} {
		_, flags, _ := strings.Cut(mustRun(t, strings.Fields(args)...), "\nFlags:\n")
		for line := range strings.Lines(flags) {
			if n := len([]rune(line)); n > 101 {
				t.Errorf("%s: %d characters: %s", args, n, line)
			}
		}
	}
}

func TestBadInput(t *testing.T) {
	quadratic := quadraticFile(t)
	nan := writeTemp(t, "nan.json", []byte(`{"format":"binas-tui-lut","version":1,"provenance":{},"fixed":{"median_ms":-1},"blocks":{}}`))
	empty := writeTemp(t, "empty.pkl", nil)
	table := mustRun(t, "lut", "show", "--json")
	far := writeTemp(t, "far.json", []byte(strings.Replace(table, `"median_ms": `, `"median_ms": 1e300`, 1)))
	other := writeTemp(t, "other.json", []byte(strings.Replace(table, `"mobilenasnet"`, `"elsewhere"`, 1)))
	small := writeTemp(t, "small.json", []byte(strings.Replace(table, `"image_size": 224`, `"image_size": -5`, 1)))
	words := writeTemp(t, "words.json", []byte(strings.Replace(table, `"median_ms": `, `"median_ms": "fast", "min_ms": `, 1)))
	arch := writeTemp(t, "arch.txt", []byte(defaultEngine(t).Space.Architecture(fastest(t)).String()))
	folder := t.TempDir()
	for _, c := range []struct {
		args string
		code int
		want string // in the message
	}{
		{"serch", 2, "did you mean search?"},
		{"--nonsense", 2, "unknown flag"},
		{"--profile nonsense", 2, "expected one of imagenet"},
		{"--limit 45", 2, "45ms? 45s?"},
		{"help serch", 2, "did you mean search?"},
		{"search", 2, "--limit 5ms"},
		{"search --limit", 2, "needs an argument"},
		{"search --limit 45", 2, "45ms? 45s?"},
		{"search --limit NaNms", 2, "expected a number"},
		{"search --limit nan", 2, "expected a number"},
		{"search --limit infms", 2, "expected a number"},
		{"search --limit 1e999ms", 2, "finite"},
		{"search --limit 0ms", 2, "more than 0"},
		{"search --limit -45ms", 2, "more than 0"},
		{"search --limit 45min", 2, "expected us, ms or s"},
		{"search --limit 45ms surplus", 2, "takes no arguments"},
		{"search --limit 45ms --nas-optimizer cplex", 2, "bcfw, iqcp or evo"},
		{"search --limit 45ms --nas-optimizer=", 2, "bcfw, iqcp (exact) or evo"},
		{"search --limit 45ms --max-params=", 2, "--max-params is empty: expected LIMIT"},
		{"search --limit 45ms --top 0", 2, "expected 1 to"},
		{"search --limit 45ms --lut " + far, 2, "far.json"},
		{"search --limit 45ms --lut " + other, 2, "other.json"},
		{"lut show " + small, 2, "small.json"},
		{"lut show " + words, 2, "a string does not belong there"},
		{"export " + arch + " --onnx " + folder + "/a.onnx --checkpoint " + quadratic, 2, "quadratic.safetensors"},
		{"fit --fit-accuracy-lut digits-test --closed-form-solution --predictor-ckpt " + folder + "/none/p", 2, "not a file to write: " + folder + "/none/p: its folder: no such"},
		{"fit --fit-accuracy-lut digits-test --closed-form-solution --predictor-ckpt p --figure " + folder + "/none/f.svg", 2, "not a file to write: " + folder + "/none/f.svg: its folder: no such"},
		{"search --limit 45ms --inactive-blocks off", 2, "mean or free"},
		{"search --limit 45ms --seed -1", 2, "whole number"},
		{"search --limit 45ms --lut nowhere", 2, "no such file"},
		{"search --limit 45ms --lut " + folder, 2, "not a regular file"},
		{"search --limit 45ms --lut " + nan, 2, "nan.json"},
		{"search --limit 45ms --lut " + empty, 2, "empty"},
		{"search --limit 45ms --predictor " + empty, 2, "empty.pkl"},
		{"search --limit 45ms --predictor " + quadratic + " --top 3", 2, "bilinear"},
		{"search --limit 45ms --time-limit 0s", 2, "more than 0"},
		{"search --limit 45ms --time-limit 5", 2, "a time such as 5s"},
		{"search --limit 45ms --top many", 2, "a whole number"},
		{"search --limit 1ns", 2, "expected us, ms or s"},
		{"search --limit 1us", 3, "ms are needed"},
		{"--plain --limit 1us", 3, "ms are needed"},
		{"pareto --json --csv", 2, "one of them"},
		{"pareto --figure frontier.pdf", 2, ".svg or .png"},
		{"pareto --figure=", 2, ".svg or .png"},
		{"pareto --figure " + folder + "/none/a.svg", 2, "no such file or directory"},
		{"lut", 2, "needs a command: compare, convert, forget, measure, show, verify"},
		{"lut sow", 2, "did you mean show?"},
		{"lut show nowhere", 2, "no such file"},
		{"lut show a b", 2, "1 argument at most"},
		{"lut convert ort-cpu-224-1t", 2, "the file to write"},
		{"lut convert ort-cpu-224-1t out.txt", 2, ".pkl or .json"},
		{"lut convert ort-cpu-224-1t out.pkl --to xml", 2, "pkl or json"},
		{"lut convert nowhere out.pkl", 2, "no such file"},
		{"lut convert ort-cpu-224-1t " + folder + " --to pkl", 2, "it is a folder"},
		{"fit", 2, "--published"},
		{"fit --published", 2, "--predictor-ckpt"},
		{"pipeline --data " + folder + "/none --out " + folder + "/run", 2, "expected a folder, or the name"},
		{"pipeline --data " + folder + " --out " + folder + "/run --lut " + nan, 2, "nan.json"},
		{"completion", 2, "needs a command: bash"},
		{"completion tcsh", 2, "has no command"},
		{"version now", 2, "takes no arguments"},
	} {
		r := runCLI(t, strings.Fields(c.args)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || strings.Count(r.err, "\n") != 1 || r.out != "" {
			t.Errorf("binas-tui %s: exit code %d, output %q, error %q; want code %d and one line with %q",
				c.args, r.code, r.out, r.err, c.code, c.want)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("refused commands left %v, %v", left, err)
	}
}

func TestHostileText(t *testing.T) {
	hostile := "\x1b]0;owned\a\x1b[2J\u202e\u009b31m\nsecond"
	lut := mustRun(t, "lut", "show", "--json")
	lut = strings.Replace(lut, `"provenance": {`, `"provenance": {"note": `+string(must(json.Marshal(hostile)))+`,`, 1)
	lut = strings.Replace(lut, `"processor":`, `"processor": `+string(must(json.Marshal(hostile)))+`,"x":`, 1)
	file := writeTemp(t, "hostile\x1b[31m\u202e.json", []byte(lut))
	for _, args := range [][]string{
		{hostile}, {"lut", hostile}, {"search", "--limit", hostile}, {"search", "--limit", "45ms", "--lut", hostile},
		{"--profile", hostile}, {"search", "--limit", "45ms", "--nas-optimizer", hostile}, {"--" + hostile},
		{"lut", "show", file}, {"search", "--limit", "45ms", "--lut", file}, {"pareto", "--lut", file},
		{"fit", "--fit-accuracy-lut", accuracyTable(t, "fit", 0, 20), "--predictor-ckpt", filepath.Join(t.TempDir(), "\u009b31m.safetensors")},
	} {
		r := runCLI(t, args...)
		for _, text := range []string{r.out, strings.TrimSuffix(r.err, "\n")} {
			for _, line := range strings.Split(text, "\n") {
				if i := strings.IndexFunc(line, func(c rune) bool { return unicode.IsControl(c) || unicode.Is(unicode.Cf, c) }); i >= 0 {
					t.Errorf("%q printed a control character: %q", args, line)
				}
			}
		}
		if strings.Count(r.err, "\n") > 1 {
			t.Errorf("%q: more than one line of error: %q", args, r.err)
		}
	}
	if out := runCLI(t, "lut", "show", file).out; !strings.Contains(out, "second") {
		t.Errorf("the note did not arrive:\n%s", out)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestHelpAndVersion(t *testing.T) {
	for _, args := range []string{"--help", "help", "help lut show", "search --help", "completion bash", "--version", "version"} {
		if out := mustRun(t, strings.Fields(args)...); !strings.Contains(out, "binas-tui") {
			t.Errorf("binas-tui %s printed %q", args, out)
		}
	}
}

// fullDisk fails every write.
type fullDisk struct{}

var errFull = errors.New("no space left on device")

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOutputThatFails(t *testing.T) {
	for _, args := range []string{"version", "search --limit 45ms", "search --limit 45ms --json", "pareto", "pareto --csv", "pareto --json", "lut show", "doctor", "--plain", "--help"} {
		var errs bytes.Buffer
		code := Main(strings.Fields(args), Streams{In: strings.NewReader(""), Out: fullDisk{}, Err: &errs})
		if code != 1 || !strings.Contains(errs.String(), errFull.Error()) || strings.Count(errs.String(), "\n") != 1 {
			t.Errorf("binas-tui %s on a full disk: exit code %d, error %q", args, code, errs.String())
		}
	}
}
