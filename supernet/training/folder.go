package training

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/sanitize"
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

// maxSettings bounds settings.json, in bytes.
const maxSettings = 1 << 20

// Errors about run folders; what is returned wraps them.
var (
	ErrLocked   = errors.New("another process trains in the run folder")
	ErrMismatch = errors.New("the run folder was begun with other settings")
	ErrNoRun    = errors.New("not a run folder")
)

// Run is what a run folder says of itself.
type Run struct {
	Folder string
	Stages map[Stage]Settings // that were begun
}

// runJSON is settings.json.
type runJSON struct {
	Format  string             `json:"format"`
	Version int                `json:"version"`
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
	if r.Stages, err = decodeSettings(data); err != nil {
		return r, fmt.Errorf("run folder: %s: %w: %w", path, safefile.ErrUnreadable, err)
	}
	return r, nil
}

// Begun returns the settings that a stage of a run folder was begun with, or
// otherwise where it was not. Who resumes a run takes these and changes what
// the user asks for: presets may have changed since.
func Begun(folder string, stage Stage, otherwise Settings) (Settings, error) {
	r, err := ReadRun(folder)
	if errors.Is(err, ErrNoRun) {
		return otherwise, nil
	}
	if s, ok := r.Stages[stage]; ok {
		return s, err
	}
	return otherwise, err
}

func decodeSettings(data []byte) (map[Stage]Settings, error) {
	var file runJSON
	if err := json.Unmarshal(sanitize.TrimBOM(data), &file); err != nil {
		return nil, err
	}
	if file.Format != runFormat || file.Version != runVersion {
		return nil, fmt.Errorf("format %.40q version %d: expected %s version %d", file.Format, file.Version, runFormat, runVersion)
	}
	for stage, s := range file.Stages {
		if s.Stage != stage {
			return nil, fmt.Errorf("stage %.40q under the name %.40q", s.Stage, stage)
		}
		if err := s.Check(); err != nil {
			return nil, err
		}
	}
	return file.Stages, nil
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
	release func() // of its lock
}

// openFolder makes the folder where there is none and locks it. The lock ends
// with the process, however that ends.
func openFolder(dir string) (*folder, error) {
	release, err := safefile.Lock(filepath.Join(dir, lockFile))
	if errors.Is(err, safefile.ErrLocked) {
		return nil, fmt.Errorf("%w: %s", ErrLocked, dir)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	safefile.Sweep(dir)
	f := &folder{Run{dir, map[Stage]Settings{}}, release}
	r, err := ReadRun(dir)
	switch {
	case err == nil:
		f.Run = r
	case !errors.Is(err, ErrNoRun):
		release()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() { f.release() }

// begin notes the settings of a stage, or compares them with those it was begun
// with. What stages have in common must be the same in all of them.
func (f *folder) begin(s Settings) error {
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
	f.Stages[s.Stage] = s
	data, err := json.MarshalIndent(runJSON{runFormat, runVersion, f.Stages}, "", "  ")
	if err == nil {
		err = safefile.Write(filepath.Join(f.Folder, settingsFile), append(data, '\n'))
	}
	if err != nil {
		delete(f.Stages, s.Stage)
		return fmt.Errorf("run folder: %w", err)
	}
	return nil
}

// shown is a setting in a message: one that is left out is none.
func shown(v any) any {
	if v == nil {
		return "none"
	}
	return v
}
