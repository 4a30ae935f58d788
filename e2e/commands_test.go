//go:build unix

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// command runs the program without a terminal.
func command(t *testing.T, args ...string) (out, errs string, code int) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := exec.Command(binary, args...)
	c.Stdout, c.Stderr = &stdout, &stderr
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), c.ProcessState.ExitCode()
}

func TestBadInput(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	pickle := write("bad.pkl", "\x80\x04cos\nsystem\n\x8c\x04true\x85R.")
	truncated := write("short.json", `{"format":"binas-tui-lut"`)
	predictor := write("bad.pth", "PK\x03\x04 nothing more")
	hostile := write("\x1b]0;owned\a\x1b[31m.json", "{}")
	for _, c := range []struct {
		args string
		code int
		want string
	}{
		{"search --limit 45", 2, "45ms? 45s?"},
		{"search --limit NaNms", 2, "expected a number"},
		{"search --limit -1ms", 2, "more than 0"},
		{"search --limit 1us", 3, "ms are needed"},
		{"search --limit 45ms --lut " + pickle, 2, "bad.pkl"},
		{"search --limit 45ms --lut " + truncated, 2, "short.json"},
		{"search --limit 45ms --lut " + hostile, 2, "not a latency table"},
		{"search --limit 45ms --lut /dev/zero", 2, "not a regular file"},
		{"search --limit 45ms --lut " + dir, 2, "not a regular file"},
		{"search --limit 45ms --predictor " + predictor, 2, "bad.pth"},
		{"pareto --lut " + dir + "/none", 2, "no such file"},
		{"lut convert " + pickle + " " + dir + "/out.json", 2, "bad.pkl"},
		{"lut show \x1b[2J", 2, "no such file"},
		{"serch", 2, "did you mean search?"},
	} {
		out, errs, code := command(t, strings.Split(c.args, " ")...)
		if code != c.code || out != "" || strings.Count(errs, "\n") != 1 || !strings.Contains(errs, c.want) ||
			strings.ContainsRune(errs, '\x1b') || strings.Contains(errs, "goroutine") {
			t.Errorf("binas-tui %q: exit code %d, output %q, error %q; want code %d and one line with %q", c.args, code, out, errs, c.code, c.want)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out.json")); err == nil {
		t.Error("a failed conversion left a file")
	}
}

func TestJSONAlone(t *testing.T) {
	for _, args := range [][]string{{"search", "--limit", "30ms", "--json"}, {"pareto", "--json"}, {"lut", "show", "--json"}} {
		out, errs, code := command(t, args...)
		var v map[string]any
		if err := json.Unmarshal([]byte(out), &v); err != nil || errs != "" || code != 0 {
			t.Errorf("%v: %v, standard error %q, exit code %d", args, err, errs, code)
		}
	}
}

func TestNoTerminalPrintsAReport(t *testing.T) {
	out, errs, code := command(t)
	if code != 0 || errs != "" || !strings.Contains(out, "networks, proved") || strings.ContainsRune(out, '\x1b') {
		t.Errorf("exit code %d, standard error %q, output:\n%s", code, errs, out)
	}
}

// A reader that goes away ends the program without a word.
func TestBrokenPipe(t *testing.T) {
	c := exec.Command(binary, "pareto", "--json")
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	out.Close()
	if err := c.Wait(); err == nil || errs.Len() != 0 {
		t.Errorf("ended with %v and said %q", err, errs.String())
	}
}

func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	var errs bytes.Buffer
	c := exec.Command(binary, "pareto", "--csv")
	c.Stdout, c.Stderr = full, &errs
	if c.Run(); c.ProcessState.ExitCode() != 1 || !strings.Contains(errs.String(), "no space left") {
		t.Errorf("exit code %d, error %q", c.ProcessState.ExitCode(), errs.String())
	}
}

// An answer that nobody can get is an error, before there is work.
func TestClosedOutput(t *testing.T) {
	for redirect, want := range map[string]string{">&-": "exit status 1 binas-tui: standard output is closed: there is nowhere to write to\n", ">/dev/null": "<nil> ", "<>/dev/null 1>&0": "<nil> "} {
		var errs bytes.Buffer
		c := exec.Command("sh", "-c", `exec "$0" version `+redirect, binary)
		c.Stderr = &errs
		err := c.Run()
		if got := fmt.Sprint(err, " ", errs.String()); got != want {
			t.Errorf("%s: %q, want %q", redirect, got, want)
		}
	}
}
