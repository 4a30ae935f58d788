//go:build unix

package tui

import (
	"os"
	"syscall"
)

// suspendSignals ask for the process to be stopped. They are caught, so that
// the screen can be restored first; Go cannot let them stop the process after
// that, which is what stopProcess is for.
var suspendSignals = []os.Signal{syscall.SIGTSTP}

// stopProcess stops the process until it is continued.
func stopProcess() { _ = syscall.Kill(syscall.Getpid(), syscall.SIGSTOP) }
