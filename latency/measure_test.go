package latency

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/internal/timetest"
	"github.com/binas-tui/binas-tui/model"
)

// anyDevice accepts rounds however restless this machine is: the tests below
// are about what is measured, not how well. Its clock is the processor time of
// this process, to which other programs cannot add.
var anyDevice = MeasureOptions{
	Name: "here", Method: Isolated, Batch: 2, Classes: 10, Rounds: 2, Passes: 2, Slice: 100 * time.Microsecond, MaxRatio: 1000,
	now: func() time.Time { return time.Unix(1e9, 0).Add(timetest.Processor()) },
}

func smallSpace(t *testing.T) *model.Space {
	t.Helper()
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// smallTable measures the small space once for all tests.
var smallTable = sync.OnceValues(func() (*LUT, error) {
	s, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		return nil, err
	}
	return Measure(context.Background(), s, anyDevice)
})

func TestMeasureFillsTheTable(t *testing.T) {
	onnxtest.Require(t)
	s := smallSpace(t)
	lut, err := smallTable()
	if err != nil {
		t.Fatal(err)
	}
	if len(lut.Blocks) != 120 || lut.Fixed.MedianMS <= 0 {
		t.Errorf("%d blocks, fixed part %+v", len(lut.Blocks), lut.Fixed)
	}
	p := lut.Provenance
	if p.Name != "here" || p.Batch != 2 || p.Threads != 1 || p.Device != "cpu" || p.ImageSize != 32 || p.Space != s.Name ||
		p.Processor == "" || p.Runtime == "" || p.Date.IsZero() || p.ChannelMultiplier != 1 {
		t.Errorf("provenance %+v", p)
	}
	table, err := lut.Table(s)
	if err != nil {
		t.Fatal(err)
	}
	// The heaviest option of all blocks takes longer than the lightest. What
	// others add is in no time of the quickest of a few tables.
	quickest := table.BlockMS
	for try := 1; ; try++ {
		heaviest, lightest := 0.0, 0.0
		for b := range s.NumBlocks() {
			lightest += quickest[b*s.NumOptions()]
			heaviest += quickest[(b+1)*s.NumOptions()-1]
		}
		if heaviest > lightest {
			break
		}
		if try == 4 {
			t.Errorf("heaviest blocks %.3f ms, lightest %.3f ms in the quickest of %d tables", heaviest, lightest, try)
			break
		}
		more, err := Measure(context.Background(), s, anyDevice)
		if err != nil {
			t.Fatal(err)
		}
		again, err := more.Table(s)
		if err != nil {
			t.Fatal(err)
		}
		for i, ms := range again.BlockMS {
			quickest[i] = min(quickest[i], ms)
		}
	}
	data, err := EncodeLUT(lut)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeLUT(data); err != nil || back.Fixed != lut.Fixed {
		t.Errorf("the table does not survive its file: %v", err)
	}
}

func TestMeasureNetworkIsCancelled(t *testing.T) {
	onnxtest.Require(t)
	arch, err := model.ParseArchitecture("[['ds_r1_k3_s1_e1_c16_nre'], ['ir_r4_k5_s2_e6_c24_nre'], ['cn_r1_k1_s1_c960']]")
	if err != nil {
		t.Fatal(err)
	}
	m, err := MeasureNetwork(context.Background(), arch, 64, anyDevice)
	if err != nil || !(m.MedianMS > 0) || !(m.MinMS > 0) || m.Rounds != 2 {
		t.Errorf("%+v, %v", m, err)
	}
	// At batch 16 a run takes long; the context ends in the middle of one.
	o := anyDevice
	o.Batch = 16
	timetest.Within(t, time.Second, func(asked func()) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		stop := sync.OnceFunc(func() {
			time.AfterFunc(20*time.Millisecond, func() { asked(); cancel() })
		})
		o.Progress = func(p MeasureProgress) {
			if p.Done > 0 {
				stop()
			}
		}
		o.Rounds = 1000
		if _, err := MeasureNetwork(ctx, arch, 224, o); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
	})
}

func TestMeasureOptionsAreChecked(t *testing.T) {
	s := space(t)
	for _, o := range []MeasureOptions{{Threads: -1}, {Batch: -1}, {Rounds: -2}, {MaxRatio: 0.9}, {Networks: -1}, {Rounds: 1 << 20}} {
		if _, err := Measure(context.Background(), s, o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
}

func BenchmarkMeasureTable(b *testing.B) {
	onnxtest.Require(b)
	s, err := model.NewSpace(model.MobileNASNet, 224)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := Measure(context.Background(), s, MeasureOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
