package explore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/published"
)

// Measuring says what to measure on this machine. Zero fields stand for one
// thread of the processor and the defaults of package latency.
type Measuring struct {
	Space     string // name of the search space
	ImageSize int
	Target    onnx.Target
	Threads   int
	Rounds    int
	Library   string // --onnxruntime; "" looks in the usual places

	// Of tests: what measures networks.
	calibrate func(context.Context, *latency.LUT, *model.Space, []model.Path, []model.Path, latency.MeasureOptions) (latency.Calibration, *latency.Verification, error)
}

func (m Measuring) options(j *job.Job) latency.MeasureOptions {
	return latency.MeasureOptions{
		Target: m.Target, Threads: m.Threads, Rounds: m.Rounds,
		Progress: func(p latency.MeasureProgress) {
			status := fmt.Sprintf("round %d of %d", p.Round+1, p.Rounds)
			if p.Preparing {
				status = "preparing"
			} else if p.Inconclusive > 0 {
				status += fmt.Sprintf(", %d inconclusive", p.Inconclusive)
			}
			j.Progress(p.Done, p.Total, p.Remaining, status)
		},
	}
}

// TableName names the table of a measurement: target, image size, threads.
func (m Measuring) TableName() string {
	name := fmt.Sprintf("%s-%d-%dt", m.Target, m.ImageSize, max(1, m.Threads))
	if m.Space == model.MobileNASNetLarge {
		name += "-large"
	}
	return name
}

// MeasuredTable is a table that was measured and saved under a name.
type MeasuredTable struct {
	Name string
	Path string
	LUT  *latency.LUT
}

// PartialTable is the medians so far, by LUT key, while a table is measured.
type PartialTable map[string]latency.Measurement

// MeasureTable measures a whole table as a job and saves it in the user's data
// folder under a new name. A run that was cut off goes on where it was.
func MeasureTable(ctx context.Context, m Measuring, j *job.Job) (MeasuredTable, error) {
	space, err := model.NewSpace(m.Space, m.ImageSize)
	if err != nil {
		return MeasuredTable{}, err
	}
	if _, err := onnx.Open(m.Library); err != nil {
		return MeasuredTable{}, err
	}
	out := MeasuredTable{}
	for n := 1; ; n++ {
		out.Name = m.TableName()
		if n > 1 {
			out.Name += fmt.Sprintf("-%d", n)
		}
		if out.Path, err = LUTPath(out.Name); err != nil {
			return out, err
		}
		if _, err := os.Stat(out.Path); errors.Is(err, fs.ErrNotExist) && !builtIn(out.Name) {
			break
		}
	}
	o := m.options(j)
	o.Name = out.Name
	o.Folder = filepath.Join(DataDir(), "runs", m.TableName())
	o.Partial = func(results map[string]latency.Measurement) { j.Partial(PartialTable(results)) }
	err = GoOn(o.Folder, j, func() error {
		out.LUT, err = latency.Measure(ctx, space, o)
		return err
	})
	if err != nil {
		return out, err
	}
	if err := SaveLUT(out.Path, out.LUT); err != nil {
		return out, err
	}
	latency.RemoveRun(o.Folder)
	return out, nil
}

// GoOn runs a measurement that keeps its rounds in a folder. Where those that are
// there cannot be gone on with, of another version or processor, it says so in the
// job's log and begins again.
func GoOn(folder string, j *job.Job, measure func() error) error {
	err := measure()
	if errors.Is(err, latency.ErrRunMismatch) {
		j.Log(err.Error() + ": it begins again")
		latency.RemoveRun(folder)
		err = measure()
	}
	return err
}

func builtIn(name string) bool {
	for _, s := range LUTs() {
		if s.Name == name && s.Path == "" {
			return true
		}
	}
	return false
}

// MeasuredNetwork is one network's latency, measured and by the table.
type MeasuredNetwork struct {
	Architecture model.Architecture
	PredictedMS  float64 // by the table explored
	latency.Measurement
}

// MeasureNetwork measures one network end to end as a job.
func MeasureNetwork(ctx context.Context, m Measuring, arch model.Architecture, predictedMS float64, j *job.Job) (MeasuredNetwork, error) {
	if _, err := onnx.Open(m.Library); err != nil {
		return MeasuredNetwork{}, err
	}
	got, err := latency.MeasureNetwork(ctx, arch, m.ImageSize, m.options(j))
	return MeasuredNetwork{arch, predictedMS, got}, err
}

// CalibratedTable is a table with a new calibration, saved under a name.
type CalibratedTable struct {
	MeasuredTable
	Verification *latency.Verification // of networks not fitted on
}

// VerificationNetworks are n random networks of a space, and the published
// ones that belong to it.
func VerificationNetworks(s *model.Space, n int, seed uint64) []model.Path {
	paths := latency.RandomNetworks(s, n, seed)
	for _, p := range published.Networks() {
		if path, err := s.Path(p.Architecture); err == nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// CalibrateTable measures whole networks as a job, fits the table's
// calibration on half of them, checks it on the other half and saves the
// table: in place where it is the user's own, else as a copy of that name. A run
// that was cut off goes on where it was; its rounds are of networks, so that
// tables of one space, size and device share them.
func CalibrateTable(ctx context.Context, m Measuring, name string, lut *latency.LUT, networks int, j *job.Job) (CalibratedTable, error) {
	space, err := model.NewSpace(m.Space, m.ImageSize)
	if err != nil {
		return CalibratedTable{}, err
	}
	if _, err := onnx.Open(m.Library); err != nil {
		return CalibratedTable{}, err
	}
	fit, check := latency.SplitNetworks(VerificationNetworks(space, networks, 1))
	o := m.options(j)
	o.Folder = filepath.Join(DataDir(), "runs", "calibrate-"+m.TableName())
	measure := latency.Calibrate
	if m.calibrate != nil {
		measure = m.calibrate
	}
	var calibration latency.Calibration
	var verification *latency.Verification
	err = GoOn(o.Folder, j, func() error {
		calibration, verification, err = measure(ctx, lut, space, fit, check, o)
		return err
	})
	if err != nil {
		return CalibratedTable{}, err
	}
	calibrated := *lut
	calibrated.Calibration = calibration
	out := CalibratedTable{MeasuredTable{Name: name, LUT: &calibrated}, verification}
	for _, s := range LUTs() {
		if s.Name == name && s.Path != "" && filepath.Ext(s.Path) == ".json" {
			out.Path = s.Path
		}
	}
	if out.Path == "" {
		out.Name = m.TableName() + "-calibrated"
		if out.Path, err = LUTPath(out.Name); err != nil {
			return out, err
		}
	}
	if err := SaveLUT(out.Path, &calibrated); err != nil {
		return out, err
	}
	latency.RemoveRun(o.Folder)
	return out, nil
}
