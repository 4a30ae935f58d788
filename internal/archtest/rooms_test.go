package archtest

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// rooms are the folders at the top: the method, its front ends, what they hold
// and what tries them. What only serves others is below internal.
var rooms = []string{
	"assets", "cli", "docs", "e2e", "explore", "fit", "internal", "kernels", "latency", "model", "onnx", "scripts", "solver", "steps", "supernet", "tui",
}

func TestTopLevelIsTheMethod(t *testing.T) {
	entries, err := os.ReadDir("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := e.Name(); e.IsDir() && !strings.HasPrefix(name, ".") && name != "bin" && !slices.Contains(rooms, name) {
			t.Errorf("folder %s: what only serves others belongs into internal, what is a step of the method into rooms", name)
		}
	}
}

// Folders of packages hold source alone: what else lies there was left by a program
// or a test. Data is in testdata, and where it is the purpose of the folder.
func TestPackagesHoldSourceAlone(t *testing.T) {
	source := []string{".go", ".c", ".h"}
	for dir := range packages(t, build.Default) {
		if room, _, _ := strings.Cut(dir, "/"); dir == "." || slices.Contains([]string{"assets", "docs", "e2e"}, room) {
			continue
		}
		entries, err := os.ReadDir(filepath.Join("../..", dir))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(dir, e.Name())
			if !e.IsDir() && !slices.Contains(source, filepath.Ext(name)) && name != "fit/published/networks.json" {
				t.Errorf("%s: expected source alone, and data in testdata", name)
			}
		}
	}
}

// docs/ARCHITECTURE.md says of every package what it is for. What is for tests, or
// the program as a whole, may be left out.
func TestEveryPackageIsDescribed(t *testing.T) {
	text, err := os.ReadFile("../../docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for dir, pkg := range packages(t, build.Default) {
		forTests := strings.HasSuffix(dir, "test") || dir == "internal/needed" || dir == "assets/generate" || dir == "e2e" || dir == "."
		if !forTests && len(pkg.GoFiles) > 0 && !strings.Contains(string(text), "\n| `"+dir+"` | ") {
			t.Errorf("package %s has no row in docs/ARCHITECTURE.md", dir)
		}
	}
}

// faces show what others compute.
var faces = []string{"cli", "tui"}

// computing is what they must not import.
var computing = []string{"gonum.org/v1/gonum/", "math/rand", "math/rand/v2", "supernet/backprop", "kernels"}

// The front ends ask package explore: they call no function of package solver, and
// import nothing that computes.
func TestFacesDoNotCompute(t *testing.T) {
	solvers := functions(t, "solver")
	if !solvers["Prepare"] {
		t.Fatal("the functions of package solver are not seen")
	}
	pkgs := packages(t, build.Default)
	for _, dir := range faces {
		for _, path := range pkgs[dir].Imports {
			if matches(strings.TrimPrefix(path, module+"/"), computing) {
				t.Errorf("%s imports %s: it shows what others compute", dir, path)
			}
		}
		eachFile(t, dir, pkgs[dir].GoFiles, func(fset *token.FileSet, f *ast.File) {
			for _, use := range usesOf(f, "solver", solvers) {
				t.Errorf("%s: solver.%s: package explore answers", fset.Position(use.Pos()), use.Sel.Name)
			}
		})
	}
	// It finds what it is for.
	f, err := parser.ParseFile(token.NewFileSet(), "", "package tui\nfunc f(p *solver.Problem) { _ = solver.Optimizer(\"\"); solver.Prepare(nil, p) }", 0)
	if err != nil || len(usesOf(f, "solver", solvers)) != 1 {
		t.Errorf("a use of solver.Prepare is not found: %v", err)
	}
}

// functions are those that a package exports.
func functions(t *testing.T, dir string) map[string]bool {
	out := map[string]bool{}
	eachFile(t, dir, packages(t, build.Default)[dir].GoFiles, func(_ *token.FileSet, f *ast.File) {
		for _, d := range f.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.IsExported() {
				out[f.Name.Name] = true
			}
		}
	})
	return out
}

func eachFile(t *testing.T, dir string, names []string, visit func(*token.FileSet, *ast.File)) {
	t.Helper()
	for _, name := range names {
		fset := token.NewFileSet()
		f, err := parser.ParseFile(fset, filepath.Join("../..", dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		visit(fset, f)
	}
}

// usesOf are the uses of a package's functions in a file.
func usesOf(f *ast.File, pkg string, functions map[string]bool) (out []*ast.SelectorExpr) {
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == pkg && functions[s.Sel.Name] {
				out = append(out, s)
			}
		}
		return true
	})
	return out
}
