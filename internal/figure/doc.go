// Package figure draws what is explored as SVG or PNG: the frontier with the
// published networks beside it, and what all figures have in common. It opens no
// files.
package figure
