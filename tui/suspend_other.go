//go:build !unix

package tui

import "os"

// Elsewhere processes are not stopped by a signal.
var suspendSignals []os.Signal

func stopProcess() {}
