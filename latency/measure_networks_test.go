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

// A device that has become slower since the first group is not measured as if
// nothing had happened.
func TestGroupsShareTheSentinel(t *testing.T) {
	d := newFakeDevice()
	d.slow = func(d *fakeDevice) float64 {
		if d.closed > 0 { // the first group is done
			return 1.3
		}
		return 1
	}
	if _, err := d.groups(2*groupSize, MeasureOptions{Rounds: 2}); !errors.Is(err, ErrInconclusive) {
		t.Errorf("error: %v", err)
	}
}
