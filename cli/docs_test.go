package cli

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// docFiles are the documents that users read.
func docFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../docs/*.md")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	return append(files, "../README.md")
}

// newRoot is the tree of commands, whose output goes nowhere.
func newRoot() *cobra.Command {
	a := &app{Streams: Streams{In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}, out: bufio.NewWriter(io.Discard)}
	return a.rootCommand()
}

// document is what a text in Markdown tells its reader to type.
type document struct {
	blocks []string // indented blocks: their command lines, continued ones joined
	spans  []string // what stands in backticks, with single spaces
}

var (
	backticks = regexp.MustCompile("`([^`]+)`")
	// A line of a block that is typed: one with a prompt, or one that begins
	// with a program. What begins otherwise is output or a file.
	typed = regexp.MustCompile(`^(\$ |(binas-tui|make|go|python3|while|mpirun|srun) )`)
)

func readDocument(text string) document {
	var d document
	var prose strings.Builder
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		line, indented := strings.CutPrefix(lines[i], "    ")
		if !indented {
			prose.WriteString(lines[i] + "\n")
			if lines[i] == "" {
				prose.WriteString("`` ") // a span ends with its paragraph: whatever is open is closed
			}
			continue
		}
		if !typed.MatchString(line) {
			continue
		}
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) {
			i++
			line = strings.TrimSuffix(line, `\`) + strings.TrimSpace(lines[i])
		}
		d.blocks = append(d.blocks, strings.TrimPrefix(line, "$ "))
	}
	for _, paragraph := range strings.Split(prose.String(), "`` ") {
		for _, m := range backticks.FindAllStringSubmatch(paragraph, -1) {
			d.spans = append(d.spans, strings.Join(strings.Fields(strings.ReplaceAll(m[1], `\|`, "|")), " "))
		}
	}
	return d
}

// placeholder is a word that stands for a value.
var placeholder = regexp.MustCompile(`^(\p{Lu}[\p{Lu}\d]*(\|\p{Lu}[\p{Lu}\d]*)*|…|\.\.\.)$`)

// oneOf are the placeholders of flags whose usage lists all values there are.
var oneOf = []string{"STAGE", "WAY", "KIND", "MODE", "METHOD", "TYPE", "FORM", "STEP"}

// checkCommand says why the words after binas-tui are no command line: a command
// or flag that does not exist, a value that a flag cannot take, an argument too
// many or too few, a required flag that is missing. Nothing is run. A name
// alone, as in "binas-tui train says why", may leave out what is required.
func checkCommand(words []string, nameAlone bool) error {
	cmd, rest, err := newRoot().Find(words)
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") { // before its flags, which nobody knows
		return noArguments(cmd, rest)
	}
	cmd.InitDefaultHelpFlag()
	cmd.InitDefaultVersionFlag()
	if err := cmd.ParseFlags(valuesOf(cmd, rest)); err != nil {
		return flagError(cmd, err)
	}
	if nameAlone && len(rest) == 0 || cmd.Flags().Changed("help") {
		return nil
	}
	if err := cmd.ValidateArgs(cmd.Flags().Args()); err != nil {
		return err
	}
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		what, usage := pflag.UnquoteUsage(f)
		value := f.Value.String()
		switch {
		case err != nil:
		case !f.Changed && strings.Contains(usage, "(required)"):
			err = fmt.Errorf("%s needs --%s", called(cmd), f.Name)
		case f.Changed && slices.Contains(oneOf, what) && !placeholder.MatchString(value):
			for _, v := range strings.Split(value, "|") {
				if !regexp.MustCompile(`\b` + regexp.QuoteMeta(v) + `\b`).MatchString(usage) {
					err = fmt.Errorf("--%s %s: expected %s", f.Name, v, usage)
				}
			}
		}
	})
	return err
}

// valuesOf replaces placeholders of values that are no text by the default.
func valuesOf(cmd *cobra.Command, words []string) []string {
	words = slices.Clone(words)
	for i, w := range words {
		name, value, inOne := strings.Cut(strings.TrimPrefix(w, "--"), "=")
		f := cmd.Flags().Lookup(name)
		if !strings.HasPrefix(w, "--") || f == nil || f.Value.Type() == "string" || f.Value.Type() == "stringArray" || f.Value.Type() == "bool" {
			continue
		}
		if inOne && placeholder.MatchString(value) {
			words[i] = "--" + name + "=" + f.DefValue
		} else if !inOne && i+1 < len(words) && placeholder.MatchString(words[i+1]) {
			words[i+1] = f.DefValue
		}
	}
	return words
}

// checkLine checks every call of the program in a command line.
func checkLine(line string, nameAlone bool) (calls int, err error) {
	for _, words := range shellCommands(line) {
		if at := slices.Index(words, "binas-tui"); at > 0 && slices.Contains([]string{"mpirun", "srun"}, words[0]) {
			words = words[at:] // what a launcher starts
		}
		if filepath.Base(words[0]) != "binas-tui" {
			continue
		}
		calls++
		if err := checkCommand(words[1:], nameAlone); err != nil {
			return calls, err
		}
	}
	return calls, nil
}

// What the checker is for: these it must refuse, and those accept.
func TestCommandChecker(t *testing.T) {
	for line, want := range map[string]string{
		"binas-tui serch --limit 5ms":                                                 `no command "serch"`,
		"binas-tui lut mesure --out F":                                                `no command "mesure"`,
		"binas-tui search --limt 5ms":                                                 "unknown flag: --limt",
		"binas-tui search --limit":                                                    "needs an argument",
		"binas-tui search --limit 5ms surplus":                                        "takes no arguments",
		"binas-tui search --limit 5ms --top many":                                     "a whole number",
		"binas-tui search --limit 5ms --time-limit=5":                                 "a time such as 5s",
		"binas-tui search --limit 5ms --nas-optimizer cplex":                          "--nas-optimizer cplex: expected",
		"binas-tui train --stage heavy --data D --out RUN":                            "--stage heavy: expected",
		"binas-tui train --stage oneshot --data D":                                    "train needs --out",
		"binas-tui export ARCH":                                                       "export needs --onnx",
		"binas-tui measure":                                                           "measure needs the architecture",
		"binas-tui lut compare A":                                                     "lut compare needs",
		"jq . x | binas-tui measure - --fast":                                         "unknown flag: --fast",
		`binas-tui finetune --arch "$(binas-tui serch)" --data D --out RUN --run RUN`: `no command "serch"`,
		"make data  # or: binas-tui data digts [--out FOLDER]":                        `no command "digts"`,
		"binas-tui train --stage heaviest \\\n  --out RUN --datta digits":             "unknown flag: --datta",
		"mpirun -np 4 --bind-to none binas-tui sample --run RUN --nun 9":              "unknown flag: --nun",
	} {
		calls, err := checkLine(line, false)
		if err == nil || calls == 0 || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d calls, %v; want %q", line, calls, err, want)
		}
	}
	for line, calls := range map[string]int{
		"binas-tui --limit 5ms --max-params 4M":                                                               1,
		`printf 'pin 2.1 e=3\n' | binas-tui --plain`:                                                          1,
		"binas-tui search --limit 30ms --json | jq -r .architecture | binas-tui measure -":                    2,
		"binas-tui pareto --csv > frontier.csv":                                                               1,
		"binas-tui train --stage heaviest|oneshot --epochs N --data FOLDER|NAME --out RUN &":                  1,
		`binas-tui validate --arch "$(…)" --checkpoint F --data digits --json`:                                1,
		`binas-tui export "$(binas-tui search --limit 5ms | tail -1)" --onnx F --batch=N`:                     2,
		"make data                    # or: binas-tui data digits [--mnist FOLDER] [--out FOLDER]":            1,
		"binas-tui pipeline --out runs/digits   # resume":                                                     1,
		"binas-tui fit --predictor-type bilinear --fit-accuracy-lut samples.pkl \\\n  --predictor-ckpt OUT.s": 1,
		"make run": 0,
	} {
		if n, err := checkLine(line, false); err != nil || n != calls {
			t.Errorf("%s: %d calls, %v; want %d", line, n, err, calls)
		}
	}
	if err := checkCommand([]string{"train"}, true); err != nil {
		t.Errorf("a name alone: %v", err)
	}
}

// The reader of documents sees blocks, prompts, continued lines and spans over
// two lines, and takes output for output.
func TestReadDocument(t *testing.T) {
	d := readDocument("Run `binas-tui\nlut show` or\n\n    $ binas-tui search --limit 45\n    binas-tui: limit 45 has no unit\n    binas-tui fit \\\n      --seed 1\n    {\"a\": `b`}\n\nand `make\ntest`, an open ` here\n\n`c`\n")
	if want := []string{"binas-tui search --limit 45", "binas-tui fit --seed 1"}; !slices.Equal(d.blocks, want) {
		t.Errorf("blocks %q: expected %q", d.blocks, want)
	}
	if want := []string{"binas-tui lut show", "make test", "c"}; !slices.Equal(d.spans, want) {
		t.Errorf("spans %q: expected %q", d.spans, want)
	}
}

// Everything that documents tell users to type is a command line of this
// program, and every flag that they name exists.
func TestDocumentedCommands(t *testing.T) {
	commands, flags := map[string]bool{}, map[string]bool{"--help": true, "--version": true}
	eachFlag(func(cmd *cobra.Command, f *pflag.Flag) { flags["--"+f.Name] = true })
	for _, c := range newRoot().Commands() {
		commands[c.Name()] = true
	}
	total := 0
	for _, file := range docFiles(t) {
		d := readDocument(string(readFile(t, file)))
		check := func(text string, nameAlone bool) {
			n, err := checkLine(text, nameAlone)
			if total += n; err != nil {
				t.Errorf("%s: %s: %v", file, text, err)
			}
		}
		for _, line := range d.blocks {
			check(line, false)
		}
		for _, span := range d.spans {
			plain := strings.NewReplacer("[", "", "]", "").Replace(span) // around what may be left out
			words := strings.Fields(plain)
			switch {
			case len(words) == 0:
			case strings.Contains(span, "binas-tui "):
				check(span, true)
			case strings.HasPrefix(words[0], "--"):
				for _, w := range words {
					if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(w, "--") && !flags[name] {
						t.Errorf("%s: no command has %s", file, name)
					}
				}
			case commands[words[0]] && strings.Contains(span, "--"): // the start of a command line
				cmd, rest, err := newRoot().Find(words)
				if err == nil {
					err = cmd.ParseFlags(valuesOf(cmd, rest))
				}
				if total++; err != nil {
					t.Errorf("%s: %s: %v", file, span, err)
				}
			}
		}
	}
	if total < 50 {
		t.Errorf("%d command lines in all: the reader does not see them", total)
	}
}

// The examples of every command are command lines, and they and the texts above
// them fit a terminal of 80 columns.
func TestExamples(t *testing.T) {
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
			if n := len([]rune(line)); n > 80 {
				t.Errorf("%s: %d columns: %s", cmd.CommandPath(), n, line)
			}
		}
		for _, line := range strings.Split(strings.ReplaceAll(cmd.Example, "\\\n", " "), "\n") {
			n, err := checkLine(line, false)
			if err != nil || n == 0 && line != "" {
				t.Errorf("%s: example %s: %v", cmd.CommandPath(), line, err)
			}
		}
		if cmd.Runnable() && !cmd.HasSubCommands() && cmd.Flags().HasFlags() && cmd.Example == "" && !cmd.Hidden {
			t.Errorf("%s has flags and no example", cmd.CommandPath())
		}
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot())
}

// Whatever documents name is there: targets of make, files and pictures, tests
// and benchmarks.
func TestDocumentedNamesExist(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllStringSubmatch(string(readFile(t, "../Makefile")), -1) {
		targets[m[1]] = true
	}
	functions := testFunctions(t)
	function := func(file, pattern string) {
		for _, f := range functions {
			if strings.Contains(f, pattern) {
				return
			}
		}
		t.Errorf("%s: there is no test or benchmark %s", file, pattern)
	}
	var (
		link   = regexp.MustCompile(`\]\(([^)]+)\)`)
		named  = regexp.MustCompile(`^(?:Test|Benchmark)[A-Z]\w*`)
		picked = regexp.MustCompile(`(?:BENCH=|[^-]-bench |[^-]-run )'?\^?([A-Za-z]\w*)`)
		path   = regexp.MustCompile(`^[\w-]+(/[\w.*-]+)+$`)
	)
	for _, file := range docFiles(t) {
		text := string(readFile(t, file))
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || target == "" {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), target)); err != nil {
				t.Errorf("%s: link to %s: %v", file, target, err)
			}
		}
		d := readDocument(text)
		for _, line := range slices.Concat(d.blocks, d.spans) {
			for _, words := range shellCommands(line) {
				if words[0] == "make" && (len(words) < 2 || !targets[words[1]]) {
					t.Errorf("%s: %s: the Makefile has no such target", file, line)
				}
			}
			for _, m := range picked.FindAllStringSubmatch(line, -1) {
				if m[1] != "name" { // BENCH=name stands for any
					function(file, m[1])
				}
			}
		}
		for _, span := range d.spans {
			if name := named.FindString(span); name != "" {
				function(file, name)
			}
			top, _, _ := strings.Cut(span, "/")
			if info, err := os.Stat(filepath.Join("..", top)); path.MatchString(span) && err == nil && info.IsDir() {
				if found, err := filepath.Glob(filepath.Join("..", span)); err != nil || len(found) == 0 {
					t.Errorf("%s: there is no %s", file, span)
				}
			}
		}
	}
}

// What README.md and docs/COMMANDS.md show under a command is what the command
// prints, but for lines left out, ends of lines cut off with … and times.
func TestDocumentedOutputIsPrinted(t *testing.T) {
	lines := strings.Split(string(readFile(t, "../README.md"))+string(readFile(t, "../docs/COMMANDS.md")), "\n")
	shown := 0
	for i := 0; i < len(lines); i++ {
		command, ok := strings.CutPrefix(lines[i], "    $ binas-tui ")
		if !ok {
			continue
		}
		r := runCLI(t, strings.Fields(command)...)
		printed := strings.Split(r.out+r.err, "\n")
		for ; i+1 < len(lines) && (lines[i+1] == "" || strings.HasPrefix(lines[i+1], "    ") && !strings.HasPrefix(lines[i+1], "    $ ")); i++ {
			want, cut := strings.CutSuffix(strings.TrimPrefix(lines[i+1], "    "), "…")
			if strings.TrimSpace(want) == "" || strings.HasPrefix(want, "solved ") {
				continue
			}
			shown++
			at := slices.IndexFunc(printed, func(line string) bool {
				return line == want || cut && strings.HasPrefix(line, strings.TrimSpace(want))
			})
			if at < 0 {
				t.Errorf("binas-tui %s does not print, or not there: %s", command, want)
				continue
			}
			printed = printed[at+1:]
		}
	}
	if shown < 30 {
		t.Errorf("%d lines: the reader does not see them", shown)
	}
}

var (
	goFile   = regexp.MustCompile(`^[\w/*-]+\.go$`)
	fileThen = regexp.MustCompile("`([\\w/-]+\\.go)`, ([A-Z]\\w*)")                      // `latency/limit.go`, ParseLimit
	thenFile = regexp.MustCompile("`(?:[\\w]+\\.)*([A-Za-z]\\w*)` \\(`([\\w/-]+\\.go)`") // `Engine.Search` (`explore/search.go`
)

// goFiles are the files of the project that a name in a paragraph can mean: the
// whole path, its end, or a name alone in a folder that the paragraph has named
// before, in any where it has named none.
func goFiles(all []string, folders map[string]bool, name string) (found []string) {
	for _, file := range all {
		folder := path.Dir(file)
		match, _ := path.Match(path.Base(name), path.Base(file))
		inFolder := strings.Contains(name, "/") && (folder == path.Dir(name) || strings.HasSuffix(folder, "/"+path.Dir(name)))
		if match && (inFolder || !strings.Contains(name, "/") && (len(folders) == 0 || folders[folder])) {
			found = append(found, file)
		}
	}
	return found
}

// undocumented names what a text in Markdown says of the code and is not so: files
// that are not there, identifiers that the file beside them does not declare.
func undocumented(all []string, text string, declares func(file, name string) bool) (wrong []string) {
	for _, paragraph := range regexp.MustCompile(`\n\s*(?:\n|[-*] |\d+\. )`).Split(text, -1) {
		folders := map[string]bool{}
		for _, m := range backticks.FindAllStringSubmatch(paragraph, -1) {
			if !goFile.MatchString(m[1]) {
				continue
			}
			files := goFiles(all, folders, m[1])
			if len(files) == 0 {
				wrong = append(wrong, "there is no file "+m[1])
			}
			for _, f := range files {
				folders[path.Dir(f)] = true
			}
		}
		beside := fileThen.FindAllStringSubmatch(paragraph, -1)
		for _, m := range thenFile.FindAllStringSubmatch(paragraph, -1) {
			beside = append(beside, []string{m[0], m[2], m[1]})
		}
		for _, m := range beside {
			files := goFiles(all, folders, m[1])
			if len(files) > 0 && !slices.ContainsFunc(files, func(f string) bool { return declares(f, m[2]) }) {
				wrong = append(wrong, m[1]+" declares no "+m[2])
			}
		}
	}
	return wrong
}

// The files of the code that documents name are there, and declare what stands
// beside them.
func TestDocumentedCodeExists(t *testing.T) {
	var all []string
	err := filepath.WalkDir("..", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && (e.Name() == "node_modules" || e.Name() == ".git") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			all = append(all, strings.TrimPrefix(filepath.ToSlash(path), "../"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	declares := func(file, name string) bool {
		return regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type |var |const |\t)` + name + `\b`).Match(readFile(t, "../"+file))
	}
	named := 0
	for _, file := range docFiles(t) {
		text := string(readFile(t, file))
		for _, wrong := range undocumented(all, text, declares) {
			t.Errorf("%s: %s", file, wrong)
		}
		named += strings.Count(text, ".go`")
	}
	if named < 50 {
		t.Errorf("%d files: the reader does not see them", named)
	}
	// It finds what it is for.
	for text, want := range map[string]string{
		"`tui/nothing.go` draws":                     "there is no file tui/nothing.go",
		"**`cli/exit.go`** and then `app.go`":        "there is no file app.go",
		"**`cli/exit.go`, Update**":                  "cli/exit.go declares no Update",
		"`Engine.Search` (`explore/nothing.go`)":     "there is no file explore/nothing.go",
		"`Engine.Nothing` (`explore/search.go`: it)": "explore/search.go declares no Nothing",
		"`main.go`, `cli/main.go`, Main":             "",
		"1. `training/run.go`, Train; `state.go`":    "",
		"`solver/quadratic*.go`":                     "",
	} {
		if wrong := strings.Join(undocumented(all, text, declares), "; "); wrong != want {
			t.Errorf("%s: %q, expected %q", text, wrong, want)
		}
	}
}

// testFunctions are the names of all tests and benchmarks of the project.
func testFunctions(t *testing.T) (names []string) {
	t.Helper()
	declared := regexp.MustCompile(`(?m)^func ((?:Test|Benchmark)\w+)`)
	err := filepath.WalkDir("..", func(path string, e os.DirEntry, err error) error {
		if err == nil && e.IsDir() && (e.Name() == "node_modules" || e.Name() == ".git") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, "_test.go") {
			for _, m := range declared.FindAllStringSubmatch(string(readFile(t, path)), -1) {
				names = append(names, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Keys that the guides name in backticks are keys of docs/KEYS.md, which is made
// from the key table.
func TestDocumentedKeysExist(t *testing.T) {
	keys := map[string]bool{"shift": true}
	for _, line := range strings.Split(string(readFile(t, "../docs/KEYS.md")), "\n") {
		if cells := strings.Split(line, "|"); len(cells) == 6 { // action, keys, what it does, where
			for _, m := range backticks.FindAllStringSubmatch(cells[2], -1) {
				keys[m[1]] = true
			}
		}
	}
	arrows := map[string]string{"←": "left", "→": "right", "↑": "up", "↓": "down"}
	key := regexp.MustCompile(`^([!-~]|(ctrl|shift)\+.*|tab|enter|esc|space|home|end|pgup|pgdown)$`)
	seen := 0
	for _, file := range []string{"../README.md", "../docs/GUIDE.md", "../docs/MEASURING.md", "../docs/TROUBLESHOOTING.md"} {
		for _, span := range readDocument(string(readFile(t, file))).spans {
			if name, ok := arrows[span]; ok {
				span = name
			}
			if !key.MatchString(span) {
				continue
			}
			if seen++; !keys[span] {
				t.Errorf("%s: `%s` is no key of docs/KEYS.md", file, span)
			}
		}
	}
	if seen < 50 {
		t.Errorf("%d keys: the reader does not see them", seen)
	}
}
