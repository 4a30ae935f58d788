package latency

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// groups measures n tasks in groups.
func (d *fakeDevice) groups(n int, o MeasureOptions) ([]Measurement, error) {
	o.now = d.now
	return d.groupsUntil(context.Background(), n, o)
}

func (d *fakeDevice) groupsUntil(ctx context.Context, n int, o MeasureOptions) ([]Measurement, error) {
	o.now = d.now
	o = o.withDefaults()
	tasks := d.tasks(n)
	return measureGroups(ctx, tasks, o.header("networks", "", 224, tasks), o)
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

// Groups that are stopped go on where they were, and end with what an unbroken
// measurement ends with.
func TestStoppedGroupsGoOn(t *testing.T) {
	const n = 2*groupSize + 3
	whole := newFakeDevice()
	want, err := whole.groups(n, MeasureOptions{Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0, 0.2, 0.5, 0.9} {
		o := MeasureOptions{Rounds: 3, Folder: filepath.Join(t.TempDir(), "run")}
		ctx, cancel := context.WithCancel(t.Context())
		d := newFakeDevice()
		d.onRun = func(d *fakeDevice) {
			if float64(d.runs) >= share*float64(whole.runs) {
				cancel()
			}
		}
		if _, err := d.groupsUntil(ctx, n, o); !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		again := newFakeDevice()
		have, err := again.groups(n, o)
		if err != nil || !slices.Equal(have, want) {
			t.Errorf("stopped after %v: %v, %v\nunbroken: %v", share, have, err, want)
		}
		if most := float64(whole.runs) * (1.3 - share); float64(again.runs) > most {
			t.Errorf("stopped after %v, it made %d more runs: expected at most %v of %d", share, again.runs, most, whole.runs)
		}
		if _, err := newFakeDevice().groups(n+1, o); !errors.Is(err, ErrRunMismatch) {
			t.Errorf("other networks: %v", err)
		}
		RemoveRun(o.Folder)
		if _, err := os.Stat(o.Folder); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder is still there: %v", err)
		}
	}
}

// A group that was measured while the device was much slower is not kept: the
// same call would fail for ever.
func TestGroupsThatDifferAreMeasuredAnew(t *testing.T) {
	o := MeasureOptions{Rounds: 2, Folder: t.TempDir()}
	if _, err := slowAfterTheFirst(1.4).groups(2*groupSize, o); !errors.Is(err, ErrInconclusive) {
		t.Fatal(err)
	}
	d := newFakeDevice()
	results, err := d.groups(2*groupSize, o)
	if err != nil {
		t.Fatal(err)
	}
	checkRatios(t, results)
	if d.opened != groupSize+1 {
		t.Errorf("%d sessions were opened: expected one group of %d with the sentinel", d.opened, groupSize)
	}
}
