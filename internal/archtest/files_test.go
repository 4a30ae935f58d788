package archtest

import (
	"go/ast"
	"go/build"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// opening is what of package os reads, writes or makes files by name.
var opening = map[string]bool{
	"Open": true, "OpenFile": true, "Create": true, "CreateTemp": true, "ReadFile": true, "WriteFile": true, "Mkdir": true, "MkdirAll": true,
}

// mayOpen are the files that do so themselves and why; all others go through
// internal/safefile. What ends in a slash is a folder.
var mayOpen = map[string]string{
	"internal/safefile/":           "it is what the others use",
	"internal/datatest/":           "files of tests",
	"internal/npytest/":            "files of tests",
	"internal/sshtest/":            "files of tests",
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
			eachFile(t, dir, []string{name}, func(fset *token.FileSet, f *ast.File) {
				for _, use := range usesOf(f, "os", opening) {
					if used[exempt] = true; exempt == "" {
						t.Errorf("%s: os.%s: files are read and written by internal/safefile", fset.Position(use.Pos()), use.Sel.Name)
					}
				}
			})
		}
	}
	for where := range mayOpen {
		if !used[where] {
			t.Errorf("%s opens nothing any more: take it from the list", where)
		}
	}
}
