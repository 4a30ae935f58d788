package latency

import (
	"hash/fnv"
	"math"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/model"
)

// What parts take on the device of these tests.
const (
	knownOverhead = 10 * time.Microsecond
	knownFixed    = 900 * time.Microsecond
)

// knownBlock is what a block takes, by LUT key.
func knownBlock(key string) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(key))
	return time.Duration(50+h.Sum32()%400) * time.Microsecond
}

// knownTable measures the table of the device.
func knownTable(t *testing.T, d *fakeDevice, s *model.Space) *LUT {
	t.Helper()
	lut, err := Measure(t.Context(), s, MeasureOptions{Method: Isolated, Rounds: 2, Passes: 3, now: d.now, open: d.opener(func(key string) time.Duration {
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
