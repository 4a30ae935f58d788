package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// measuring is the flags of every command that measures. Zero threads, batch
// and target stand for those of a table or for the defaults.
type measuring struct {
	on        string // a host; "" is that of a table, or this machine
	target    string
	threads   int
	batch     int
	classes   int
	precision onnx.Precision
	rounds    int
	seed      uint64
	library   string
	lut       string // that they are compared with, where the command has it

	method   latency.Method // of a table
	networks int            // to time it in; 0 is the usual number
}

// Bounds of what a command measures: beyond these it is a slip of the hand.
const (
	maxThreads = latency.MaxThreads
	maxBatch   = latency.MaxBatch
	maxRounds  = 1000
)

func (m *measuring) addFlags(cmd *cobra.Command, otherwise string) {
	f := cmd.Flags()
	addOn(cmd, &m.on)
	addDevice(cmd, &m.target, cmp.Or(otherwise, "cpu"))
	f.StringVar(&m.target, "target", "", "the older name of --device, a `DEVICE`")
	f.Lookup("target").Hidden = true
	f.IntVar(&m.threads, "threads", 0, "threads within an operator, `N` (default "+cmp.Or(otherwise, "1")+")")
	f.IntVar(&m.batch, "batch", 0, "images at once, `N` (default "+cmp.Or(otherwise, "1")+")")
	f.StringVar((*string)(&m.precision), "precision", "", fmt.Sprintf("what networks compute in, a `PRECISION`, one of %v (default %s)", onnx.Precisions(), cmp.Or(otherwise, string(onnx.FP32))))
	f.IntVar(&m.rounds, "rounds", 0, "rounds, each with new sessions, `N` (default 4 for networks, 1 for a table, 10 for blocks alone)")
	f.Uint64Var(&m.seed, "seed", 1, "random `SEED`, of the order and of networks")
	addLibrary(cmd, &m.library)
}

// addLUT adds the flag of the table; what says what it is for.
func (m *measuring) addLUT(cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&m.lut, "lut", "", "latency table"+what+", a `FILE|NAME` (default: the profile's)")
}

// table is the table and its name, of the profile that says what it leaves open.
func (m *measuring) table() (lut *latency.LUT, name string, profile explore.Profile, err error) {
	if profile, err = explore.FindProfile(""); err != nil {
		return nil, "", profile, err
	}
	name = cmp.Or(m.lut, profile.LUT)
	lut, err = explore.LoadLUT(name)
	return lut, name, profile, err
}

// addOn adds the flag of the host to measure on.
func addOn(cmd *cobra.Command, on *string) {
	cmd.Flags().StringVar(on, "on", "", "measure on this `HOST`, which ssh reaches: a Host of ~/.ssh/config or [USER@]NAME (default: the table's where ssh or this program knows it, else this machine)")
}

func addDevice(cmd *cobra.Command, device *string, otherwise string) {
	cmd.Flags().StringVar(device, "device", "", fmt.Sprintf("`DEVICE` to measure on, one of %v, cuda:1 the second card (default %s)", latency.Targets(), otherwise))
}

// check refuses flags that cannot be measured with.
func (m *measuring) check(cmd *cobra.Command) error {
	for _, n := range []struct {
		name        string
		value, most int
	}{{"threads", m.threads, maxThreads}, {"batch", m.batch, maxBatch}, {"rounds", m.rounds, maxRounds}} {
		if err := checkCount(cmd, n.name, n.value, 1, n.most); err != nil {
			return err
		}
	}
	if m.on != "" {
		if err := ssh.CheckHost(m.on); err != nil {
			return usagef("--on: %w", err)
		}
	}
	if cmd.Flags().Changed("target") && cmd.Flags().Changed("device") {
		return usagef("--device and --target, its older name: expected one of them")
	}
	if m.target != "" {
		target, err := onnx.ParseTarget(m.target)
		if err != nil {
			return usageError{err}
		}
		m.target = string(target)
	}
	if _, err := onnx.ParsePrecision(string(m.precision)); err != nil {
		return usagef("--precision: %w", err)
	}
	return nil
}

// checkCount refuses a number outside least to most where the flag was given.
func checkCount(cmd *cobra.Command, name string, value, least, most int) error {
	if cmd.Flags().Changed(name) && (value < least || value > most) {
		return usagef("--%s %d: expected %d to %d", name, value, least, most)
	}
	return nil
}

// open makes the device ready that is measured. Close it after use.
func (m *measuring) open(ctx context.Context, a *app) (latency.Device, error) {
	o := m.deviceOptions(a)
	d, err := latency.OpenDevice(ctx, o)
	switch {
	case err == nil:
		explore.UsedHost(o.Host)
	case o.Host != "":
		err = hostError(ctx, err)
	case !errors.Is(err, onnx.ErrTargetUnavailable):
		err = libraryError(err, m.library)
	}
	return d, err
}

func hostError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	return usageError{err}
}

func (m *measuring) deviceOptions(a *app) latency.DeviceOptions {
	return latency.DeviceOptions{
		Host: m.on, Target: m.target, Threads: m.threads, Batch: m.batch, Classes: m.classes, Precision: m.precision, Library: m.library,
		Log: func(text string) { fmt.Fprintf(a.Err, "note: %s\n", sanitize.Line(text)) },
	}
}

// libraryError says how to come by ONNX Runtime where it cannot be used; flag is what
// --onnxruntime names.
func libraryError(err error, flag string) error {
	switch {
	case errors.Is(err, onnx.ErrNoCgo):
		return err
	case errors.Is(err, onnx.ErrNoCUDALibrary):
		err = fmt.Errorf("%w; to install it: binas-tui doctor --install-onnxruntime cuda", err)
	case errors.Is(err, onnx.ErrNoLibrary):
		err = fmt.Errorf("%w; to install it: binas-tui doctor --install-onnxruntime", err)
	case errors.Is(err, onnx.ErrTooOld):
		err = fmt.Errorf("%w; to install %s: binas-tui doctor --install-onnxruntime", err, onnx.LibraryVersion)
	}
	if flag != "" { // it names what is not there or cannot be used
		err = usageError{err}
	}
	return err
}

// options are the flags as options of package latency.
func (m *measuring) options(a *app, d latency.Device) latency.MeasureOptions {
	o := latency.MeasureOptions{
		Device: d, Rounds: m.rounds, Seed: m.seed, Method: m.method, Networks: m.networks,
		Warn: func(text string) { fmt.Fprintf(a.Err, "note: %s\n", sanitize.Line(text)) },
	}
	if slow := o.SlowPrecision(); slow != "" {
		o.Warn(slow)
	}
	return o
}

// like fills what the flags leave open with what a table was measured with,
// and that with the defaults.
func (m *measuring) like(p latency.Provenance) error {
	if m.on == "" {
		var err error
		if m.on, err = explore.HostOf(p); err != nil {
			return usageError{err}
		}
	}
	m.target = cmp.Or(m.target, p.Device)
	if latency.CheckTarget(m.target) != nil {
		return usagef("the table was measured on %q, which cannot be measured here: give --device", p.Device)
	}
	m.target = cmp.Or(m.target, string(onnx.CPU))
	m.threads = cmp.Or(m.threads, max(1, p.Threads))
	m.batch = cmp.Or(m.batch, max(1, p.Batch))
	m.precision = cmp.Or(m.precision, p.ComputesIn())
	if err := m.precision.On(onnx.Target(m.target)); err != nil {
		return usageError{err}
	}
	return nil
}

// newSpace makes a space of flags.
func newSpace(name string, imageSize int) (*model.Space, error) {
	s, err := model.NewSpace(name, imageSize)
	if err != nil {
		return nil, usageError{err}
	}
	return s, nil
}

// measureError says what can be done about an error of measuring.
func measureError(err error) error {
	switch {
	case errors.Is(err, latency.ErrInconclusive):
		return fmt.Errorf("%w; %s", err, whatHelps)
	case errors.Is(err, safefile.ErrLocked):
		return usageError{fmt.Errorf("%w: wait until it ends, or give another --folder", err)}
	case errors.Is(err, latency.ErrRunMismatch):
		return usageError{fmt.Errorf("%w: give the same settings, another --folder, or remove that one", err)}
	}
	return err
}
