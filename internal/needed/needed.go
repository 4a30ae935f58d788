// Package needed is for tests that need what not every machine has: a program,
// a library, data. Without it they are skipped; where BINAS_REQUIRE is set, as
// in continuous integration, they fail.
package needed

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Missing ends a test that cannot run without what err says is missing.
func Missing(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("BINAS_REQUIRE") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// Program returns the path of a program.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, err)
	}
	return path
}

// Library makes a library of C in a folder that is there, known by its name to those that need it;
// more are arguments of the compiler, such as libraries that it needs itself.
func Library(t testing.TB, path, source string, more ...string) {
	t.Helper()
	cmd := exec.Command(Program(t, "cc"), append([]string{"-shared", "-fPIC", "-o", path, "-Wl,--no-as-needed", "-Wl,-soname," + filepath.Base(path), "-x", "c", "-", "-x", "none"}, more...)...)
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// Python returns a Python that has modules which no distribution's packages have: that
// of BINAS_PYTHON, of make peers, or python3. Without one a test is skipped, also where
// BINAS_REQUIRE is set. The test is of a package below the root of the project.
func Python(t testing.TB, modules ...string) string {
	t.Helper()
	var said []byte
	for _, python := range []string{os.Getenv("BINAS_PYTHON"), "../../peers/bin/python", "python3"} {
		out, err := exec.Command(python, "-c", "import "+strings.Join(modules, ", ")).CombinedOutput()
		if err == nil {
			return python
		}
		said = out
	}
	t.Skipf("no Python has %s; make peers installs them, BINAS_PYTHON names another: %s", strings.Join(modules, ", "), said)
	return ""
}
