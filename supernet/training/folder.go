package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// The files of a run folder. docs/FORMATS.md describes them.
const (
	settingsFile = "settings.json"
	metricsFile  = "metrics.jsonl"
	lockFile     = "lock"
)

// The format and version of settings.json.
const (
	runFormat  = "binas-tui-run"
	runVersion = 1
)

// maxSettings bounds settings.json, in bytes: it has the names of all classes.
const maxSettings = 8 << 20

// Errors about run folders; what is returned wraps them.
var (
	ErrLocked   = errors.New("another process trains in the run folder")
	ErrMismatch = errors.New("the run folder has other settings")
	ErrNoRun    = errors.New("not a run folder")
)

// Run is what a run folder says of itself.
type Run struct {
	Folder string
	Stages map[Stage]Settings // that were begun
	Data   *dataset.Identity  // of all stages; nil in a run that was begun before it was kept
	From   *From              // what FineTune began with; nil without it, and in a run from before it was kept
}

// From is where the weights are that FineTune begins with and is taught by: absolute
// paths.
type From struct {
	Run        string `json:"run,omitempty"`        // folder of the supernet's run
	Checkpoint string `json:"checkpoint,omitempty"` // or a file
	Teacher    string `json:"teacher,omitempty"`    // file, where it is not the run's
}

// runJSON is settings.json.
type runJSON struct {
	Format  string             `json:"format"`
	Version int                `json:"version"`
	Data    *dataset.Identity  `json:"data,omitempty"`
	From    *From              `json:"from,omitempty"`
	Stages  map[Stage]Settings `json:"stages"`
}

// ReadRun reads the settings of a run folder. It needs no lock: they may be
// read while the run is trained.
func ReadRun(folder string) (Run, error) {
	r := Run{Folder: folder, Stages: map[Stage]Settings{}}
	path := filepath.Join(folder, settingsFile)
	data, err := safefile.Read(path, maxSettings)
	if errors.Is(err, fs.ErrNotExist) {
		return r, fmt.Errorf("%s: %w: there is no %s in it", folder, ErrNoRun, settingsFile)
	}
	if err != nil {
		return r, fmt.Errorf("run folder: %w", err)
	}
	file, err := decodeSettings(data)
	if err != nil {
		return r, fmt.Errorf("run folder: %s: %w: %w", path, safefile.ErrUnreadable, err)
	}
	r.Stages, r.Data, r.From = file.Stages, file.Data, file.From
	return r, nil
}

func decodeSettings(data []byte) (runJSON, error) {
	var file runJSON
	if err := strictjson.Decode(data, &file); err != nil {
		return file, err
	}
	if file.Format != runFormat || file.Version != runVersion {
		return file, fmt.Errorf("format %.40q version %d: expected %s version %d", file.Format, file.Version, runFormat, runVersion)
	}
	if len(file.Stages) == 0 {
		return file, errors.New("no stages")
	}
	for stage, s := range file.Stages {
		if s.Stage != stage {
			return file, fmt.Errorf("stage %.40q under the name %.40q", s.Stage, stage)
		}
		if err := s.Check(); err != nil {
			return file, err
		}
	}
	return file, nil
}

// Weights is the file of the weights of a stage: the averaged ones where the
// settings ask for an average.
func (r Run) Weights(stage Stage) string {
	name := string(stage)
	if stage == FineTune {
		name = "finetuned"
	}
	return filepath.Join(r.Folder, name+".safetensors")
}

// state is the file of what a stage needs to go on.
func (r Run) state(stage Stage) string { return filepath.Join(r.Folder, string(stage)+".state") }

// previousState is the state before it.
func (r Run) previousState(stage Stage) string { return r.state(stage) + ".previous" }

// folder is a run folder of this process alone.
type folder struct {
	Run
	release func()   // of its lock
	made    []string // the lock and the folder, where they were not there before
}

// openFolder makes the folder where there is none and locks it. The lock ends
// with the process, however that ends.
func openFolder(dir string) (*folder, error) {
	f := &folder{Run: Run{Folder: dir, Stages: map[Stage]Settings{}}}
	for _, path := range []string{filepath.Join(dir, lockFile), dir} {
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			f.made = append(f.made, path)
		}
	}
	release, err := safefile.Lock(filepath.Join(dir, lockFile))
	if errors.Is(err, safefile.ErrLocked) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	safefile.Sweep(dir)
	f.release = release
	r, err := ReadRun(dir)
	switch {
	case err == nil:
		f.Run = r
	case !errors.Is(err, ErrNoRun):
		f.close()
		return nil, err
	}
	return f, nil
}

// close releases the folder. What was made for a step that was refused, with no
// settings in it, goes.
func (f *folder) close() {
	if len(f.Stages) == 0 {
		for _, path := range f.made {
			os.Remove(path) // a folder with anything in it stays
		}
	}
	f.release()
}

// check compares settings and data with those the folder was begun with. What
// stages have in common must be the same in all of them.
func (f *folder) check(s Settings, data *dataset.Identity) error {
	if data != nil {
		if err := f.checkData(*data); err != nil {
			return err
		}
	}
	if have, ok := f.Stages[s.Stage]; ok {
		if name, was, now := have.differs(s); name != "" {
			return fmt.Errorf("%w: %s: %s of stage %s is %v there and %v now", ErrMismatch, f.Folder, name, s.Stage, shown(was), shown(now))
		}
		return nil
	}
	for stage, other := range f.Stages {
		a, b := fields(other), fields(s)
		for _, name := range shared {
			if a[name] != b[name] {
				return fmt.Errorf("%w: %s: %s of stage %s is %v and that of stage %s would be %v: one run has one",
					ErrMismatch, f.Folder, name, stage, shown(a[name]), s.Stage, shown(b[name]))
			}
		}
	}
	return nil
}

// restarted is settings as those of a stage that goes on with more epochs than it was
// begun with; ok is false where they are not that alone.
func (f *folder) restarted(s Settings) (more Settings, ok bool) {
	have, begun := f.Stages[s.Stage]
	more = have
	more.Epochs = s.Epochs
	if name, _, _ := more.differs(s); !begun || name != "" || s.Epochs <= have.TotalEpochs() {
		return s, false
	}
	more.CooldownEpochs, more.Restarted = 0, have.TotalEpochs()
	return more, true
}

// begin notes the settings of a stage, and the data and the weights that it begins
// with where they are not known yet or lie elsewhere now. It returns what is worth
// saying.
func (f *folder) begin(s Settings, data *dataset.Identity, from *From) (note string, err error) {
	was := f.Run
	have, begun := f.Stages[s.Stage]
	moved := from != nil && (f.From == nil || *f.From != *from)
	if f.Data, note = f.noted(data); begun && note == "" && !moved && have.Restarted == s.Restarted {
		return "", nil
	}
	if moved {
		f.From = from
	}
	f.Stages = maps.Clone(f.Stages)
	f.Stages[s.Stage] = s
	if err := f.write(); err != nil {
		f.Run = was
		return "", err
	}
	return note, nil
}

// withdraw undoes begin and the first state, as far as that can be done.
func (f *folder) withdraw(stage Stage) {
	delete(f.Stages, stage)
	for _, path := range []string{f.state(stage), f.previousState(stage)} {
		os.Remove(path)
	}
	f.removeTables(stage)
	if len(f.Stages) > 0 {
		f.write()
		return
	}
	os.Remove(filepath.Join(f.Folder, settingsFile))
	if metrics := filepath.Join(f.Folder, metricsFile); isEmpty(metrics) {
		os.Remove(metrics)
	}
}

func isEmpty(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Size() == 0
}

// noted is the data as the folder notes it: that which it was begun with, where it
// is now. The note says what changed about that.
func (r Run) noted(now *dataset.Identity) (data *dataset.Identity, note string) {
	switch {
	case now == nil:
		return r.Data, ""
	case r.Data == nil:
		if len(r.Stages) > 0 {
			note = fmt.Sprintf("%s did not say which data it was begun with: from now on it is that in %s", r.Folder, now.Root)
		}
		return now, note
	case r.Data.Root != now.Root:
		moved := *r.Data
		moved.Root = now.Root
		return &moved, fmt.Sprintf("the data of the run, which was in %s, is in %s now", r.Data.Root, now.Root)
	}
	return r.Data, ""
}

// write writes settings.json.
func (r Run) write() error {
	data, err := json.MarshalIndent(runJSON{runFormat, runVersion, r.Data, r.From, r.Stages}, "", "  ")
	if err == nil {
		err = safefile.Write(filepath.Join(r.Folder, settingsFile), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
}

// checkData refuses other data than that of the run. A run that does not know its
// data knows how many images it had.
func (r Run) checkData(now dataset.Identity) error {
	if r.Data != nil {
		if err := r.Data.Check(now); err != nil {
			return fmt.Errorf("run folder %s: %w", r.Folder, err)
		}
		return nil
	}
	for _, s := range r.Stages {
		images := s.Images
		if s.TrainPercent < 100 {
			images += s.HeldOut
		}
		if images > 0 && images != now.Train {
			return fmt.Errorf("run folder %s: %w than %s: %d training images there, %d now", r.Folder, dataset.ErrOtherData, s.Data, images, now.Train)
		}
	}
	return nil
}

// Accept compares data that a step of the run is given with what it was begun
// with; the error wraps [dataset.ErrOtherData]. Where the run does not know its
// data yet, or that lies elsewhere now, it is noted, and say is told; a say of nil
// notes nothing.
func (r Run) Accept(data dataset.Identity, say func(string)) error {
	if err := r.checkData(data); err != nil {
		return err
	}
	if _, note := r.noted(&data); note == "" || say == nil {
		return nil
	}
	f, err := openFolder(r.Folder)
	if err != nil { // it is trained on, or of somebody else
		_, note := r.noted(&data)
		say(fmt.Sprintf("%s (not noted there: %v)", note, err))
		return nil
	}
	defer f.close()
	var note string
	if f.Data, note = f.noted(&data); note == "" {
		return nil // another process was here
	}
	if err := f.write(); err != nil {
		note = fmt.Sprintf("%s (not noted there: %v)", note, err)
	}
	say(note)
	return nil
}

// shown is a setting in a message: one that is left out is none.
func shown(v any) any {
	if v == nil {
		return "none"
	}
	return v
}
