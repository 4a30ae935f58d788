package steps

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/param"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Step names a step of the method.
type Step string

// The steps, in the order in which they are done.
const (
	Pipeline   Step = "pipeline"
	Heaviest   Step = "heaviest"
	OneShot    Step = "oneshot"
	Sample     Step = "sample"
	Contribute Step = "contribute"
	Fit        Step = "fit"
	FineTune   Step = "finetune"
	Validate   Step = "validate"
	Export     Step = "export"
)

// kinds are the steps in their order, what each does in a few words, and one with
// the defaults of its parameters: a new step is a line.
var kinds = []struct {
	step  Step
	about string
	new   func() Task
}{
	{Pipeline, "everything, from the data to networks and a report", func() Task { return NewPipeline() }},
	{Heaviest, "train the largest network, the teacher", func() Task { return NewTraining(training.Heaviest) }},
	{OneShot, "train the supernet, taught by it", func() Task { return NewTraining(training.OneShot) }},
	{Sample, "evaluate random networks, to fit on", func() Task { return NewSampling() }},
	{Contribute, "measure what each decision adds", func() Task { return NewContributing() }},
	{Fit, "fit a predictor on the samples", func() Task { return NewFitting() }},
	{FineTune, "train the network shown further", func() Task { return NewTraining(training.FineTune) }},
	{Validate, "evaluate the network shown", func() Task { return NewValidating() }},
	{Export, "write the network shown as an ONNX file", func() Task { return NewExporting() }},
}

// Steps lists the steps: all at once first, then one by one in their order.
func Steps() []Step {
	var out []Step
	for _, k := range kinds {
		out = append(out, k.step)
	}
	return out
}

// About says in a few words what a step does.
func (s Step) About() string {
	for _, k := range kinds {
		if k.step == s {
			return k.about
		}
	}
	return ""
}

// OfNetwork says whether the step works on one network.
func (s Step) OfNetwork() bool { return s == FineTune || s == Validate || s == Export }

// NeedsRuntime says whether the step runs networks.
func (s Step) NeedsRuntime() bool { return s != Fit && s != Export }

// OfNetwork makes a network, an architecture string, the one that a task works on.
func OfNetwork(t Task, arch string) {
	switch t := t.(type) {
	case *Training:
		t.Settings.Arch = arch
	case *Validating:
		t.Arch = arch
	case *Exporting:
		t.Arch, t.File = arch, cmp.Or(t.File, "network.onnx")
	}
}

// New is a step with the defaults of its parameters.
func New(s Step) Task {
	for _, k := range kinds {
		if k.step == s {
			return k.new()
		}
	}
	panic("no step " + string(s))
}

// Task is a step with the values of its parameters.
type Task interface {
	Step() Step
	// Values are the parameters and their values; setting one changes the task.
	Values() param.Values
	// Shared are the parameters that all steps have.
	Shared() *Common
	// Plan looks into the run folder. The error says what has to come first.
	Plan() (Plan, error)
	// Work does the step, as the work of a job.
	Work(context.Context, *job.Job) (any, error)
}

// Plan is what a step would work with: who shows a form shows it.
type Plan struct {
	Task  Task // with what the run or the preset has in place of what was not given
	Begun bool // it resumes with the settings of the run folder
	// Kept are the keys of the parameters that are as the run has them and cannot be
	// others.
	Kept map[string]bool
	// Meant is what zeros of parameters stand for, by key, where that is more than
	// [param.Param.Zero] says.
	Meant map[string]string

	Note     string               // what should be known of the values; "" is nothing
	Refused  error                // why the step is refused as it is; nil where it is not
	Data     string               // folder or name of the run's data set, "" where there is no run yet
	Have     int                  // networks in the records of Sample, Fit and Contribute
	Recorded model.EvaluationInfo // what those were begun with, where there are some
}

// Common is what all steps have.
type Common struct {
	Run        string             `json:"run"`  // run folder
	Data       string             `json:"data"` // name or folder of a data set; "" is that of the run, and another is refused
	ClassOrder dataset.ClassOrder `json:"class_order"`
	Threads    int                `json:"threads"`
	Unreadable float64            `json:"max_unreadable"` // percent of the images that may be unreadable
	Device     string             `json:"device"`         // that networks run on: cpu, cuda, cuda:1, ...
	Library    string             `json:"library"`        // ONNX Runtime; "" looks in the usual places

	Given map[string]bool // keys of the parameters that were asked for: others are as the run has them
	Forms bool            // errors name parameters as forms do, not as flags
	Note  func(string)    // told what is worth knowing; nil is the log of the job
	Ready func() error    // asked when nothing else refuses the step any more; may be nil
	Ranks mpi.Comm        // that do the step together, each by its own Work; nil: this process alone. Rank 0 alone has a result
}

// ranks are those that do the step together.
func (c *Common) ranks() mpi.Comm {
	if c.Ranks == nil {
		return mpi.Alone()
	}
	return c.Ranks
}

// follows reports whether this is a rank that works for rank 0, which has files and
// results.
func (c *Common) follows() bool { return c.ranks().Rank() > 0 }

// Shared implements [Task].
func (c *Common) Shared() *Common { return c }

// unreadable is the share of images that may be unreadable, for package dataset.
func (c *Common) unreadable() float64 {
	if c.Unreadable == 0 {
		return -1 // none
	}
	return c.Unreadable / 100
}

// Clone is a task of its own with the same values.
func Clone[T Task](t T) T {
	c := reflect.New(reflect.TypeOf(t).Elem())
	c.Elem().Set(reflect.ValueOf(t).Elem())
	own := c.Interface().(T)
	own.Shared().Given = maps.Clone(t.Shared().Given)
	return own
}

// Give takes a value for a parameter of a task, as text.
func Give(t Task, key, text string) error {
	v, ok := t.Values().Named(key)
	if !ok {
		return fmt.Errorf("%s has no parameter %s", t.Step(), key)
	}
	if err := v.Set(text); err != nil {
		return err
	}
	if t.Shared().give(key); v.Zero != "" && v.IsZero() {
		delete(t.Shared().Given, key)
	}
	return nil
}

func (c *Common) give(key string) {
	if c.Given == nil {
		c.Given = map[string]bool{}
	}
	c.Given[key] = true
}

// begin makes the job the one that is told.
func (c *Common) begin(j *job.Job) {
	if c.Note == nil {
		c.Note = j.Log
	}
}

// note tells what is worth knowing.
func (c *Common) note(format string, args ...any) {
	if c.Note != nil {
		c.Note(fmt.Sprintf(format, args...))
	}
}

// noteData says what should be known about data beside what it holds.
func (c *Common) noteData(sets ...*dataset.Set) {
	var said []string
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, line := range s.Notes() {
			if !slices.Contains(said, line) {
				c.note("%s", line)
			}
			said = append(said, line)
		}
	}
}

// noteChoice says which of the weights in a file were taken, where there was a choice.
func (c *Common) noteChoice(file, choice string) {
	if choice != "" {
		c.note("%s: %s", file, choice)
	}
}

func (c *Common) ready() error {
	if c.Ready == nil {
		return nil
	}
	return c.Ready()
}

// called is what a parameter is called where it was given: its flag, or the label
// of its field.
func (c *Common) called(p param.Param) string {
	if c.Forms {
		return p.FormLabel()
	}
	return "--" + p.Flag()
}

func validDevice(name string) error {
	_, err := onnx.ParseTarget(name)
	return err
}

func (c *Common) device() (onnx.Target, error) {
	t, err := onnx.ParseTarget(c.Device)
	if err != nil {
		err = requestf("%s: %w", c.called(DeviceParam), err)
	}
	return t, err
}

// network is the architecture that was given as text; nil where there is none.
func (c *Common) network(text string) (model.Architecture, error) {
	if text == "" {
		return nil, nil
	}
	arch, err := model.ParseArchitecture(text)
	if err != nil {
		err = requestf("%s: %w", c.called(archParam), err)
	}
	return arch, err
}

// Files that steps write under names that are given.
var (
	PredictorFile   = safefile.Kind{Name: "a predictor of this program", Has: []string{"binas-tui-predictor"}}
	predictionsFile = safefile.Kind{Name: "a list of predictions", Has: []string{predictionsFormat}}
	onnxFile        = safefile.Kind{Name: "an ONNX file", Begins: []string{"\x08"}}
	pickleFile      = safefile.Kind{Name: "a pickle", Begins: []string{"\x80"}}
)

// apart reports a parameter's file to write, "" being none, that is one of those read,
// or where there is one of another kind.
func (c *Common) apart(of Task, key, write string, kind safefile.Kind, read ...string) error {
	for _, file := range read {
		if write != "" && file != "" && safefile.Same(write, file) {
			v, _ := of.Values().Named(key)
			return requestf("%s %s: it is read or written as something else: name another file", c.called(v.Param), write)
		}
	}
	noRun := !c.Given[key] && c.Run != "" && !exists(c.Run) // what of it is missing is said by who reads it
	if write != "" && !noRun {
		if err := kind.Check(write); err != nil {
			v, _ := of.Values().Named(key)
			return requestf("%s: %w", c.called(v.Param), err)
		}
	}
	return nil
}

// save writes what was encoded, by rename; it makes no folder.
func save(file string, data []byte, err error) error {
	if err != nil {
		return err
	}
	return safefile.Replace(file, true, safefile.Bytes(data))
}

// The parameters that several steps have.
var (
	dataParam       = param.Param{Key: "data", Label: "data set", Usage: "data set, a `FOLDER|NAME`: train/ and val/ of classes, CIFAR-10, IDX, digits or emoji", Zero: "that of the run"}
	ClassOrderParam = param.Param{Key: "class_order", Usage: "order of the classes of image folders, by `KIND`: natural (2 before 10, a before B) as in BINAS and timm, or bytes as in torchvision", Choices: orders()}
	badParam        = param.Param{Key: "max_unreadable", Label: "unreadable images", Usage: "`PERCENT` of the images that may be unreadable and are skipped; beyond, the step ends", Unit: "%", Most: 100, Free: true, Rare: true}
	DeviceParam     = param.Param{Key: "device", Usage: "`DEVICE` that networks run on: cpu, cuda (cuda:1 is the second card), or another provider of the library", Valid: validDevice, Zero: "cpu", Rare: true}
	LibraryParam    = param.Param{Key: "library", Name: "onnxruntime", Usage: "ONNX Runtime library, a `FILE` or its folder", Free: true, NoForm: "it is that of the explorer"}
	spaceParam      = param.Param{Key: "space", Usage: "search `SPACE`", Choices: []string{model.MobileNASNet, model.MobileNASNetLarge}, Rare: true}
	archParam       = param.Param{Key: "arch", Usage: "`ARCH` to work on", NoForm: "it is the network shown"}
)

func orders() (words []string) {
	for _, o := range dataset.ClassOrders {
		words = append(words, string(o))
	}
	return words
}

// threadsParam is the parameter of threads; 0 is one for each processor where zero
// is empty.
func threadsParam(usage, zero string) param.Param {
	return param.Param{Key: "threads", Usage: usage, Zero: zero, Least: 1, Most: onnx.MaxThreads, Free: true}
}

// ErrRequest is wrapped by errors about a step that cannot be done as it was asked for.
var ErrRequest = errors.New("the step cannot be done")

// requestError is one of them: its text says what is wrong.
type requestError struct{ error }

func (e requestError) Unwrap() error        { return e.error }
func (e requestError) Is(target error) bool { return target == ErrRequest }

func requestf(format string, args ...any) error { return requestError{fmt.Errorf(format, args...)} }

// DefaultRun is the folder of a run that is named: runs/NAME in the user's data
// folder. What is no plain name is a folder already.
func DefaultRun(name string) string {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return name
	}
	return filepath.Join(explore.DataDir(), "runs", name)
}

// RunName is the name that DefaultRun makes a run folder of, or else the folder.
func RunName(folder string) string {
	if name := filepath.Base(folder); DefaultRun(name) == folder {
		return name
	}
	return folder
}

// Name is what a job of the task is called. Equal names are one piece of work: it
// resumes when it is started again.
func Name(t Task) string {
	name := string(t.Step()) + " " + RunName(t.Shared().Run)
	switch t := t.(type) {
	case *Fitting:
		name += ", " + t.Kind
	case *Training:
		if t.Step() == FineTune {
			name += ", network " + fingerprint(t.Settings.Arch)[:6]
		}
	case *Validating:
		name += ", network " + fingerprint(t.Arch)[:6]
	case *Exporting:
		name = "export " + t.File
	}
	return name
}

// fingerprint is a short name of an architecture.
func fingerprint(arch string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(arch)))[:12] }
