//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/sshtest"
	"github.com/binas-tui/binas-tui/onnx"
)

// The program measures a network on a host with ONNX Runtime there, sees what is
// there, and leaves nothing running where it is killed or suspended.
func TestMeasureOnAHost(t *testing.T) {
	lib := library(t)
	server := sshtest.Start(t, sshtest.Options{})
	out, errs, code := command(t, "doctor", "--on", sshtest.Host, "--onnxruntime", lib)
	if code != 0 || !strings.Contains(errs, "pi: pushing binas-tui (") || !strings.Contains(out, "BINAS_ONNXRUNTIME      "+server.Cache) || !strings.Contains(out, "  processor ") {
		t.Fatalf("exit code %d, %s\n%s", code, errs, out)
	}
	args := []string{"measure", tinyNetwork, "--image-size", "32", "--on", sshtest.Host, "--onnxruntime", lib, "--json"}
	if out, errs, code = command(t, append(args, "--rounds", "1")...); code != 0 || errs != "" {
		t.Fatalf("exit code %d, %s", code, errs)
	}
	var m struct {
		Host, Processor, Runtime string
		MedianMS                 float64 `json:"median_ms"`
	}
	if err := json.Unmarshal([]byte(out), &m); err != nil || m.Host != sshtest.Host || m.Processor == "" || !strings.HasPrefix(m.Runtime, "ONNX Runtime 1.") || !(m.MedianMS > 0) {
		t.Errorf("%v, %+v", err, m)
	}

	for _, end := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} { // a machine that is suspended says nothing either
		c := exec.Command(binary, append(args, "--rounds", "1000")...)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); len(server.Programs()) == 0; time.Sleep(5 * time.Millisecond) {
			if time.Since(start) > time.Minute {
				t.Fatal("nothing runs there")
			}
		}
		c.Process.Signal(end)
		t.Logf("the program there is gone %v after signal %d here", server.Gone(t, 20*time.Second), end)
		c.Process.Kill()
		c.Wait()
	}
}

// emulated has a host's shell run what is pushed in an emulator of another processor.
const emulated = `ForceCommand eval "$(printf %s "$SSH_ORIGINAL_COMMAND" | sed "s|exec .\$b.|exec qemu-aarch64-static -L /usr/aarch64-linux-gnu \"\$b\"|")"`

// A smoke test of a host with another processor: what is pushed is of its architecture,
// and measures there. It needs what make cross builds, of this version.
func TestMeasureOnAnotherArchitecture(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("it is of a host with arm64")
	}
	qemu, err := exec.LookPath("qemu-aarch64-static")
	library := onnx.InstallPathFor("linux/arm64")
	program, _ := filepath.Abs("../bin/binas-tui-linux-arm64")
	for _, file := range []string{"/usr/aarch64-linux-gnu/lib/libstdc++.so.6", library, program} {
		if _, missing := os.Stat(file); missing != nil {
			err = missing
		}
	}
	if err != nil {
		t.Skip("no arm64: ", err)
	}
	out, err := exec.Command(qemu, "-L", "/usr/aarch64-linux-gnu", program, "version").CombinedOutput()
	mine, _, _ := command(t, "version")
	version := func(text string) string { v, _, _ := strings.Cut(text, " ("); return v }
	if err != nil || version(string(out)) != version(mine) {
		t.Skipf("bin/binas-tui-linux-arm64 is %s, this is %s: make cross", out, mine)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "uname"), []byte("#!/bin/sh\ntest $1 = -s && echo Linux || echo aarch64\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	server := sshtest.Start(t, sshtest.Options{Server: emulated, Env: " PATH=" + bin + ":/usr/bin:/bin"})
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	if err := os.Mkdir(filepath.Join(cache, "binas-tui"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, filepath.Join(cache, "binas-tui", filepath.Base(program))); err != nil {
		t.Fatal(err)
	}
	doctor, errs, code := command(t, "doctor", "--on", sshtest.Host)
	if code != 0 || !strings.Contains(doctor, "linux/arm64") || !strings.Contains(doctor, "BINAS_ONNXRUNTIME      "+server.Cache) {
		t.Errorf("exit code %d, %s\n%s", code, errs, doctor)
	}
	out2, errs, code := command(t, "measure", tinyNetwork, "--image-size", "32", "--rounds", "1", "--on", sshtest.Host, "--json")
	if code != 0 || !strings.Contains(out2, `"host": "pi"`) {
		t.Errorf("exit code %d, %s\n%s", code, errs, out2)
	}
	t.Logf("%s", out2)
}
