package steps

import (
	"context"
	"fmt"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Latencies is what the table predicts against what was measured.
type Latencies struct {
	MAPE    float64 `json:"mape"`       // a fraction
	Level   float64 `json:"level"`      // networks take that many times what is predicted
	Shape   float64 `json:"shape_mape"` // mape with that taken out
	Kendall float64 `json:"kendall"`
	Table   string  `json:"table"`
}

// measure measures all chosen networks on this machine in common rounds.
func (r *run) measure(ctx context.Context) error {
	var networks []Network
	if err := r.readJSON(networksFile, &networks); err != nil {
		return err
	}
	paths := make([]model.Path, len(networks))
	for i, n := range networks {
		var err error
		if paths[i], err = r.pathOf(n.Architecture); err != nil {
			return err
		}
	}
	o := r.measureOptions("measure", measureFolder)
	o.Threads = 0 // those of the table
	var v *latency.Verification
	err := explore.GoOn(o.Folder, r.job, func() (err error) {
		v, err = latency.Verify(ctx, r.lut, r.space, paths, o)
		return err
	})
	if err != nil {
		return err
	}
	for i := range networks {
		networks[i].MeasuredMS = v.Networks[i].MeasuredMS
	}
	if err := r.writeJSON(resultsFile, networks); err != nil {
		return err
	}
	if err := r.writeJSON(latenciesFile, Latencies{MAPE: v.MAPE, Level: v.Level, Shape: v.ShapeMAPE, Kendall: v.Kendall, Table: r.LUT}); err != nil {
		return err
	}
	latency.RemoveRun(o.Folder)
	return nil
}

// export writes the searched networks as ONNX models with their weights.
func (r *run) export(ctx context.Context) error {
	var networks []Network
	if err := r.readJSON(networksFile, &networks); err != nil {
		return err
	}
	if err := safefile.MkdirAll(r.path(exportFolder)); err != nil {
		return err
	}
	for _, n := range networks {
		file := r.path(exportFolder, n.Name+".onnx")
		if n.Kind != Searched || exists(file) {
			continue
		}
		e := &Exporting{
			Common: Common{Run: r.folder}, Arch: n.Architecture, File: file, Checkpoint: training.Run{Folder: n.Folder(r.folder)}.Weights(training.FineTune),
			measured: &Accuracy{Top1: n.FineTuned, Images: n.Images, Data: r.data.Name + " validation"},
		}
		if _, err := e.Work(ctx, r.job); err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
	}
	return nil
}
