package latency

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

// Errors of measuring.
var (
	// ErrInconclusive says that the device was not quiet long enough to be
	// measured: no numbers are better than wrong ones.
	ErrInconclusive = errors.New("the measurement is inconclusive")
	// ErrNotHere says that this machine alone can be measured in that way.
	ErrNotHere = errors.New("cannot be measured on that device")
	// ErrRunMismatch says that a run folder was begun with other settings.
	ErrRunMismatch = errors.New("the run folder has other settings")
)

// Bounds of MeasureOptions.Networks: two halves have every block.
const (
	LeastNetworks = 2 * designPart
	MostNetworks  = 2000
)

// MeasureOptions say what is measured on and how. The zero value measures one
// thread of the processor at batch 1.
type MeasureOptions struct {
	Target    onnx.Target    // empty is CPU
	Threads   int            // inside an operator; 0 is 1
	Batch     int            // images at once; 0 is 1
	Classes   int            // of the classifier in the fixed part; 0 is 1000
	Precision onnx.Precision // empty is FP32
	Name      string         // of the table, for its provenance
	Method    Method         // of a table; empty is InContext
	// Device runs networks, whatever Target, Threads, Batch, Classes and Precision say; nil is
	// this machine with those. Isolated blocks run on this machine alone.
	Device Device

	// Rounds is how often everything is opened anew: 0 is once for a table in
	// context, 4 for networks, and 10 conclusive rounds for isolated blocks.
	Rounds int
	// Networks is how many networks a table in context is timed in; 0 is 48, or
	// 72 where the device gives no traces, and up to 48 more where those do not
	// make it conclusive.
	Networks int
	Seed     uint64 // of networks, and of the order within rounds

	// Of isolated blocks: Passes is how often a round runs every block; 0 is 30.
	// Slice is how long a pass gives the sentinel, and at least three runs; 0 is
	// 3 ms. MaxRatio is how far the sentinel, and the sum of all, may be above
	// their best in a round that counts; 0 is 1.15. MaxAttempts is how many rounds
	// may be made in all before [ErrInconclusive]; 0 is three times Rounds.
	Passes      int
	Slice       time.Duration
	MaxRatio    float64
	MaxAttempts int

	// Folder keeps what was measured, so that a run that was killed goes on where
	// it was; empty keeps nothing. See [Measure].
	Folder   string
	Warn     func(text string)     // told of what is damaged in Folder and measured again; may be nil
	Progress func(MeasureProgress) // called now and then, from the measuring goroutine; may be nil
	// Partial is called after every round or group of networks, from the measuring
	// goroutine, with what is known so far: by LUT key, the fixed part under
	// [FixedKey]. The map is the callee's. May be nil.
	Partial func(map[string]Measurement)

	// Of tests: the clock, and what opens a task.
	now  func() time.Time
	open func(task) (runner, error)
}

// A slice must hold several runs, so that one of them is undisturbed.
const (
	blockSlice    = 3 * time.Millisecond
	tableRounds   = 10
	tablePasses   = 30
	networkRounds = 4
)

func (o MeasureOptions) withDefaults() MeasureOptions {
	set := func(v *int, otherwise int) {
		if *v == 0 {
			*v = otherwise
		}
	}
	set(&o.Threads, 1)
	set(&o.Batch, 1)
	set(&o.Classes, 1000)
	set(&o.Rounds, tableRounds)
	set(&o.MaxAttempts, 3*o.Rounds)
	o.Target, o.Precision = cmp.Or(o.Target, onnx.CPU), cmp.Or(o.Precision, onnx.FP32)
	o.Slice = cmp.Or(o.Slice, blockSlice)
	o.MaxRatio = cmp.Or(o.MaxRatio, 1.15)
	if o.Device == nil {
		o.Device = NewMachine(MachineOptions{o.Target, o.Threads, o.Batch, o.Classes, o.Precision})
	} else {
		p := o.Device.Provenance()
		o.Target, o.Threads, o.Batch, o.Precision = onnx.Target(p.Device), p.Threads, p.Batch, p.ComputesIn()
		if m, here := o.Device.(*Machine); here {
			o.Classes = m.o.Classes
		}
	}
	if o.Warn == nil {
		o.Warn = func(string) {}
	}
	if o.Progress == nil {
		o.Progress = func(MeasureProgress) {}
	}
	if o.Partial == nil {
		o.Partial = func(map[string]Measurement) {}
	}
	if o.now == nil {
		o.now = time.Now
	}
	if o.open == nil {
		o.open = func(t task) (runner, error) { return t.open() }
	}
	return o
}

// as fills what is zero with what a table was measured with. Another host, batch,
// target, precision or number of threads than the table's is an error: its numbers would
// not be comparable.
func (o MeasureOptions) as(p Provenance) (MeasureOptions, error) {
	var d Provenance
	if o.Device != nil {
		d = o.Device.Provenance()
		o.Target, o.Threads, o.Batch, o.Precision = onnx.Target(d.Device), d.Threads, d.Batch, d.ComputesIn()
	}
	o.Threads = cmp.Or(o.Threads, p.Threads)
	o.Batch = cmp.Or(o.Batch, p.Batch)
	o.Target = cmp.Or(o.Target, onnx.Target(p.Device))
	o.Precision = cmp.Or(o.Precision, p.ComputesIn())
	differs := func(name string, now, then any) error {
		return fmt.Errorf("%w: it was measured with %s %v, now it is %v", ErrLUTMismatch, name, then, now)
	}
	switch {
	case p.Elsewhere(d):
		return o, differs("host", strings.TrimSpace(hostText(d.Host)+" "+d.Processor), strings.TrimSpace(hostText(p.Host)+" "+p.Processor))
	case p.Threads != 0 && o.Threads != p.Threads:
		return o, differs("threads", o.Threads, p.Threads)
	case p.Batch != 0 && o.Batch != p.Batch:
		return o, differs("batch", o.Batch, p.Batch)
	case p.Device != "" && string(o.Target) != p.Device:
		return o, differs("device", o.Target, p.Device)
	case o.Precision != p.ComputesIn():
		return o, differs("precision", o.Precision, p.ComputesIn())
	}
	return o, nil
}

// SlowPrecision says why a precision is slow on this machine, where that is what is
// measured; "" where it is not known to be.
func (o MeasureOptions) SlowPrecision() string {
	if m, here := o.Device.(*Machine); here && m.o.Precision == onnx.INT8 {
		return onnx.SlowInt8()
	}
	return ""
}

func (o MeasureOptions) check() error {
	if o.Threads < 1 || o.Threads > MaxThreads || o.Batch < 1 || o.Batch > MaxBatch || o.Classes < 1 || o.Rounds < 1 || o.MaxAttempts < 1 || o.Passes < 0 || o.Slice < 0 || !(o.MaxRatio > 1) {
		return fmt.Errorf("measure: %d threads, batch %d, %d classes, %d rounds of at most %d, slices of %v, ratio %v: expected positive numbers, up to %d threads and a batch of %d, and a ratio above 1",
			o.Threads, o.Batch, o.Classes, o.Rounds, o.MaxAttempts, o.Slice, o.MaxRatio, MaxThreads, MaxBatch)
	}
	if o.Networks != 0 && (o.Networks < LeastNetworks || o.Networks > MostNetworks) || o.Passes == 0 && o.Rounds > maxVisitRounds {
		return fmt.Errorf("measure: %d networks in %d rounds: expected %d to %d networks, at most %d rounds",
			o.Networks, o.Rounds, LeastNetworks, MostNetworks, maxVisitRounds)
	}
	return nil
}

// MeasureProgress is how far a measurement is.
type MeasureProgress struct {
	Preparing    bool   // sessions are being made; Done and Total count those
	Unit         string // of Round: round or network
	Round        int    // conclusive rounds so far, or networks
	Rounds       int    // wanted
	Inconclusive int    // rounds that do not count
	Done, Total  int    // visits to blocks or networks
	Elapsed      time.Duration
	Remaining    time.Duration // estimated
}

// String is how far it is in words: round 3 of 10, network 12 of 48.
func (p MeasureProgress) String() string {
	if p.Preparing {
		return "preparing"
	}
	if p.Unit == "network" {
		return fmt.Sprintf("network %d of %d", p.Round, p.Rounds)
	}
	text := fmt.Sprintf("round %d of %d", min(p.Round+1, p.Rounds), p.Rounds)
	if p.Inconclusive > 0 {
		text += fmt.Sprintf(", %d repeated because the machine was busy", p.Inconclusive)
	}
	return text
}

// Measure measures every block of a space and its fixed part on a device, by
// default in context: networks are run whole and traced node by node, and the
// table is fitted on what their blocks took there, on level with networks that
// are not traced ([Device], [Tracer]). Where the device gives no traces it is
// fitted on whole networks alone. Quality of the table says how certain it is;
// one that is too uncertain is none, but an error that wraps [ErrInconclusive].
// ONNX Runtime must be loaded where the device is this machine (see [onnx.Open]).
//
// With a Folder, every network that was looked at is added to measure.jsonl
// there, and a later call with the same settings goes on from it, also after
// kill -9; the folder is locked meanwhile (safefile.ErrLocked). Other settings are an
// error that wraps [ErrRunMismatch] and names the difference. Other errors wrap
// the context's error, [onnx.ErrNotLoaded], [onnx.ErrTargetUnavailable] or
// [ErrTrace].
func Measure(ctx context.Context, s *model.Space, o MeasureOptions) (*LUT, error) {
	measure := measureContext
	if o.Method == Isolated {
		measure = measureIsolated
	}
	lut, err := measure(ctx, s, o)
	if err != nil {
		return nil, fmt.Errorf("measure %s at %d pixels: %w", s.Name, s.ImageSize, err)
	}
	return lut, nil
}
