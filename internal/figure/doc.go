// Package figure draws every figure of the program, as SVG or PNG: a [Chart] of
// points and lines, a [Heat] map of values, the [Frontier] with the published
// networks beside it. It opens no files.
package figure
