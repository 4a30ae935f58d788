package tui

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Update must not wait for a disk, so calls that touch files or prepare an engine
// stand only in what runs as a command: function literals handed to guard, stream or
// background, and the functions below, which nothing else may call.
var (
	touchesFiles = map[string][]string{
		"explore":   {"LUTs", "Predictors", "Load", "LoadLUT", "LoadPredictor", "LoadSamples", "LoadFitting", "New", "CompareDevices", "CompareTables", "SaveLUT", "MeasureTable", "MeasureNetwork", "VerifyTable"},
		"steps":     {"Runs", "Find", "ReadPipeline", "ReadNetworks", "ReadRanked", "OpenData"},
		"figure":    {"*"},
		"page":      {"*"},
		"safefile":  {"*"},
		"clipboard": {"*"},
		"onnx":      {"Find", "Install", "Load", "Open"},
		"filepath":  {"Walk", "WalkDir", "Glob", "EvalSymlinks"},
		"os":        {"Open", "OpenFile", "ReadFile", "WriteFile", "ReadDir", "Stat", "Lstat", "Create", "Remove", "RemoveAll", "Rename", "Mkdir", "MkdirAll", "Readlink"},
	}
	commands = []string{
		"newEngines", "bestElsewhere", "comparableTables", "createFile", "whyNone", "keepOnMachine", // parts of commands and jobs
		"Run", "RunPlain", "newApp", "newPlain", "PlainDemo", "ReadOwn", "own", "RestoreLimits", "save", "err", // before and after the explorer runs
		"machineServices", // what commands ask of the machine
	}
)

func TestUpdateReadsNoFiles(t *testing.T) {
	for _, problem := range fileRule(t, "*.go", nil) {
		t.Error(problem)
	}
	for _, folder := range []string{"explore", "steps", "onnx"} { // a renamed function would escape
		source := ""
		files, _ := filepath.Glob("../" + folder + "/*.go")
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			source += string(text)
		}
		for _, name := range touchesFiles[folder] {
			if !strings.Contains(source, "\nfunc "+name+"(") {
				t.Errorf("there is no %s.%s", folder, name)
			}
		}
	}
	// The rule finds what it is for.
	for name, body := range map[string]string{
		"a list of tables": `func (a *App) openTables() { a.list(explore.LUTs()) }`,
		"an SVG":           `func (a *App) writeReport() { figure.Frontier() }`,
		"a part":           `func (a *App) press() { createFile("x", nil) }`,
		"what takes in":    `func (a *App) press() { a.background(func() func() tea.Cmd { os.Stat("y"); return func() tea.Cmd { os.Stat("x") } }) }`,
		"a literal":        `func (a *App) press() { do(func() { os.Stat("x") }) }`,
	} {
		if len(fileRule(t, "", []byte("package tui\n"+body))) != 1 {
			t.Errorf("%s in Update is not found", name)
		}
	}
}

func fileRule(t *testing.T, pattern string, source []byte) (problems []string) {
	t.Helper()
	files := []string{"x.go"}
	if source == nil {
		files, _ = filepath.Glob(pattern)
		if len(files) < 30 {
			t.Fatalf("%d files", len(files))
		}
	}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		var text any
		if source != nil {
			text = source
		}
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil && !slices.Contains(commands, f.Name.Name) {
				ast.Walk(fileVisitor{func(call *ast.CallExpr, what string) {
					problems = append(problems, set.Position(call.Pos()).String()+": "+f.Name.Name+" calls "+what+" where Update may wait for it")
				}}, f.Body)
			}
		}
	}
	return problems
}

type fileVisitor struct{ found func(*ast.CallExpr, string) }

func (v fileVisitor) Visit(n ast.Node) ast.Visitor {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return v
	}
	switch f := call.Fun.(type) {
	case *ast.Ident:
		if f.Name == "guard" || f.Name == "stream" {
			return nil // a command
		}
		if slices.Contains(commands, f.Name) {
			v.found(call, f.Name)
		}
	case *ast.SelectorExpr:
		if f.Sel.Name == "background" { // a command, but for what it returns
			ast.Inspect(call, func(n ast.Node) bool {
				if r, ok := n.(*ast.ReturnStmt); ok {
					for _, result := range r.Results {
						if taking, ok := result.(*ast.FuncLit); ok {
							ast.Walk(v, taking.Body)
						}
					}
				}
				return true
			})
			return nil
		}
		if f.Sel.Name == "sources" || f.Sel.Name == "prepare" { // what lists or loads them is a command
			for _, arg := range call.Args[1:] {
				ast.Walk(v, arg)
			}
			return nil
		}
		if pkg, ok := f.X.(*ast.Ident); ok {
			if names := touchesFiles[pkg.Name]; slices.Contains(names, f.Sel.Name) || slices.Contains(names, "*") {
				v.found(call, pkg.Name+"."+f.Sel.Name)
			}
		}
	}
	return v
}
