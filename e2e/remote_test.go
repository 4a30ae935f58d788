//go:build linux

package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/sshtest"
)

// The program measures a network on a host with ONNX Runtime there, sees what is
// there, and leaves nothing running where it is killed.
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

	c := exec.Command(binary, append(args, "--rounds", "1000")...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); len(server.Programs()) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("nothing runs there")
		}
	}
	c.Process.Signal(os.Kill)
	c.Wait()
	t.Logf("the program there is gone %v after kill -9 here", server.Gone(t, 20*time.Second))
}
