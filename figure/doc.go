// Package figure draws what is explored as SVG or PNG: the frontier with the
// published networks beside it. It opens no files.
package figure
