package steps

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/latency"
)

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

// measureTable measures blocks in context.
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
	q := lut.Quality
	r.job.Log(fmt.Sprintf("blocks timed in %d networks: standard error %.1f%% (median)", q.Networks, 100*q.StandardError))
	if q.Disturbed != "" {
		r.job.Log("the latency table is less certain than it should be: " + q.Disturbed)
	}
	return lut, nil
}

// measureOptions are those of a measurement that keeps its rounds in a folder of
// the run, from which it goes on.
func (r *run) measureOptions(step, folder string) latency.MeasureOptions {
	return latency.MeasureOptions{
		Threads: r.PipelineSettings.Threads, Rounds: r.MeasureRounds, Name: "pipeline", Folder: r.path(folder),
		Seed: r.Seed, Warn: func(text string) { r.job.Log(text) },
		Progress: func(p latency.MeasureProgress) {
			r.progress(step, p.Done, p.Total, p.Remaining, p.String())
		},
	}
}
