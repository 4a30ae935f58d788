// Package stdio knows whether the process began with its standard output closed. Go
// opens /dev/null in its place, which takes what is written and says nothing.
package stdio

// OutputClosed reports that there was no standard output; a build without cgo cannot
// know.
func OutputClosed() bool { return outputClosed() }
