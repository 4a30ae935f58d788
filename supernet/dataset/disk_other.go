//go:build !linux && !darwin

package dataset

import "math"

// freeBytes is not known here: a pack ends where the disk is full.
func freeBytes(string) (int64, error) { return math.MaxInt64, nil }
