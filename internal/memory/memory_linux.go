package memory

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// systemMemory is the memory of the machine or, where that is less, of the control
// group.
func systemMemory() float64 {
	least := math.Inf(1)
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) == nil {
		least = float64(info.Totalram) * float64(info.Unit)
	}
	for _, file := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		text, err := safefile.Read(file, 1<<10)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseFloat(strings.TrimSpace(string(text)), 64); err == nil && n > 0 { // or the word max
			least = min(least, n)
		}
	}
	if math.IsInf(least, 1) {
		return 0
	}
	return least
}
