// Package archtest checks who may depend on whom; see docs/ARCHITECTURE.md.
package archtest

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/binas-tui/binas-tui"

// binding of ONNX Runtime: it needs cgo.
const binding = "github.com/yalue/onnxruntime_go"

// mayImport lists, for every package of the project, the packages of the
// project it may import. Dependencies point one way, from the bottom of this
// list to its top. A package that is not here fails the test: say where it
// belongs.
var mayImport = map[string][]string{
	"internal/safefile":    {},
	"internal/nobodytest":  {},
	"internal/stdio":       {},
	"internal/memory":      {"internal/safefile"},
	"internal/sanitize":    {},
	"internal/phrase":      {},
	"internal/version":     {},
	"internal/ieee":        {},
	"internal/pickle":      {"internal/ieee"},
	"internal/safetensors": {"internal/ieee"},
	"internal/job":         {},
	"internal/parallel":    {},
	"internal/mpi":         {"internal/safefile"},
	"internal/cuda":        {},
	"internal/ortapi":      {},
	"internal/logits":      {},
	"assets":               {},
	"internal/jsonl":       {},
	"internal/strictjson":  {"internal/sanitize"},
	"internal/param":       {"internal/sanitize"},
	"internal/ssh":         {"internal/safefile", "internal/sanitize"},
	"internal/download":    {"internal/safefile"},
	"internal/records":     {"internal/jsonl", "internal/safefile"},
	"model":                {"internal/safetensors", "internal/jsonl", "internal/pickle", "internal/sanitize"},
	"solver":               {"model"},
	"fit":                  {"internal/job", "internal/parallel", "model"},
	"fit/published":        {"model"},
	"kernels":              {"internal/ortapi"},
	"onnx":                 {"internal/cuda", "internal/download", "internal/ieee", "internal/ortapi", "internal/safefile", "kernels", "model"},
	"supernet":             {"internal/safetensors", "internal/safefile", "model", "onnx", "internal/pickle"},
	"latency":              {"internal/ssh", "internal/version", "internal/jsonl", "internal/memory", "internal/parallel", "internal/records", "internal/safefile", "internal/job", "internal/phrase", "model", "onnx", "internal/pickle", "internal/sanitize"},
	"supernet/backprop":    {"kernels", "internal/logits", "internal/parallel", "model", "onnx", "supernet"},
	"assets/generate":      {"model", "fit/published"},
	"supernet/dataset":     {"internal/download", "internal/parallel", "internal/safefile", "internal/strictjson", "internal/sanitize"},
	"supernet/evaluation":  {"internal/logits", "internal/mpi", "internal/safetensors", "internal/jsonl", "internal/memory", "internal/parallel", "internal/records", "internal/safefile", "internal/job", "latency", "model", "onnx", "supernet", "supernet/dataset"},
	"supernet/training":    {"internal/logits", "internal/mpi", "internal/parallel", "internal/jsonl", "internal/memory", "internal/param", "internal/records", "internal/safefile", "internal/strictjson", "model", "onnx", "supernet", "supernet/backprop", "supernet/dataset"},
	"explore":              {"internal/ssh", "assets", "fit", "internal/records", "internal/safefile", "internal/job", "latency", "model", "onnx", "fit/published", "solver"},
	"internal/figure":      {"explore", "fit/published", "internal/sanitize"},
	"internal/page":        {"explore", "internal/figure", "fit/published", "internal/sanitize", "internal/version", "model"},
	"steps":                {"internal/mpi", "explore", "internal/figure", "fit", "internal/jsonl", "internal/logits", "internal/memory", "internal/param", "internal/phrase", "internal/records", "internal/safefile", "internal/strictjson", "internal/job", "latency", "internal/version", "model", "onnx", "internal/sanitize", "solver", "supernet", "supernet/dataset", "supernet/evaluation", "supernet/training"},
	"tui/cell":             {"internal/sanitize"},
	"tui/form":             {"tui/cell"},
	"tui":                  {"tui/cell", "tui/form", "explore", "internal/figure", "internal/page", "internal/param", "internal/phrase", "fit", "internal/safefile", "internal/job", "latency", "model", "onnx", "steps", "fit/published", "internal/sanitize", "solver", "supernet/evaluation", "supernet/training"},
	"cli":                  {"internal/ssh", "internal/stdio", "internal/mpi", "explore", "internal/figure", "internal/page", "internal/param", "internal/phrase", "fit", "internal/memory", "internal/safefile", "internal/job", "latency", "internal/version", "model", "onnx", "steps", "fit/published", "internal/sanitize", "solver", "supernet", "supernet/dataset", "supernet/evaluation", "supernet/training", "tui"},
	"internal/archtest":    {},
	"internal/datatest":    {},
	"internal/npytest":     {},
	"internal/hometest":    {"internal/safefile"},
	"internal/needed":      {},
	"internal/onnxtest":    {"internal/needed", "onnx"},
	"internal/devicetest":  {"latency", "model"},
	"internal/sshtest":     {"internal/needed"},
	"internal/timetest":    {},
	"e2e":                  {},
	".":                    {"cli"},
}

// pure packages compute: they take readers and bytes, open no files, and know
// no network, no screen and no inference library.
var pure = []string{"internal/safetensors", "fit", "model", "solver", "internal/pickle", "fit/published", "internal/sanitize", "internal/jsonl", "tui/cell", "tui/form"}

// outside is what pure packages must not import; a name that ends in a slash
// stands for everything below it.
var outside = []string{
	"os", "os/", "net", "net/", "io/ioutil", "syscall", "log", "log/", "plugin",
	"github.com/adrg/xdg", binding, "golang.org/x/sys/",
}

// screen is what only cli and tui may import: the rest can serve any front end.
var screen = []string{
	"charm.land/", "github.com/charmbracelet/", "github.com/spf13/", "github.com/guptarohit/asciigraph",
	"github.com/atotto/clipboard", "golang.org/x/term",
}

// figures is what draws figures for papers and reports.
var figures = []string{"gonum.org/v1/plot", "gonum.org/v1/plot/"}

var drawsFigures = []string{"internal/figure"}

func TestImports(t *testing.T) {
	found := packages(t, build.Default)
	for dir, pkg := range found {
		allowed, known := mayImport[dir]
		if !known {
			t.Errorf("package %s: not in mayImport", dir)
		}
		for _, name := range allowed {
			if !slices.Contains(pkg.Imports, module+"/"+name) {
				t.Errorf("%s does not import %s, which it may: take that out of mayImport", dir, name)
			}
		}
		for _, path := range pkg.Imports {
			if name, own := strings.CutPrefix(path, module+"/"); own && !slices.Contains(allowed, name) {
				t.Errorf("%s imports %s: it may import %v", dir, name, allowed)
			}
			if slices.Contains(pure, dir) && matches(path, outside) {
				t.Errorf("%s imports %s: it must work without files, network and inference library", dir, path)
			}
			if dir != "cli" && dir != "tui" && dir != "tui/cell" && dir != "tui/form" && matches(path, screen) {
				t.Errorf("%s imports %s: only cli and tui know the screen", dir, path)
			}
			if !slices.Contains(drawsFigures, dir) && matches(path, figures) {
				t.Errorf("%s imports %s: only %v draw figures", dir, path, drawsFigures)
			}
			if strings.HasPrefix(path, "charm.land/") && dir == "cli" {
				t.Errorf("%s imports %s: only tui draws", dir, path)
			}
			if path == binding && dir != "onnx" {
				t.Errorf("%s imports %s: only onnx knows the library", dir, path)
			}
		}
	}
	for _, needed := range []string{".", "cli", "model", "solver", "latency"} {
		if found[needed] == nil {
			t.Errorf("package %s was not found", needed)
		}
	}
}

// Without cgo, everything is built but the binding.
func TestNoBindingWithoutCgo(t *testing.T) {
	without := build.Default
	without.CgoEnabled = false
	for dir, pkg := range packages(t, without) {
		if slices.Contains(slices.Concat(pkg.Imports, pkg.TestImports, pkg.XTestImports), binding) {
			t.Errorf("%s imports %s in a file that is built without cgo", dir, binding)
		}
	}
}

// The rules themselves must point one way.
func TestNoCycles(t *testing.T) {
	done, open := map[string]bool{}, map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		if open[name] {
			t.Fatalf("%s may import itself in the end", name)
		}
		if done[name] {
			return
		}
		if _, known := mayImport[name]; !known {
			t.Errorf("mayImport names %s, which it does not describe", name)
		}
		open[name] = true
		for _, to := range mayImport[name] {
			visit(to)
		}
		open[name], done[name] = false, true
	}
	for name := range mayImport {
		visit(name)
	}
}

func matches(path string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

// packages are those of the project, by folder, as a build sees them.
func packages(t *testing.T, b build.Context) map[string]*build.Package {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*build.Package{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := d.Name()
		if path != root && (strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") || name == "testdata") {
			return fs.SkipDir
		}
		if _, err := os.Stat(filepath.Join(path, "go.mod")); err == nil && path != root {
			return fs.SkipDir
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		pkg, err := b.ImportDir(path, 0)
		if _, none := err.(*build.NoGoError); none {
			return nil
		}
		out[filepath.ToSlash(rel)] = pkg
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
