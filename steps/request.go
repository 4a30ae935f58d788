package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
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
)

// Steps lists the steps: all at once first, then one by one in their order.
func Steps() []Step {
	return []Step{Pipeline, Heaviest, OneShot, Sample, Contribute, Fit, FineTune, Validate}
}

// About says in a few words what a step does.
func (s Step) About() string {
	return map[Step]string{
		Pipeline:   "everything, from the data to networks and a report",
		Heaviest:   "train the largest network, the teacher",
		OneShot:    "train the supernet, taught by it",
		Sample:     "evaluate random networks, to fit on",
		Contribute: "measure what each decision adds",
		Fit:        "fit a predictor on the samples",
		FineTune:   "train the network shown further",
		Validate:   "evaluate the network shown",
	}[s]
}

// Request says what a step works on. Run alone is always needed, Data where the
// run was not begun yet.
type Request struct {
	Step Step
	Run  string // run folder, made where there is none
	Data string // name or folder of a data set; "" is that of the run, and another is refused

	Preset       string             // of what is begun: small or paper; "" is that of the run, else small
	Training     *training.Settings // of a training that is begun: a changed [Plan]; nil is the preset
	Pipeline     *PipelineSettings  // of a pipeline that is begun, likewise
	ClassOrder   ClassOrder         // of folders of images of a training that is begun; "" is natural
	Threads      int                // of ONNX Runtime in trainings; 0 is 2
	Architecture model.Architecture // of FineTune and Validate
	Num          int                // networks: of Sample (0 is 1,000) and of Contribute (0 is 10)
	Samples      string             // file in the run folder of Sample and Fit; "" is samples.jsonl
	Kind         string             // of the predictor to fit; "" is bilinear
	Inactive     model.InactiveBlocks
	Library      string // ONNX Runtime; "" looks in the usual places
}

// ErrRequest is wrapped by errors about a request that cannot be run.
var ErrRequest = errors.New("cannot be started")

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

// Name is what a job of the request is called. Equal names are one piece of
// work: it goes on when it is started again.
func (r Request) Name() string {
	name := string(r.Step) + " " + RunName(r.Run)
	switch r.Step {
	case Fit:
		name += ", " + r.kind()
	case FineTune, Validate:
		name += ", network " + fingerprint(r.Architecture)[:6]
	}
	return name
}

// Work is the request as the work of a job. Its results are:
//
//	Pipeline                     Finished
//	Heaviest, OneShot            training.Progress
//	FineTune                     Tuned; while it runs training.Progress
//	Sample                       evaluation.Samples
//	Contribute                   Estimator; while it runs *evaluation.Contribution
//	Fit                          Fitted
//	Validate                     Validated
//
// What Pipeline has so far is what its steps have, and Ranked as soon
// as it has predictors.
func (r Request) Work(ctx context.Context, j *job.Job) (any, error) {
	if r.Run == "" {
		return nil, fmt.Errorf("%s %w: no run folder is given", r.Step, ErrRequest)
	}
	if r.Step != Fit {
		if _, err := onnx.Open(r.Library); err != nil {
			return nil, err
		}
	}
	switch r.Step {
	case Pipeline:
		return r.pipeline(ctx, j)
	case Heaviest, OneShot, FineTune:
		return r.train(ctx, j)
	case Sample:
		return r.sample(ctx, j)
	case Contribute:
		return r.contribute(ctx, j)
	case Fit:
		return r.fit(ctx, j)
	case Validate:
		return r.validate(ctx, j)
	}
	return nil, fmt.Errorf("step %q %w: expected one of %v", string(r.Step), ErrRequest, Steps())
}

// begun is a stage of the run and the file of its weights. The error says which
// step comes first.
func (r Request) begun(stage training.Stage) (training.Settings, string, error) {
	run, err := training.ReadRun(r.Run)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, training.ErrNoRun) {
		return training.Settings{}, "", fmt.Errorf("%s %w: nothing was trained in %s yet: start with %s", r.Step, ErrRequest, r.Run, Heaviest)
	}
	if err != nil {
		return training.Settings{}, "", err
	}
	s, ok := run.Stages[stage]
	if !ok {
		return s, "", fmt.Errorf("%s %w: stage %s was not trained in %s yet: start it first", r.Step, ErrRequest, stage, r.Run)
	}
	return s, run.Weights(stage), nil
}

// dataFolder is the folder of the data set: the one asked for, else that of the
// run.
func (r Request) dataFolder() (string, error) {
	data := r.Data
	if data == "" {
		var err error
		if data, err = r.runData(); err != nil {
			return "", err
		}
	}
	if data == "" {
		return "", fmt.Errorf("%s %w: no data set is given", r.Step, ErrRequest)
	}
	folder := explore.DataSetPath(data)
	if _, err := os.Stat(folder); err != nil {
		how := "expected a folder of train/ and val/, CIFAR-10 or IDX files"
		if data == dataset.DigitsName {
			how = "binas-tui data digits makes it"
		}
		return "", fmt.Errorf("%s %w: there is no data set %s: %s", r.Step, ErrRequest, folder, how)
	}
	return folder, nil
}

// runData is the data of the run, however it was begun: its folder or name; "" where
// there is no run yet.
func (r Request) runData() (string, error) {
	run, err := training.ReadRun(r.Run)
	if err != nil && !errors.Is(err, training.ErrNoRun) {
		return "", err
	}
	if run.Data != nil {
		return run.Data.Root, nil
	}
	s, err := ReadPipeline(r.Run)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s.Data, err
	}
	// Runs from before data belonged to them.
	if data, err := r.readNote(); data != "" || err != nil {
		return data, err
	}
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot} {
		if s, ok := run.Stages[stage]; ok {
			return s.Data, nil
		}
	}
	return "", nil
}

// accept refuses other data than that of the run, and notes it where the run does
// not know it yet. Before there is a run, everything is accepted.
func (r Request) accept(j *job.Job) func(dataset.Identity) error {
	return func(data dataset.Identity) error {
		run, err := training.ReadRun(r.Run)
		if errors.Is(err, training.ErrNoRun) {
			return nil
		}
		if err != nil {
			return err
		}
		return run.Accept(data, j.Log)
	}
}

// ClassOrder numbers the classes of folders of images.
type ClassOrder = dataset.ClassOrder

// ClassOrders lists the orders, the default first.
func ClassOrders() []ClassOrder { return dataset.ClassOrders }

// classOrder is that of the run, or the one asked for where there is none yet.
func (r Request) classOrder() dataset.ClassOrder {
	run, err := training.ReadRun(r.Run)
	if err != nil {
		return cmp.Or(r.ClassOrder, dataset.NaturalOrder)
	}
	return run.ClassOrder()
}
