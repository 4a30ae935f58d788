package timetest

import (
	"fmt"
	"testing"
	"time"
)

const (
	// tries is how often a test that took too long may try again.
	tries = 5
	// patience is how many times a limit may pass by the clock where the
	// processor time of this process keeps to it: then others had the processor.
	patience = 20
)

// Within fails the test unless try ends within limit of calling its argument,
// from any goroutine, at the moment when what it waits for is asked to end. It
// is called again where that took longer, or where it ended before it asked,
// and is to fail the test itself for everything but time. It keeps the limit by
// the clock, or by the processor time of the whole process while the clock
// shows no more than 20 times the limit. The race detector has ten times the
// limit.
func Within(t testing.TB, limit time.Duration, try func(asked func())) {
	t.Helper()
	if err := within(limit*slowdown, try, t.Failed); err != nil {
		t.Error(err)
	}
}

// within is Within that returns what was exceeded in all tries; it stops where
// the test has failed already.
func within(limit time.Duration, try func(asked func()), failed func() bool) (err error) {
	type moment struct {
		clock     time.Time
		processor time.Duration
	}
	for range tries {
		asked := make(chan moment, 1)
		try(func() {
			select {
			case asked <- moment{time.Now(), Processor()}:
			default:
			}
		})
		if failed() {
			return nil
		}
		var at moment
		select {
		case at = <-asked:
		default:
			err = fmt.Errorf("it ended before it was asked to in the last of %d tries", tries)
			continue
		}
		took, used := time.Since(at.clock), Processor()-at.processor
		if took <= limit || used <= limit && took <= patience*limit {
			return nil
		}
		err = fmt.Errorf("it went on for %v, %v of processor time, in the last of %d tries: expected at most %v", took, used, tries, limit)
	}
	return err
}
