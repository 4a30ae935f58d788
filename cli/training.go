package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/sanitize"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// trainingRun is the flags that train and finetune share beside settings.
type trainingRun struct {
	trainingSettings
	data, out, space, library string
	classOrder                dataset.ClassOrder
	imageSize, classes        int
	threads, workers          int
	checkpointEvery           time.Duration
	teacher                   string
}

func (t *trainingRun) addFlags(a *app, cmd *cobra.Command, stages ...training.Stage) {
	f := cmd.Flags()
	f.StringVar(&t.data, "data", "", "data set, a `FOLDER|NAME`: train/ and val/ of classes, CIFAR-10, IDX, or digits (default: that of the run)")
	addClassOrder(cmd, &t.classOrder)
	f.StringVar(&t.out, "out", "", "run `FOLDER`; an existing run is resumed (required)")
	f.StringVar(&t.space, "space", model.MobileNASNet, "search `SPACE`, "+model.MobileNASNet+" or "+model.MobileNASNetLarge)
	f.IntVar(&t.imageSize, "image-size", 0, "side of the images in `PIXELS` (default: that of the run or the checkpoint, else the data's, 224 for folders of images)")
	f.IntVar(&t.classes, "classes", 0, "classes that the data must have, `N`")
	f.IntVar(&t.threads, "threads", 2, "threads of ONNX Runtime, `N`")
	f.IntVar(&t.workers, "workers", 0, "goroutines that prepare images, `N` (default: one for each processor)")
	f.DurationVar(&t.checkpointEvery, "checkpoint-every", time.Minute, "`TIME` from one checkpoint to the next")
	f.StringVar(&t.teacher, "teacher", "", "weights of the heaviest network, a `FILE` (default: the run's)")
	addLibrary(cmd, &t.library)
	a.addJSON(cmd)
	f.Lookup("json").Usage = "print metrics as lines of JSON, and the result as the last"
	t.trainingSettings.addFlags(cmd, stages...)
}

// check refuses flags that nothing can be trained with.
func (t *trainingRun) check(cmd *cobra.Command) error {
	if t.out == "" {
		return usagef("%s needs --out, the run folder", cmd.Name())
	}
	for _, n := range []struct {
		name               string
		value, least, most int
	}{{"threads", t.threads, 1, maxThreads}, {"workers", t.workers, 1, maxThreads}, {"image-size", t.imageSize, 16, model.MaxImageSize}, {"classes", t.classes, 2, 1 << 20}} {
		if err := checkCount(cmd, n.name, n.value, n.least, n.most); err != nil {
			return err
		}
	}
	if t.checkpointEvery < time.Second {
		return usagef("--checkpoint-every %v: expected at least 1s", t.checkpointEvery)
	}
	return nil
}

// prepare reads the data and completes the settings. What flags leave open is as
// the run folder has it, else as in the training of the weights that are gone on
// from: nil where there are none.
func (a *app) prepare(cmd *cobra.Command, t *trainingRun, stage training.Stage, from *origin) (s training.Settings, o training.Options, err error) {
	o = training.Options{Folder: t.out, Threads: t.threads, Workers: t.workers, CheckpointEvery: t.checkpointEvery}
	if err := t.check(cmd); err != nil {
		return s, o, err
	}
	begun, here, err := begunIn(t.out, stage)
	if err != nil {
		return s, o, err
	}
	known := here
	if known == nil {
		known = from
	}
	data := t.data
	if data == "" {
		if data, err = known.dataFolder(); err != nil {
			return s, o, err
		}
	}
	if data == "" {
		return s, o, usagef("%s needs --data, the data set", cmd.Name())
	}
	opened := dataset.Options{Size: t.imageSize, Classes: t.classes, ClassOrder: t.classOrder}
	var like *training.Settings
	if known != nil {
		if !cmd.Flags().Changed("class-order") && known.order != "" {
			opened.ClassOrder = known.order
		}
		if known.known != nil {
			opened.Size = cmp.Or(opened.Size, known.known.ImageSize)
			if !cmd.Flags().Changed("space") {
				t.space = known.known.Space
			}
			if known.whole {
				like = known.known
			}
		}
	}
	train, val, err := openData(cmd.Context(), data, opened)
	if err != nil {
		return s, o, err
	}
	if s, err = t.settings(cmd, stage, train.Size, begun, like); err != nil {
		return s, o, err
	}
	s.Space = t.space
	if s, err = training.Prepare(cmd.Context(), s, &o, train, val); err != nil {
		return s, o, err
	}
	if _, err := newSpace(s.Space, s.ImageSize); err != nil {
		return s, o, err
	}
	if err := s.Check(); err != nil {
		return s, o, err
	}
	if err = openRuntime(t.library); err != nil {
		return s, o, err
	}
	a.noteData(train, val)
	if from != nil {
		err = a.goOnFrom(from, s, o)
	}
	return s, o, err
}

// begunIn looks into a run folder: the settings of the stage where it was begun,
// and what is known from that or else another one. There may be nothing yet.
func begunIn(folder string, stage training.Stage) (begun *training.Settings, known *origin, err error) {
	r, err := training.ReadRun(folder)
	if errors.Is(err, training.ErrNoRun) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	if s, ok := r.Stages[stage]; ok {
		return &s, originOf(r, s), nil
	}
	for _, other := range []training.Stage{training.Heaviest, training.OneShot, training.FineTune} {
		if s, ok := r.Stages[other]; ok {
			return nil, originOf(r, s), nil
		}
	}
	return nil, nil, nil
}

// goOnFrom compares what is trained with what the weights were trained with, and
// says what is assumed of those that do not say.
func (a *app) goOnFrom(from *origin, s training.Settings, o training.Options) error {
	switch {
	case from.known == nil:
		a.note(fmt.Sprintf("%s does not say how it was trained: %s, images of %d pixels and preset %s are assumed", from.name, s.Space, s.ImageSize, s.PresetName()))
	case from.known.ImageSize != s.ImageSize:
		a.note(fmt.Sprintf("%s was trained at %d pixels: this training is at %d", from.name, from.known.ImageSize, s.ImageSize))
	}
	return a.suits(from, *o.Data)
}

// train runs a stage and reports.
func (a *app) train(cmd *cobra.Command, t *trainingRun, s training.Settings, o training.Options) error {
	report := a.newStatusLine()
	o.Progress = func(p training.Progress) {
		a.sayNotes() // it has begun
		report.show(func() string { return trainingLine(p) })
	}
	o.Log = report.log
	var writing error
	o.Metric = func(m training.Metric) {
		report.end()
		if err := a.writeMetric(m); err != nil && writing == nil {
			writing = err
		}
	}
	p, err := training.Train(cmd.Context(), s, o)
	report.end()
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintf(a.Err, "binas-tui: ended after step %d of %d; to resume:\n  %s\n", p.Step, p.Steps, againCommand(cmd))
		return errEnded
	case err != nil:
		return err
	case writing != nil:
		return writing
	}
	return a.writeTrained(t, s, o, p)
}

// writeMetric prints a line of metrics at once.
func (a *app) writeMetric(m training.Metric) error {
	if a.json {
		if err := writeJSONLine(a.out, m); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(a.out, metricLine(m))
	}
	return a.out.Flush()
}

func metricLine(m training.Metric) string {
	if len(m.Validation) == 0 {
		line := fmt.Sprintf("epoch %d step %d: loss %.4f, top-1 %.1f%%, lr %.3g", m.Epoch, m.Step, m.Loss, m.Top1, m.LR)
		if m.ImagesPerSecond > 0 { // not known of a single step
			line += fmt.Sprintf(", %.0f images/s", m.ImagesPerSecond)
		}
		if m.KL != 0 || m.Features != 0 {
			line += fmt.Sprintf(" (cross-entropy %.4f, distillation %.4f, features %.3g)", m.CE, m.KL, m.Features)
		}
		return line
	}
	parts := make([]string, len(m.Validation))
	for i, s := range m.Validation {
		parts[i] = fmt.Sprintf("%s %.2f%% (loss %.3f)", s.Network, s.Top1, s.Loss)
	}
	return fmt.Sprintf("epoch %d held out: top-1 %s", m.Epoch, strings.Join(parts, ", "))
}

func trainingLine(p training.Progress) string {
	line := p.Status()
	if p.Step < p.Steps && p.Left > 0 {
		line += fmt.Sprintf(", step %d of %d, %.0f images/s, %s left", p.Step, p.Steps, p.ImagesPerSecond, phrase.Duration(p.Left))
	}
	return line
}

// trainedReport is the last line of --json.
type trainedReport struct {
	Stage      training.Stage   `json:"stage"`
	Epochs     int              `json:"epochs"`
	Steps      int              `json:"steps"`
	Weights    string           `json:"weights"`
	Validation []training.Score `json:"validation"`
	Notes      []string         `json:"notes,omitempty"`
	// Absent where images are in memory.
	TrainUnreadable   *dataset.Unreadable `json:"train_unreadable,omitempty"`
	HeldOutUnreadable *dataset.Unreadable `json:"held_out_unreadable,omitempty"`
}

func (a *app) writeTrained(t *trainingRun, s training.Settings, o training.Options, p training.Progress) error {
	weights := training.Run{Folder: t.out}.Weights(s.Stage)
	if a.json {
		return writeJSONLine(a.out, trainedReport{s.Stage, s.TotalEpochs(), p.Steps, weights, p.Scores, a.notes, unreadableOf(o.Train), unreadableOf(o.HeldOut)})
	}
	_, err := fmt.Fprintf(a.out, "%s: %d epochs, %d steps; weights in %s\n", s.Stage, s.TotalEpochs(), p.Steps, sanitize.Line(weights))
	return err
}

// againCommand is the command line of a command with the flags it was given.
func againCommand(cmd *cobra.Command) string {
	words := []string{cmd.CommandPath()}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		word := "--" + f.Name
		if f.Value.Type() != "bool" {
			word += " " + phrase.ShellWord(f.Value.String())
		} else if f.Value.String() != "true" {
			word += "=false"
		}
		words = append(words, word)
	})
	return sanitize.Line(strings.Join(words, " "))
}

// loadWeights reads a checkpoint's tensors.
func (a *app) loadWeights(file string) (supernet.Checkpoint, error) {
	c, err := supernet.Load(file)
	if err != nil {
		return c, usageError{err}
	}
	a.noteChoice(file, c.Choice())
	return c, nil
}
