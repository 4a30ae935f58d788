//go:build unix

package e2e

import (
	"os"

	"golang.org/x/sys/unix"
)

// foreground is the process group in front of a terminal.
func foreground(master *os.File) (int, error) {
	return unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPGRP)
}
