//go:build !cgo || !linux

package cuda

import "errors"

var errNotHere = errors.New("this build has no use for one: CUDA is for Linux, built with cgo")

func loadDriver() (Driver, error) { return Driver{}, errNotHere }

func loadLibrary(string) error { return errNotHere }
