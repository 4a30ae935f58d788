// Package memory refuses work that would take more memory than there is, before
// it is begun: the system would end the program in the middle of it.
package memory

import (
	"errors"
	"fmt"
	"sync"
)

// ErrTooMuch is wrapped by the errors of [Check].
var ErrTooMuch = errors.New("not enough memory")

// unknown is taken for the memory of a machine that does not say what it has.
const unknown = 64 << 30

// Total is the memory of this process, in bytes: that of the machine, or of the
// container it is in. Tests replace it.
var Total = sync.OnceValue(func() float64 {
	if n := systemMemory(); n > 0 {
		return n
	}
	return unknown
})

// Check refuses what takes at least so many bytes where there are fewer. What says
// what that is and which settings it follows from.
func Check(what string, bytes float64) error {
	if have := Total(); bytes > have {
		return fmt.Errorf("%w: %s takes at least %s: there are %s", ErrTooMuch, what, Size(bytes), Size(have))
	}
	return nil
}

// Size writes a number of bytes.
func Size(bytes float64) string {
	for _, unit := range []string{"bytes", "kB", "MB", "GB"} {
		if bytes < 1000 {
			return fmt.Sprintf("%.3g %s", bytes, unit)
		}
		bytes /= 1000
	}
	return fmt.Sprintf("%.3g TB", bytes)
}
