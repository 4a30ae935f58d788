//go:build !race

package timetest

const slowdown = 1
