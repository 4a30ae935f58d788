//go:build !cgo || !unix

package stdio

func outputClosed() bool { return false }
