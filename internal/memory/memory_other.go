//go:build !linux

package memory

func systemMemory() float64 { return 0 }
