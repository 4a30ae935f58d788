package explore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/onnxtest"
	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// fakeNetworks measures networks in rounds that are lines of a file, as package
// latency keeps them; every line is of one setting.
type fakeNetworks struct {
	setting string
	rounds  int                                        // wanted
	made    int                                        // by all calls
	after   func(ctx context.Context, round int) error // each round
}

func (f *fakeNetworks) calibrate(ctx context.Context, _ *latency.LUT, _ *model.Space, fit, _ []model.Path, o latency.MeasureOptions) (c latency.Calibration, v *latency.Verification, err error) {
	group := filepath.Join(o.Folder, "1")
	if err := os.MkdirAll(group, 0o755); err != nil {
		return c, v, err
	}
	file := filepath.Join(group, "measure.jsonl")
	data, _ := os.ReadFile(file) // none yet
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(data) == 0 {
		lines = nil
	}
	for _, l := range lines {
		if l != f.setting {
			return c, v, fmt.Errorf("run folder: %w: %s", latency.ErrRunMismatch, l)
		}
	}
	for n := len(lines); n < f.rounds; n++ {
		f.made++
		data = append(data, f.setting+"\n"...)
		if err := os.WriteFile(file, data, 0o644); err != nil {
			return c, v, err
		}
		if err := f.after(ctx, n); err != nil {
			return c, v, err
		}
	}
	return latency.Calibration{Slope: 1.1, Networks: len(fit)}, &latency.Verification{}, nil
}

// A calibration that is cancelled keeps its rounds and goes on with them; when it
// is done they are gone. Rounds of another setting are begun again.
func TestACalibrationGoesOnWhereItWasCancelled(t *testing.T) {
	onnxtest.Require(t)
	userData(t)
	lut, err := LoadLUT("ort-cpu-32-1t")
	if err != nil {
		t.Fatal(err)
	}
	cancelIn := -1
	var cancel context.CancelFunc
	fake := &fakeNetworks{setting: "one", rounds: 5}
	fake.after = func(ctx context.Context, round int) error {
		if round == cancelIn {
			cancel()
		}
		return ctx.Err()
	}
	m := Measuring{Space: model.MobileNASNet, ImageSize: 32, Threads: 1, calibrate: fake.calibrate}
	calibrate := func() job.Snapshot {
		ctx, c := context.WithCancel(t.Context())
		defer c()
		cancel = c
		var runner job.Runner
		j := runner.Start(ctx, "calibration", func(ctx context.Context, j *job.Job) (any, error) {
			return CalibrateTable(ctx, m, "ort-cpu-32-1t", lut, 4, j)
		})
		<-j.Ended()
		return j.Snapshot()
	}
	folder := filepath.Join(DataDir(), "runs", "calibrate-"+m.TableName())
	for i, c := range []struct {
		setting          string
		cancelIn, rounds int // made by then, by all calls
	}{{"one", 2, 3}, {"one", 3, 4}, {"two", 1, 6}, {"two", -1, 9}} {
		fake.setting, cancelIn = c.setting, c.cancelIn
		s := calibrate()
		if done := c.cancelIn < 0; (s.State == job.Done) != done || latency.KeepsRounds(folder) == done || fake.made != c.rounds {
			t.Fatalf("call %d: %v, %v; %d rounds were made, expected %d; kept: %v", i, s.State, s.Err, fake.made, c.rounds, latency.KeepsRounds(folder))
		}
		if begun := i == 2; begun != strings.Contains(strings.Join(s.Log, "\n"), "it begins again") {
			t.Errorf("call %d: log %q", i, s.Log)
		}
	}
	got, err := LoadLUT(m.TableName() + "-calibrated")
	if err != nil || got.Calibration.Slope != 1.1 {
		t.Errorf("%v: calibration %+v", err, got.Calibration)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder of the rounds is still there: %v", err)
	}
}
