package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/sanitize"
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
	order dataset.ClassOrder // of the classes; "" where it is not known, or none is to choose
	model bool               // an ONNX file, which knows its image size
}

// runOrigin is a stage of a run folder.
func runOrigin(folder string, stage training.Stage) (*origin, error) {
	r, err := training.ReadRun(folder)
	if err != nil {
		return nil, usageError{err}
	}
	s, begun := r.Stages[stage]
	if !begun {
		return nil, usagef("%s: this run has no stage %s", folder, stage)
	}
	return originOf(r, s), nil
}

func originOf(r training.Run, s training.Settings) *origin {
	return &origin{name: r.Folder, run: &r, known: &s, whole: true, data: r.Data, order: r.ClassOrder()}
}

// checkpointOrigin is a checkpoint or an ONNX file.
func checkpointOrigin(file string) (*origin, error) {
	meta, err := supernet.ReadMeta(file)
	if err != nil {
		return nil, usageError{err}
	}
	k, ours, err := training.KnownOf(meta)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	o := &origin{name: file}
	if ours {
		o.known, o.whole, o.data, o.crop, o.order = &k.Settings, k.Whole, k.Data, k.Crop, k.ClassOrder()
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
		return nil, usagef("%s: %w", file, err)
	}
	if o.data != nil {
		o.order = o.data.ClassOrder
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

// dataFolder is the data of the origin: where it was when it was last used, else
// the set of its name; "" where it is not known.
func (o *origin) dataFolder() (string, error) {
	switch {
	case o == nil || o.run == nil:
		return "", nil
	case o.data == nil:
		return o.known.Data, nil
	}
	for _, folder := range []string{o.data.Root, explore.DataSetPath(o.data.Name)} {
		if _, err := os.Stat(folder); err == nil && filepath.IsAbs(folder) {
			return folder, nil
		}
	}
	return "", usagef("the data of %s is not in %s any more: --data says where it is", o.name, o.data.Root)
}

// arch is the architecture of the weights: the one given, which must be theirs
// where they say it, or theirs; nil where neither is known.
func (o *origin) arch(given model.Architecture) (model.Architecture, error) {
	if o.known == nil || o.known.Arch == "" {
		return given, nil
	}
	own, err := model.ParseArchitecture(o.known.Arch)
	if err != nil {
		return nil, usagef("%s: its architecture: %w", o.name, err)
	}
	if given != nil && given.String() != own.String() {
		return nil, usagef("%s has the weights of another network than the one given: leave that out", o.name)
	}
	return own, nil
}

// note keeps what is worth knowing, for sayNotes and --json.
func (a *app) note(text string) { a.notes = append(a.notes, text) }

// sayNotes says on standard error what is worth knowing and was not said yet, once
// nothing refuses the command: a refusal is one line.
func (a *app) sayNotes() {
	for ; a.said < len(a.notes); a.said++ {
		fmt.Fprintln(a.Err, "note: "+sanitize.Line(a.notes[a.said]))
	}
}

// noteChoice says which of the weights in a file were taken, where there was a choice.
func (a *app) noteChoice(file, choice string) {
	if choice != "" {
		a.note(file + ": " + choice)
	}
}

// noteData says what should be known about data beside what it holds.
func (a *app) noteData(sets ...*dataset.Set) {
	for _, s := range sets {
		if s == nil {
			continue
		}
		for _, line := range s.Notes() {
			if !slices.Contains(a.notes, line) {
				a.note(line)
			}
		}
	}
}

// suits compares data with that of the origin. Of a run it must be the same; a
// checkpoint may meet other images of the same classes.
func (a *app) suits(o *origin, now dataset.Identity) error {
	switch {
	case o.run != nil:
		err := o.run.Accept(now, a.note)
		if errors.Is(err, dataset.ErrOtherData) {
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
	a.note(fmt.Sprintf("%s was trained on other data, %s: %s", o.name, o.data.Name, what))
	return nil
}
