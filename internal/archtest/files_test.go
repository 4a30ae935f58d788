package archtest

import (
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// opening is what of package os reads, writes or makes files by name.
var opening = []string{"Open", "OpenFile", "Create", "CreateTemp", "ReadFile", "WriteFile", "Mkdir", "MkdirAll"}

// mayOpen are the files that do so themselves and why; all others go through
// internal/safefile. What ends in a slash is a folder.
var mayOpen = map[string]string{
	"internal/safefile/":           "it is what the others use",
	"internal/datatest/":           "files of tests",
	"internal/npytest/":            "files of tests",
	"internal/timetest/":           "/proc",
	"assets/generate/":             "run by who changes the assets",
	"latency/measure_processor.go": "/proc",
	"onnx/expendable_linux.go":     "/proc",
	"tui/run.go":                   "the idle signal of tests",
}

func TestFilesGoThroughSafefile(t *testing.T) {
	used := map[string]bool{}
	for dir, pkg := range packages(t, build.Default) {
		for _, name := range slices.Concat(pkg.GoFiles, pkg.CgoFiles, pkg.IgnoredGoFiles) {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file := filepath.ToSlash(filepath.Join(dir, name))
			exempt := ""
			for where := range mayOpen {
				if file == where || strings.HasSuffix(where, "/") && strings.HasPrefix(file, where) {
					exempt = where
				}
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join("../..", file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(f, func(n ast.Node) bool {
				s, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if pkg, ok := s.X.(*ast.Ident); ok && pkg.Name == "os" && slices.Contains(opening, s.Sel.Name) {
					if used[exempt] = true; exempt == "" {
						t.Errorf("%s: os.%s: files are read and written by internal/safefile", fset.Position(s.Pos()), s.Sel.Name)
					}
				}
				return true
			})
		}
	}
	for where := range mayOpen {
		if !used[where] {
			t.Errorf("%s opens nothing any more: take it from the list", where)
		}
	}
}
