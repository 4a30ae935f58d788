package explore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/fit/published"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Measuring says what to measure and where. Zero fields stand for one
// thread of the processor and the defaults of package latency.
type Measuring struct {
	Space     string // name of the search space
	ImageSize int
	Host      string // one of Hosts; "" is this machine
	Target    string // one of latency.Targets
	Precision onnx.Precision
	Threads   int
	Rounds    int            // 0: the usual number
	Method    latency.Method // of a table; "" is in context
	Library   string         // --onnxruntime; "" looks in the usual places

	device latency.Device // of tests
}

// open opens the device, and returns the options of measuring it. Close the device
// after use.
func (m Measuring) open(ctx context.Context, j *job.Job) (o latency.MeasureOptions, err error) {
	o = latency.MeasureOptions{
		Device: m.device, Rounds: m.Rounds, Method: m.Method, Seed: measureSeed,
		Warn: func(text string) { j.Log(text) },
		Progress: func(p latency.MeasureProgress) {
			if p.Preparing { // of the sessions, not of the measurement
				j.Progress(0, 0, p.Remaining, fmt.Sprintf("%s, %d of %d", p, p.Done, p.Total))
				return
			}
			j.Progress(p.Done, p.Total, p.Remaining, p.String())
		},
	}
	if o.Device == nil {
		o.Device, err = latency.OpenDevice(ctx, latency.DeviceOptions{Host: m.Host, Target: m.Target, Threads: m.Threads, Precision: m.Precision, Library: m.Library, Log: o.Warn})
		if err == nil {
			UsedHost(m.Host)
		}
	}
	if slow := o.SlowPrecision(); err == nil && slow != "" {
		j.Log(slow)
	}
	return o, err
}

// prepare makes the space and opens the device. Close the device after use.
func (m Measuring) prepare(ctx context.Context, j *job.Job) (space *model.Space, o latency.MeasureOptions, err error) {
	if space, err = model.NewSpace(m.Space, m.ImageSize); err == nil {
		o, err = m.open(ctx, j)
	}
	return space, o, err
}

// measureSeed is that of the command line.
const measureSeed = 1

// TableName names the table of a measurement: host, target, image size, threads.
func (m Measuring) TableName() string {
	name := fmt.Sprintf("%s-%d-%dt", m.Target, m.ImageSize, max(1, m.Threads))
	if m.Host != "" {
		name = strings.NewReplacer(":", "-", "%", "-").Replace(m.Host) + "-" + name
	}
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
	space, o, err := m.prepare(ctx, j)
	if err != nil {
		return MeasuredTable{}, err
	}
	defer o.Device.Close()
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
		j.Log(err.Error() + ": it starts over")
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
	o, err := m.open(ctx, j)
	if err != nil {
		return MeasuredNetwork{}, err
	}
	defer o.Device.Close()
	got, err := latency.MeasureNetwork(ctx, arch, m.ImageSize, o)
	return MeasuredNetwork{arch, predictedMS, got}, err
}

// VerifiedTable is a table beside whole networks that were measured, which it was
// not fitted on. One of blocks alone is calibrated and saved under its name; one
// in context is as it was.
type VerifiedTable struct {
	MeasuredTable
	Calibrated   bool
	Verification *latency.Verification
}

// VerificationNetworks are n different networks of a space to check a table with,
// the published ones among them in up to half the places, and fit others, spread
// evenly from small to large, to fit a calibration on.
func VerificationNetworks(s *model.Space, n, fit int, seed uint64) (check, fitted []model.Path) {
	known := map[string]bool{}
	for _, p := range published.Networks() {
		if path, err := s.Path(p.Architecture); err == nil && len(check) < n/2 {
			check = append(check, path)
			known[fmt.Sprint(path)] = true
		}
	}
	random := latency.RandomNetworks(s, n+fit, seed) // from small to large
	random = slices.DeleteFunc(random, func(p model.Path) bool { return known[fmt.Sprint(p)] })
	wanted := n - len(check) + fit
	for i := range wanted {
		p := random[i*len(random)/wanted]
		if (i+1)*fit/wanted > i*fit/wanted {
			fitted = append(fitted, p)
		} else {
			check = append(check, p)
		}
	}
	return check, fitted
}

// Verify measures n networks and compares them with what the table predicts. To
// calibrate, half as many others are measured too, a calibration is fitted on
// them, and the table with it is what is compared: this is how tables are
// calibrated, whoever asks. lut is not changed.
func Verify(ctx context.Context, lut *latency.LUT, s *model.Space, n int, calibrate bool, o latency.MeasureOptions) (*latency.Verification, latency.Calibration, error) {
	if !calibrate {
		check, _ := VerificationNetworks(s, n, 0, o.Seed)
		v, err := latency.Verify(ctx, lut, s, check, o)
		return v, lut.Calibration, err
	}
	if lut.Provenance.Method == latency.InContext {
		return nil, lut.Calibration, ErrCalibrated
	}
	check, fit := VerificationNetworks(s, n, max(2, n/2), o.Seed)
	c, v, err := latency.Calibrate(ctx, lut, s, fit, check, o)
	return v, c, err
}

// ErrCalibrated says that a table is not to be calibrated.
var ErrCalibrated = errors.New("the table was measured in context: it needs no calibration; where its level is off, measure it again")

// VerifyTable verifies a table as a job, and calibrates one of blocks alone, which
// is saved: in place where it is the user's own, else as a copy of that name. A
// run that was cut off goes on where it was; it is of networks, so that tables of
// one space, size and device share it.
func VerifyTable(ctx context.Context, m Measuring, name string, lut *latency.LUT, networks int, j *job.Job) (VerifiedTable, error) {
	space, o, err := m.prepare(ctx, j)
	if err != nil {
		return VerifiedTable{}, err
	}
	defer o.Device.Close()
	verified := *lut
	out := VerifiedTable{MeasuredTable: MeasuredTable{Name: name, LUT: &verified}, Calibrated: lut.Provenance.Method != latency.InContext}
	kind := "verify-"
	if out.Calibrated {
		kind = "calibrate-"
	}
	o.Folder = filepath.Join(DataDir(), "runs", kind+m.TableName())
	err = GoOn(o.Folder, j, func() error {
		out.Verification, verified.Calibration, err = Verify(ctx, lut, space, networks, out.Calibrated, o)
		return err
	})
	if err != nil {
		return VerifiedTable{}, err
	}
	if out.Calibrated {
		if err := out.save(m); err != nil {
			return out, err
		}
	}
	latency.RemoveRun(o.Folder)
	return out, nil
}

func (t *VerifiedTable) save(m Measuring) (err error) {
	for _, s := range LUTs() {
		if s.Name == t.Name && s.Path != "" && filepath.Ext(s.Path) == ".json" {
			t.Path = s.Path
		}
	}
	if t.Path == "" {
		t.Name = m.TableName() + "-calibrated"
		if t.Path, err = LUTPath(t.Name); err != nil {
			return err
		}
	}
	return SaveLUT(t.Path, t.LUT)
}
