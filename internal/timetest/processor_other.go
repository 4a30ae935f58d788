//go:build !unix

package timetest

import "time"

var begun = time.Now()

// Processor is the time since the process began, where its processor time is
// not to be had: limits are kept by the clock alone.
func Processor() time.Duration { return time.Since(begun) }

func family() time.Duration { return Processor() }
