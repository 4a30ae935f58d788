//go:build !linux

package mpi

// Bound is how many cores the processors have that this process may use, and whether
// its launcher may use more: not known here.
func Bound() (cores int, more bool) { return 0, false }
