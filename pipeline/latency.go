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
		lut, err = explore.LoadLUT(r.LUT)
	} else {
		lut, err = r.measureTable(ctx)
	}
	if err != nil {
		return err
	}
	if _, err := lut.Table(r.space); err != nil {
		return fmt.Errorf("latency table %s: %w", r.LUT, err)
	}
	if err := explore.SaveLUT(r.path(TableFile), lut); err != nil {
		return err
	}
	return r.readTable()
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
	o := r.measureOptions("latency")
	o.Folder = r.path("latency")
	lut, err := latency.Measure(ctx, r.space, o)
	if err != nil {
		return nil, err
	}
	fit, check := latency.SplitNetworks(latency.RandomNetworks(r.space, calibrationNetworks, r.Seed))
	calibration, verification, err := latency.Calibrate(ctx, lut, r.space, fit, check, r.measureOptions("latency"))
	if err != nil {
		return nil, err
	}
	lut.Calibration = calibration
	r.job.Log(fmt.Sprintf("latency of %d networks predicted with a mean error of %.1f%%", len(check), 100*verification.MAPE))
	return lut, nil
}

func (r *run) measureOptions(step string) latency.MeasureOptions {
	return latency.MeasureOptions{
		Threads: r.Settings.Threads, Rounds: r.MeasureRounds, Name: "pipeline",
		Progress: func(p latency.MeasureProgress) {
			r.progress(step, p.Done, p.Total, p.Remaining, fmt.Sprintf("round %d of %d", p.Round+1, p.Rounds))
		},
	}
}
