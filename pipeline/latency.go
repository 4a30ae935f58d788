package pipeline

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
)

// calibrationNetworks is how many random networks a measured table is
// calibrated on and checked with.
const calibrationNetworks = 16

// latencyTable copies the table that the settings name into the folder, or
// measures one.
func (r *run) latencyTable(ctx context.Context) error {
	var lut *latency.LUT
	var err error
	if r.LUT != "" {
		lut, err = r.namedTable()
	} else if lut, err = r.measureTable(ctx); err == nil {
		_, err = lut.Table(r.space)
	}
	if err != nil {
		return err
	}
	if err := explore.SaveLUT(r.path(TableFile), lut); err != nil {
		return err
	}
	latency.RemoveRun(r.path(latencyFolder))
	latency.RemoveRun(r.path(calibrateFolder))
	return r.readTable()
}

// namedTable is the table that the settings name; it must fit the space.
func (r *run) namedTable() (*latency.LUT, error) {
	lut, err := explore.LoadLUT(r.LUT)
	if err == nil {
		_, err = lut.Table(r.space)
	}
	if err != nil {
		return nil, fmt.Errorf("latency table %s: %w", r.LUT, err)
	}
	return lut, nil
}

func (r *run) readTable() (err error) {
	if r.lut, err = explore.LoadLUT(r.path(TableFile)); err != nil {
		return err
	}
	r.table, err = r.lut.Table(r.space)
	return err
}

// measureTable measures blocks, then whole networks to calibrate with.
func (r *run) measureTable(ctx context.Context) (*latency.LUT, error) {
	o := r.measureOptions("latency", latencyFolder)
	var lut *latency.LUT
	err := explore.GoOn(o.Folder, r.job, func() (err error) {
		lut, err = latency.Measure(ctx, r.space, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	fit, check := latency.SplitNetworks(latency.RandomNetworks(r.space, calibrationNetworks, r.Seed))
	o = r.measureOptions("latency", calibrateFolder)
	var verification *latency.Verification
	err = explore.GoOn(o.Folder, r.job, func() (err error) {
		lut.Calibration, verification, err = latency.Calibrate(ctx, lut, r.space, fit, check, o)
		return err
	})
	if err != nil {
		return nil, err
	}
	r.job.Log(fmt.Sprintf("latency of %d networks predicted with a mean error of %.1f%%", len(check), 100*verification.MAPE))
	return lut, nil
}

// measureOptions are those of a measurement that keeps its rounds in a folder of
// the run, from which it goes on.
func (r *run) measureOptions(step, folder string) latency.MeasureOptions {
	return latency.MeasureOptions{
		Threads: r.Settings.Threads, Rounds: r.MeasureRounds, Name: "pipeline", Folder: r.path(folder),
		Progress: func(p latency.MeasureProgress) {
			r.progress(step, p.Done, p.Total, p.Remaining, fmt.Sprintf("round %d of %d", p.Round+1, p.Rounds))
		},
	}
}
