package latency

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"
)

// groups measures n tasks in groups.
func (d *fakeDevice) groups(n int, o MeasureOptions) ([]Measurement, error) {
	o.now = d.now
	return measureGroups(context.Background(), d.tasks(n), o.withDefaults())
}

func TestGroupsMeasureEveryTask(t *testing.T) {
	for _, n := range []int{1, 2, groupSize, groupSize + 1, 3*groupSize + 5} {
		d := newFakeDevice()
		open := 0
		d.onRun = func(d *fakeDevice) { open = max(open, d.opened-d.closed) }
		var last MeasureProgress
		results, err := d.groups(n, MeasureOptions{Rounds: 2, Progress: func(p MeasureProgress) {
			if p.Done < last.Done && p.Preparing == last.Preparing || p.Done > p.Total || p.Elapsed < last.Elapsed && p.Preparing == last.Preparing || p.Round > p.Rounds {
				t.Errorf("%d tasks: after %+v comes %+v", n, last, p)
			}
			last = p
		}})
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range results {
			if want := float64(fakeCost(i)) / float64(time.Millisecond); math.Abs(m.MedianMS-want) > 1e-6 || m.Rounds != 2 {
				t.Errorf("%d tasks: task %d is %+v: expected %v ms", n, i, m, want)
			}
		}
		if open > groupSize+1 || d.opened != d.closed {
			t.Errorf("%d tasks: %d are open at once, %d opened, %d closed", n, open, d.opened, d.closed)
		}
		if last.Done != last.Total || last.Remaining != 0 {
			t.Errorf("%d tasks: the last report is %+v", n, last)
		}
	}
}

// slowAfterTheFirst is a device that is slower by a factor from the second
// group on.
func slowAfterTheFirst(factor float64) *fakeDevice {
	d := newFakeDevice()
	d.slow = func(d *fakeDevice) float64 {
		if d.closed > 0 {
			return factor
		}
		return 1
	}
	return d
}

// A device that has become a little slower since the first group is corrected
// for by the sentinel that the groups share.
func TestGroupsShareTheSentinel(t *testing.T) {
	results, err := slowAfterTheFirst(1.2).groups(2*groupSize, MeasureOptions{Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	checkRatios(t, results)
}

// checkRatios checks that the tasks of a fake device are in proportion.
func checkRatios(t *testing.T, results []Measurement) {
	t.Helper()
	for i, m := range results {
		want := float64(fakeCost(i)) / float64(fakeCost(0))
		if math.Abs(m.MedianMS/results[0].MedianMS-want) > 1e-6 || m.Spread > 1e-6 {
			t.Errorf("task %d is %+v, %v times the first: expected %v", i, m, m.MedianMS/results[0].MedianMS, want)
		}
	}
}

// So is one that changes its speed from round to round.
func TestRoundsOfNetworksAreLevelled(t *testing.T) {
	d := newFakeDevice()
	d.slow = func(d *fakeDevice) float64 { return 1 + 0.2*float64(d.since()/(4*time.Second)%2) }
	results, err := d.groups(groupSize, MeasureOptions{Rounds: 12, Slice: 25 * time.Millisecond, MaxRatio: maxDrift})
	if err != nil {
		t.Fatal(err)
	}
	checkRatios(t, results)
}

// One that has become much slower is not measured as if nothing had happened.
func TestGroupsThatDifferTooMuchAreInconclusive(t *testing.T) {
	if _, err := slowAfterTheFirst(1.4).groups(2*groupSize, MeasureOptions{Rounds: 2}); !errors.Is(err, ErrInconclusive) {
		t.Errorf("error: %v", err)
	}
}
