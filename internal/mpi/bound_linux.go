package mpi

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/binas-tui/binas-tui/internal/safefile"
)

// Bound is how many cores the processors have that this process may use, and whether
// the launcher, its parent, may use more processors.
func Bound() (cores int, more bool) {
	var own, parent unix.CPUSet
	if unix.SchedGetaffinity(0, &own) != nil || unix.SchedGetaffinity(os.Getppid(), &parent) != nil {
		return 0, false
	}
	const processors = 1 << 10 // of a CPUSet
	found := map[string]bool{}
	for i := range processors {
		if !own.IsSet(i) {
			continue
		}
		siblings, err := safefile.Read(fmt.Sprintf("/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", i), 1<<12)
		if err != nil {
			siblings = []byte(fmt.Sprint(i))
		}
		found[string(siblings)] = true
	}
	return len(found), parent.Count() > own.Count()
}
