// Package e2e tests the program as it is run: the command line with its exit
// codes, and the explorer in a pseudo-terminal whose screen, modes and
// clipboard are observed by a terminal emulator. The tests wait on the idle
// signal that the explorer writes to the file BINAS_TUI_IDLE; they never
// pause.
package e2e
