//go:build race

package timetest

// slowdown is how much longer programs take under the race detector.
const slowdown = 10
