package latency

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// What everything takes on the device of these tests: a network takes a line of
// the sum over its parts.
const (
	knownOverhead    = 10 * time.Microsecond
	knownFixed       = 900 * time.Microsecond
	knownSlope       = 1.25
	knownInterceptMS = 0.3
)

// knownBlock is what a block takes, by LUT key.
func knownBlock(key string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(key))
	return time.Duration(50+h.Sum32()%400) * time.Microsecond
}

// knownSumMS is what the parts of a network take.
func knownSumMS(s *model.Space, p model.Path) float64 {
	sum := knownFixed
	for b, o := range p.Option {
		if s.Active(p, b) {
			sum += knownBlock(s.Block(b).LUTKey(s.Options[o]))
		}
	}
	return float64(sum) / float64(time.Millisecond)
}

// knownTable measures the table of the device.
func knownTable(t *testing.T, d *fakeDevice, s *model.Space) *LUT {
	t.Helper()
	lut, err := Measure(t.Context(), s, MeasureOptions{Rounds: 2, Passes: 3, now: d.now, open: d.opener(func(key string) time.Duration {
		switch key {
		case overheadKey:
			return knownOverhead
		case FixedKey:
			return knownFixed
		}
		return knownBlock(key) + knownOverhead
	})})
	if err != nil {
		t.Fatal(err)
	}
	return lut
}

// knownNetworks measure networks on the device; network i takes off(i) of what
// it would.
func knownNetworks(d *fakeDevice, s *model.Space, networks []model.Path, off func(i int) float64) MeasureOptions {
	return MeasureOptions{now: d.now, open: d.opener(func(key string) time.Duration {
		var i int
		if _, err := fmt.Sscanf(key, "network %d", &i); err != nil {
			panic(key)
		}
		return time.Duration((knownSlope*knownSumMS(s, networks[i]) + knownInterceptMS) * off(i) * float64(time.Millisecond))
	})}
}

func exactly(int) float64 { return 1 }

func near(a, b float64) bool { return math.Abs(a-b) < 1e-5 }

func TestMeasureFindsKnownCosts(t *testing.T) {
	s := smallSpace(t)
	lut := knownTable(t, newFakeDevice(), s)
	if len(lut.Blocks) != 120 || !near(lut.Fixed.MedianMS, 0.9) {
		t.Errorf("%d blocks, fixed part %+v", len(lut.Blocks), lut.Fixed)
	}
	for key, m := range lut.Blocks {
		if want := float64(knownBlock(key)) / float64(time.Millisecond); !near(m.MedianMS, want) || !near(m.MinMS, want) {
			t.Errorf("%s is %+v: expected %v ms", key, m, want)
		}
	}
}

// A calibration finds the line that whole networks are on, and with it the table
// predicts others exactly, also where runs are interrupted now and then.
func TestCalibrateFindsTheKnownLine(t *testing.T) {
	s := smallSpace(t)
	fit, check := SplitNetworks(RandomNetworks(s, 30, 3))
	rng := rand.New(rand.NewPCG(1, 1))
	for name, slow := range map[string]func(*fakeDevice) float64{
		"quiet": nil,
		"interrupted": func(*fakeDevice) float64 {
			if rng.IntN(12) == 0 {
				return 10
			}
			return 1
		},
	} {
		d := newFakeDevice()
		lut := knownTable(t, d, s)
		d.slow = slow
		c, v, err := Calibrate(context.Background(), lut, s, fit, check, knownNetworks(d, s, slices.Concat(fit, check), exactly))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !near(c.Slope, knownSlope) || math.Abs(c.InterceptMS-knownInterceptMS) > 1e-4 || c.Networks != 15 || c.MAPE > 1e-5 || c.Kendall != 1 {
			t.Errorf("%s: calibration %+v", name, c)
		}
		lut.Calibration = c
		again, err := Verify(context.Background(), lut, s, check, knownNetworks(d, s, check, exactly))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, n := range again.Networks {
			want := knownSlope*knownSumMS(s, check[i]) + knownInterceptMS
			if !near(n.PredictedMS, v.Networks[i].PredictedMS) || math.Abs(n.MeasuredMS/want-1) > 1e-5 || math.Abs(n.PredictedMS/want-1) > 1e-5 {
				t.Errorf("%s: network %d is %+v, it takes %v ms; Calibrate predicts %v ms", name, i, n, want, v.Networks[i].PredictedMS)
			}
		}
		if again.MAPE > 1e-5 || !near(again.Slope, 1) {
			t.Errorf("%s: verification %+v", name, again)
		}
	}
}

// Networks that take 10% more or less than the line say are predicted with that
// error.
func TestVerifyFindsTheKnownError(t *testing.T) {
	s := smallSpace(t)
	d := newFakeDevice()
	lut := knownTable(t, d, s)
	networks := RandomNetworks(s, 20, 4)
	off := func(i int) float64 { return 1.1 - 0.2*float64(i%2) }
	lut.Calibration = Calibration{Slope: knownSlope, InterceptMS: knownInterceptMS}
	v, err := Verify(context.Background(), lut, s, networks, knownNetworks(d, s, networks, off))
	if err != nil {
		t.Fatal(err)
	}
	if want := (1/0.9 - 1/1.1) / 2; !near(v.MAPE, want) || !near(math.Abs(v.Networks[v.Worst].Error()), 1/0.9-1) {
		t.Errorf("MAPE %v, worst network %+v: expected %v and an error of 1/9", v.MAPE, v.Networks[v.Worst], want)
	}
	lut.Calibration = Calibration{} // the sum alone falls short of every network
	v, err = Verify(context.Background(), lut, s, networks, knownNetworks(d, s, networks, exactly))
	if err != nil {
		t.Fatal(err)
	}
	if !near(v.Slope, knownSlope) || math.Abs(v.InterceptMS-knownInterceptMS) > 1e-4 || v.Kendall != 1 {
		t.Errorf("without a calibration: %+v", v)
	}
}
