package steps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// origin is what is known of the weights that a command works with: those of a
// stage of a run folder, or a checkpoint.
type origin struct {
	name  string             // of the folder or the file
	run   *training.Run      // nil for a checkpoint
	known *training.Settings // nil where the file does not say how it was trained
	whole bool               // all settings are known
	data  *dataset.Identity  // nil where it is not known
	crop  float64            // of evaluation; 0 where it is not known
	score *training.Score    // of the network on images held out of its training; nil where it is not known
	order dataset.ClassOrder // of the classes; "" where it is not known, or none is to choose
	model bool               // an ONNX file, which knows its image size

	ranges onnx.Calibrated // that the network was quantised by in training; nil in floats
}

func runOrigin(folder string, stage training.Stage) (*origin, error) {
	r, err := training.ReadRun(folder)
	if errors.Is(err, training.ErrNoRun) {
		return nil, requestf("%w: train the heaviest network first, then the supernet", err)
	}
	if err != nil {
		return nil, requestError{err}
	}
	s, begun := r.Stages[stage]
	if !begun {
		return nil, requestf("%s: this run has no stage %s: train it first", folder, stage)
	}
	return originOf(r, s), nil
}

func originOf(r training.Run, s training.Settings) *origin {
	return &origin{name: r.Folder, run: &r, known: &s, whole: true, data: r.Data, order: r.ClassOrder()}
}

func checkpointOrigin(file string) (*origin, error) {
	meta, err := supernet.ReadMeta(file)
	if err != nil {
		return nil, requestError{err}
	}
	k, ours, err := training.KnownOf(meta)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	o := &origin{name: file}
	if ours {
		o.known, o.whole, o.data, o.crop, o.order = &k.Settings, k.Whole, k.Data, k.Crop, k.ClassOrder()
		o.ranges = k.Ranges
		if k.Arch != "" && len(k.Scores) > 0 && o.ranges == nil { // of one network, in floats
			o.score = &k.Scores[0]
		}
		return o, nil
	}
	if o.model, err = isONNX(file); err != nil || !o.model {
		return o, err
	}
	data, err := safefile.Read(file, supernet.MaxCheckpoint)
	if err != nil {
		return nil, err
	}
	if meta, err = onnx.ModelMetadata(data); err != nil {
		return o, nil // whoever opens it says what is wrong with it
	}
	if o.data, err = dataset.IdentityOf(meta); err != nil {
		return nil, requestf("%s: %w", file, err)
	}
	if o.data != nil {
		o.order = o.data.ClassOrder
	}
	if o.crop, err = strconv.ParseFloat(meta["crop_pct"], 64); err != nil || !(o.crop > 0 && o.crop <= 1) {
		o.crop = 0
	}
	return o, nil
}

// isONNX looks at the first byte of a file: that of the version of a model.
func isONNX(file string) (bool, error) {
	f, err := safefile.Open(file)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var first [1]byte
	_, err = io.ReadFull(f, first[:])
	return err == nil && first[0] == 0x08, nil
}

// dataOf is the data asked for, a folder or a name, else that of the origin: where
// it was when it was last used, else the set of its name.
func (c *Common) dataOf(o *origin) (data string, err error) {
	switch data = c.Data; {
	case data != "":
	case o != nil && o.run != nil && o.data != nil:
		return c.dataFolder(o)
	case o != nil && o.run != nil: // of a run from before data belonged to runs
		if data, err = runData(o.run.Folder); err != nil {
			return "", err
		}
		data = cmp.Or(data, o.known.Data)
	}
	if data == "" {
		return "", requestf("no data set is given: %s says which", c.called(dataParam))
	}
	return data, nil
}

func (c *Common) dataFolder(o *origin) (string, error) {
	for _, folder := range []string{o.data.Root, explore.DataSetPath(o.data.Name)} {
		if _, err := os.Stat(folder); err == nil && filepath.IsAbs(folder) {
			return folder, nil
		}
	}
	return "", requestf("the data of %s is not in %s any more: %s says where it is", o.name, o.data.Root, c.called(dataParam))
}

func (c *Common) openData(ctx context.Context, o *origin, options dataset.Options) (train, val *dataset.Set, err error) {
	data, err := c.dataOf(o)
	if err != nil {
		return nil, nil, err
	}
	return OpenData(ctx, data, options)
}

// OpenData opens a data set by name or folder. The error says how to come by one
// that is not there.
func OpenData(ctx context.Context, nameOrFolder string, o dataset.Options) (train, val *dataset.Set, err error) {
	train, val, err = dataset.Open(ctx, explore.DataSetPath(nameOrFolder), o)
	if errors.Is(err, fs.ErrNotExist) {
		err = missingData(nameOrFolder, err)
	}
	return train, val, err
}

// missingData says how to come by a data set that is not there.
func missingData(nameOrFolder string, err error) error {
	if _, ok := dataset.ExampleNamed(nameOrFolder); ok {
		return requestf("%w; `binas-tui data %s` makes it", err, nameOrFolder)
	}
	return requestf("%w; expected a folder, or the name of one in %s", err, filepath.Join(explore.DataDir(), "data"))
}

// arch is the architecture of the weights: the one given, which must be theirs
// where they say it, or theirs; nil where neither is known.
func (o *origin) arch(given model.Architecture) (model.Architecture, error) {
	if o.known == nil || o.known.Arch == "" {
		return given, nil
	}
	own, err := model.ParseArchitecture(o.known.Arch)
	if err != nil {
		return nil, requestf("%s: its architecture: %w", o.name, err)
	}
	if given != nil && given.String() != own.String() {
		return nil, requestf("%s has the weights of another network than the one given: give the checkpoint alone", o.name)
	}
	return own, nil
}

// suits compares data with that of the origin. Of a run it must be the same; a
// checkpoint may meet other images of the same classes.
func (c *Common) suits(o *origin, now dataset.Identity) error {
	switch {
	case o.run != nil:
		say := func(line string) { c.note("%s", line) }
		if c.follows() {
			say = nil
		}
		err := o.run.Accept(now, say)
		if errors.Is(err, dataset.ErrOtherData) && !c.Forms {
			err = fmt.Errorf("%w (with --checkpoint its weights meet other data)", err)
		}
		return err
	case o.data == nil:
		return nil
	}
	what := o.data.Differs(now)
	switch {
	case what == "":
		return nil
	case o.data.Classes != nil && !slices.Equal(o.data.Classes, now.Classes):
		return fmt.Errorf("checkpoint %s: %w than %s: %s", o.name, dataset.ErrOtherData, o.data.Name, what)
	}
	c.note("%s was trained on other data, %s: %s", o.name, o.data.Name, what)
	return nil
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

// runData is the data of a run, however it was begun: its folder or name; "" where
// there is no run yet.
func runData(folder string) (string, error) {
	run, err := training.ReadRun(folder)
	if err != nil && !errors.Is(err, training.ErrNoRun) {
		return "", err
	}
	if run.Data != nil {
		return run.Data.Root, nil
	}
	s, err := ReadPipeline(folder)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return s.Data, err
	}
	// Runs from before data belonged to them.
	if data, err := readNote(folder); data != "" || err != nil {
		return data, err
	}
	for _, stage := range []training.Stage{training.Heaviest, training.OneShot} {
		if s, ok := run.Stages[stage]; ok {
			return s.Data, nil
		}
	}
	return "", nil
}

// noteFile said where the data of a run that was begun in the explorer is, before
// runs kept their data themselves.
const noteFile = "method.json"

func readNote(folder string) (data string, err error) {
	file := filepath.Join(folder, noteFile)
	text, err := safefile.Read(file, 1<<16)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	var n struct {
		Data string `json:"data"`
	}
	if err == nil {
		if err = strictjson.Decode(text, &n); err != nil {
			err = fmt.Errorf("%s: %w: %w", file, explore.ErrUnreadable, err)
		}
	}
	return n.Data, err
}
