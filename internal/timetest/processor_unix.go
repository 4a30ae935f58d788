//go:build unix

package timetest

import (
	"syscall"
	"time"
)

// Processor is the time that this process has had of all processors, in its own
// code and in the kernel's.
func Processor() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // there is nothing that could fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
