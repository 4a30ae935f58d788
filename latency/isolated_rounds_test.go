package latency

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// checkCosts fails unless every task has its true cost.
func checkCosts(t *testing.T, results map[string]Measurement, n, rounds int) {
	t.Helper()
	if len(results) != n {
		t.Fatalf("%d results: expected %d", len(results), n)
	}
	for i := range n {
		m := results[fmt.Sprintf("task %d", i)]
		want := float64(fakeCost(i)) / float64(time.Millisecond)
		if math.Abs(m.MedianMS-want) > 1e-6 || math.Abs(m.MinMS-want) > 1e-6 || m.Spread > 1e-6 || m.Rounds != rounds {
			t.Errorf("task %d is %+v: expected %v ms in %d rounds", i, m, want, rounds)
		}
	}
}

func TestQuietDeviceIsMeasuredExactly(t *testing.T) {
	d := newFakeDevice()
	results, err := d.measure(context.Background(), 40, MeasureOptions{Rounds: 5})
	if err != nil {
		t.Fatal(err)
	}
	checkCosts(t, results, 40, 5)
	if d.opened != 200 || d.closed != 200 { // anew in each of 5 rounds
		t.Errorf("%d runners opened, %d closed", d.opened, d.closed)
	}
}

// Runs that something interrupts do not count, as long as a visit has others.
func TestInterruptedRunsDoNotCount(t *testing.T) {
	d := newFakeDevice()
	rng := rand.New(rand.NewPCG(1, 1))
	d.slow = func(*fakeDevice) float64 {
		if rng.IntN(4) == 0 {
			return 10
		}
		return 1
	}
	results, err := d.measure(context.Background(), 30, MeasureOptions{Rounds: 9, Slice: 10 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	checkCosts(t, results, 30, 9)
}

// A device that is slow for a while, whether at the start or later, is measured
// again: the slow rounds are not in the result.
func TestSlowRoundsAreMeasuredAgain(t *testing.T) {
	for _, c := range []struct {
		name       string
		begin, end time.Duration
	}{{"at the start", 0, 700 * time.Millisecond}, {"later", 500 * time.Millisecond, 1200 * time.Millisecond}} {
		d := newFakeDevice()
		d.slow = func(d *fakeDevice) float64 {
			if s := d.since(); s >= c.begin && s < c.end {
				return 1.5
			}
			return 1
		}
		var last MeasureProgress
		results, err := d.measure(context.Background(), 40, MeasureOptions{Rounds: 11, Progress: func(p MeasureProgress) { last = p }})
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		for i := range 40 {
			m, want := results[fmt.Sprintf("task %d", i)], float64(fakeCost(i))/float64(time.Millisecond)
			if math.Abs(m.MedianMS-want) > 1e-6 || m.Rounds < 11 {
				t.Errorf("%s: task %d is %+v: expected %v ms", c.name, i, m, want)
			}
		}
		if last.Inconclusive == 0 {
			t.Errorf("%s: no round was inconclusive", c.name)
		}
	}
}

func TestRestlessDeviceIsInconclusive(t *testing.T) {
	d := newFakeDevice()
	d.slow = func(d *fakeDevice) float64 { // fast for 20 ms in every 100
		if d.since()%(100*time.Millisecond) < 20*time.Millisecond {
			return 1
		}
		return 1.4
	}
	rounds := map[int]bool{}
	_, err := d.measure(context.Background(), 40, MeasureOptions{Rounds: 4, MaxAttempts: 7,
		Progress: func(p MeasureProgress) { rounds[p.Round+p.Inconclusive] = true }})
	if !errors.Is(err, ErrInconclusive) {
		t.Fatalf("error: %v", err)
	}
	// One of seven rounds at most counts, so it is known after four that four cannot be reached.
	if len(rounds) < 4 || len(rounds) > 5 {
		t.Errorf("rounds made: %v", rounds)
	}
	if d.closed != d.opened {
		t.Errorf("%d runners opened, %d closed", d.opened, d.closed)
	}
}

// One network alone is its own sentinel.
func TestOneTaskIsItsOwnSentinel(t *testing.T) {
	d := newFakeDevice()
	results, err := d.measure(context.Background(), 1, MeasureOptions{Rounds: 3})
	if err != nil {
		t.Fatal(err)
	}
	checkCosts(t, results, 1, 3)
	d.slow = func(d *fakeDevice) float64 { return 1 + float64(d.runs/20)/2 } // slower and slower
	if _, err := d.measure(context.Background(), 1, MeasureOptions{Rounds: 3}); !errors.Is(err, ErrInconclusive) {
		t.Errorf("a device that slows down: %v", err)
	}
}

func TestCancelledMeasurementStopsAtTheNextRun(t *testing.T) {
	for _, at := range []int{1, 25, 1000} {
		ctx, cancel := context.WithCancel(context.Background())
		d := newFakeDevice()
		d.onRun = func(d *fakeDevice) {
			if d.runs == at {
				cancel()
			}
		}
		_, err := d.measure(ctx, 40, MeasureOptions{})
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled in run %d: %v", at, err)
		}
		if d.runs > at+1 {
			t.Errorf("cancelled in run %d: %d runs were made", at, d.runs)
		}
		if d.opened != d.closed {
			t.Errorf("cancelled in run %d: %d runners opened, %d closed", at, d.opened, d.closed)
		}
	}
}

// Long runs can be interrupted; short ones are waited for, which is cheaper.
func TestLongRunsCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	d := newFakeDevice()
	if _, err := d.measure(ctx, 5, MeasureOptions{Rounds: 2}); err != nil {
		t.Fatal(err)
	}
	if d.interruptible != 10 {
		t.Errorf("%d of %d short runs can be interrupted: expected the first of each task in each round", d.interruptible, d.runs)
	}
	d = newFakeDevice()
	d.slow = func(*fakeDevice) float64 { return 200 }
	if _, err := d.measure(ctx, 5, MeasureOptions{Rounds: 2}); err != nil {
		t.Fatal(err)
	}
	if d.interruptible != d.runs {
		t.Errorf("%d of %d long runs can be interrupted", d.interruptible, d.runs)
	}
}

func TestProgressEndsAtItsTotal(t *testing.T) {
	d := newFakeDevice()
	var all []MeasureProgress
	if _, err := d.measure(context.Background(), 40, MeasureOptions{Rounds: 6, Progress: func(p MeasureProgress) { all = append(all, p) }}); err != nil {
		t.Fatal(err)
	}
	last := all[len(all)-1]
	if len(all) < 5 || last.Done != last.Total || last.Remaining != 0 || last.Preparing {
		t.Errorf("%d reports, the last %+v", len(all), last)
	}
	for i, p := range all {
		if i > 0 && p.Preparing == all[i-1].Preparing && (p.Done < all[i-1].Done || p.Total < p.Done) {
			t.Errorf("after %+v comes %+v", all[i-1], p)
		}
		// On a steady device the estimate is right to a tenth of the whole.
		if !p.Preparing && p.Done > p.Total/4 {
			if off := (p.Elapsed + p.Remaining - last.Elapsed).Abs(); off > last.Elapsed/10 {
				t.Errorf("%+v: the whole took %v", p, last.Elapsed)
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	v := []float64{4, 1, 3, 2}
	for p, want := range map[float64]float64{0: 1, 0.25: 1.75, 0.5: 2.5, 1: 4} {
		if have := Quantile(v, p); math.Abs(have-want) > 1e-12 {
			t.Errorf("quantile %v is %v: expected %v", p, have, want)
		}
	}
	if !slices.Equal(v, []float64{4, 1, 3, 2}) {
		t.Error("quantile reorders its argument")
	}
}
