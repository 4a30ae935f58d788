package explore

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
)

// run does work as a job.
func run(ctx context.Context, work func(context.Context, *job.Job) (any, error)) job.Snapshot {
	var runner job.Runner
	j := runner.Start(ctx, "measuring", work)
	<-j.Ended()
	return j.Snapshot()
}

// A calibration that is cancelled keeps what it measured and goes on with it; when
// it is done that is gone. What was measured in another way is begun again.
func TestACalibrationGoesOnWhereItWasCancelled(t *testing.T) {
	userData(t)
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	lut := devicetest.New(space, 1).LUT()
	lut.Provenance.Threads = 0
	m := Measuring{Space: model.MobileNASNet, ImageSize: 32}
	folder := filepath.Join(DataDir(), "runs", "calibrate-"+m.TableName())
	opened := 0
	for i, c := range []struct {
		cancelAt int // in thousands of runs; 0 is never
		rounds   int
		again    bool
	}{{2, 0, false}, {1, 0, false}, {0, 0, false}} {
		ctx, cancel := context.WithCancel(t.Context())
		d := devicetest.New(space, 1)
		d.OnRun = func() {
			if c.cancelAt > 0 && d.Runs == 1000*c.cancelAt {
				cancel()
			}
		}
		m.device, m.Rounds = d, c.rounds
		s := run(ctx, func(ctx context.Context, j *job.Job) (any, error) { return VerifyTable(ctx, m, "mine", lut, 16, j) })
		cancel()
		if done := c.cancelAt == 0; (s.State == job.Done) != done || latency.KeepsRounds(folder) == done {
			t.Fatalf("call %d: %v, %v; kept: %v", i, s.State, s.Err, latency.KeepsRounds(folder))
		}
		opened += d.Opened
	}
	// 24 networks in 4 rounds, and at most a group for each time it was cancelled.
	if opened < 96 || opened > 96+2*12 {
		t.Errorf("%d networks were opened", opened)
	}
	got, err := LoadLUT(m.TableName() + "-calibrated")
	if err != nil || math.Abs(got.Calibration.Slope-1) > 1e-3 || got.Calibration.Networks != 8 {
		t.Errorf("%v: calibration %+v", err, got)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
}

// Rounds of another setting are begun again, and the job says so.
func TestAMeasurementInAnotherWayBeginsAgain(t *testing.T) {
	userData(t)
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	m := Measuring{Space: model.MobileNASNet, ImageSize: 32, device: devicetest.New(space, 1)}
	o, err := m.open(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	o.Folder, o.Classes = filepath.Join(DataDir(), "runs", m.TableName()), 7
	o.Warn, o.Progress = nil, nil
	if _, err := latency.Measure(t.Context(), space, o); err != nil {
		t.Fatal(err)
	}
	s := run(t.Context(), func(ctx context.Context, j *job.Job) (any, error) { return MeasureTable(ctx, m, j) })
	if s.State != job.Done || !strings.Contains(strings.Join(s.Log, "\n"), "classes is 7 there and 1000 now: it starts over") {
		t.Errorf("%v, %v, log %q", s.State, s.Err, s.Log)
	}
}

// A table in context is measured, fills up block by block with its standard
// errors, and is verified as it is; blocks alone are calibrated.
func TestMeasureAndVerifyATable(t *testing.T) {
	userData(t)
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	d := devicetest.New(space, 2)
	d.Session = 0.02
	m := Measuring{Space: model.MobileNASNet, ImageSize: 32, device: d}
	var table MeasuredTable
	s := run(t.Context(), func(ctx context.Context, j *job.Job) (any, error) {
		var err error
		table, err = MeasureTable(ctx, m, j)
		partial, _ := j.Snapshot().Result.(PartialTable)
		if len(partial) != 121 {
			t.Errorf("the live table has %d entries", len(partial))
		}
		for key, have := range partial {
			if want, ok := table.LUT.Blocks[key]; ok && (have != want || !(have.StandardErrorMS > 0)) {
				t.Errorf("the live table has %s as %+v: expected %+v", key, have, want)
			}
		}
		return table, err
	})
	if s.State != job.Done || table.Name != m.TableName() {
		t.Fatalf("%v, %v: %+v", s.State, s.Err, table)
	}
	saved, err := LoadLUT(table.Name)
	if err != nil || *saved.Quality != *table.LUT.Quality || saved.Provenance.Method != latency.InContext {
		t.Errorf("%+v, %v", saved, err)
	}
	var verified VerifiedTable
	s = run(t.Context(), func(ctx context.Context, j *job.Job) (any, error) {
		var err error
		verified, err = VerifyTable(ctx, m, table.Name, saved, 20, j)
		return verified, err
	})
	v := verified.Verification
	if s.State != job.Done || verified.Calibrated || verified.LUT.Calibration.Set() || len(v.Networks) != 20 || v.ShapeMAPE > 0.02 || math.Abs(v.Level-1) > 0.03 {
		t.Errorf("%v, %v: %+v", s.State, s.Err, v)
	}
	if _, _, err := Verify(t.Context(), saved, space, 20, true, latency.MeasureOptions{Device: d}); !errors.Is(err, ErrCalibrated) {
		t.Errorf("calibrating a table in context: %v", err)
	}
}

func TestVerificationNetworks(t *testing.T) {
	for _, name := range []string{model.MobileNASNet, model.MobileNASNetLarge} {
		s, err := model.NewSpace(name, 224)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range [][2]int{{2, 0}, {7, 3}, {30, 15}, {200, 100}} {
			check, fitted := VerificationNetworks(s, c[0], c[1], 1)
			if len(check) != c[0] || len(fitted) != c[1] {
				t.Errorf("%s: %d to check and %d to fit on: expected %v", name, len(check), len(fitted), c)
			}
			named := 0
			for _, p := range check {
				for _, known := range published.Networks() {
					if s.Architecture(p).String() == known.Architecture.String() {
						named++
					}
				}
			}
			if want := min(c[0]/2, 12); name == model.MobileNASNet && named < want {
				t.Errorf("%d of %d are published networks: expected %d", named, c[0], want)
			}
			seen := map[string]bool{}
			for _, p := range slices.Concat(check, fitted) {
				if err := s.CheckPath(p); err != nil || seen[fmt.Sprint(p)] {
					t.Errorf("%s: %v twice, or %v", name, p, err)
				}
				seen[fmt.Sprint(p)] = true
			}
		}
	}
}

// Sessions that are made are not the measurement.
func TestPreparingIsNoProgress(t *testing.T) {
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	s := run(context.Background(), func(ctx context.Context, j *job.Job) (any, error) {
		o, err := Measuring{device: devicetest.New(space, 1)}.open(ctx, j)
		if err != nil {
			return nil, err
		}
		o.Progress(latency.MeasureProgress{Preparing: true, Done: 9, Total: 9})
		return j.Snapshot(), nil
	})
	if s, ok := s.Result.(job.Snapshot); !ok || s.Fraction() != 0 || !strings.Contains(s.Status, "preparing, 9 of 9") {
		t.Errorf("%+v", s)
	}
}
