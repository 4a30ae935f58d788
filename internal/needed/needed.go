// Package needed is for tests that need what not every machine has: a program,
// a library, data. Without it they are skipped; where BINAS_REQUIRE is set, as
// in continuous integration, they fail.
package needed

import (
	"os"
	"os/exec"
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
