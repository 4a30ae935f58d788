package timetest

import (
	"testing"
	"time"
)

// use keeps the processor until the process has had it for d.
func use(d time.Duration) {
	for begun := Processor(); Processor()-begun < d; {
	}
}

func TestWithin(t *testing.T) {
	const limit = 5 * time.Millisecond
	for _, c := range []struct {
		name    string
		after   func(try int) // what goes on after it was asked to end
		tries   int
		exceeds bool
	}{
		{"works on", func(int) { use(2 * limit) }, tries, true},
		{"waits on", func(int) { time.Sleep(patience * limit * 2) }, tries, true},
		{"ends", func(int) {}, 1, false},
		{"is kept from ending", func(int) { time.Sleep(2 * limit) }, 1, false},
		{"ends the third time", func(try int) {
			if try < 3 {
				use(2 * limit)
			}
		}, 3, false},
	} {
		made := 0
		err := within(limit, func(asked func()) {
			made++
			use(2 * limit) // before it is asked, nothing counts
			asked()
			c.after(made)
		}, t.Failed)
		if made < c.tries || !c.exceeds && made > tries || (err != nil) != c.exceeds {
			t.Errorf("%s: %v after %d tries", c.name, err, made)
		}
	}
	made := 0
	if within(limit, func(func()) { made++ }, t.Failed) == nil || made != tries {
		t.Errorf("what was never asked to end has ended in time, in %d tries", made)
	}
}

// A measurement that finds the device in use on a machine where nobody else is, is
// a fault.
func TestBusyIsNotTakenOnTrust(t *testing.T) {
	if busy() == 0 {
		t.Skip("the system does not say who has the processors")
	}
	start, before, own := time.Now(), busy(), family()
	for time.Since(start) < 300*time.Millisecond {
	}
	// Spinning alone is the process's own time, not that of others.
	all, mine := busy()-before, family()-own
	if mine < 30*time.Millisecond || all < mine-50*time.Millisecond {
		t.Errorf("of %v by the clock this process had %v, all programs %v", time.Since(start), mine, all)
	}
}
