package latency

import (
	"bufio"
	"os"
	"os/exec"
	"runtime"
	"strings"
)

// Processor names this machine's processor as well as the system tells.
func Processor() string {
	switch runtime.GOOS {
	case "linux":
		if f, err := os.Open("/proc/cpuinfo"); err == nil {
			defer f.Close()
			for lines := bufio.NewScanner(f); lines.Scan(); {
				name, value, ok := strings.Cut(lines.Text(), ":")
				switch strings.TrimSpace(name) {
				case "model name", "Model":
					if ok && strings.TrimSpace(value) != "" {
						return strings.TrimSpace(value)
					}
				}
			}
		}
		if model, err := os.ReadFile("/proc/device-tree/model"); err == nil && len(model) < 1000 { // of boards, whose processors have no names
			return strings.Trim(string(model), "\x00\n ")
		}
	case "darwin":
		if out, err := exec.Command("sysctl", "-n", "machdep.cpu.brand_string").Output(); err == nil {
			return strings.TrimSpace(string(out))
		}
	case "windows":
		if v := os.Getenv("PROCESSOR_IDENTIFIER"); v != "" {
			return v
		}
	}
	return runtime.GOARCH
}
