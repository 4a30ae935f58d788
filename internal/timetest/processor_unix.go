//go:build unix

package timetest

import (
	"syscall"
	"time"
)

// Processor is the time that this process has had of all processors, in its own
// code and in the kernel's.
func Processor() time.Duration { return used(syscall.RUSAGE_SELF) }

// family is that of this process and of those that it started and waited for.
func family() time.Duration { return used(syscall.RUSAGE_SELF) + used(syscall.RUSAGE_CHILDREN) }

func used(who int) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(who, &u); err != nil {
		panic(err) // there is nothing that could fail
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
