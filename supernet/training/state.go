package training

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/strictjson"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// state is all that a stage needs to go on after a step as if nothing had
// happened. What is random in a step follows from the seed and its number.
type state struct {
	position
	weights    onnx.StateDict
	velocities onnx.StateDict
	average    onnx.StateDict  // nil without
	computed   string          // with what; see computing. Older states do not say
	ranges     onnx.Calibrated // that the network is quantised by; nil in floats
	of         stateOf
}

// stateOf says what a state is of. Older states do not.
type stateOf struct {
	Data     string         `json:"data_fingerprint,omitempty"`
	Settings map[string]any `json:"settings"`
}

func newStateOf(s Settings, data *dataset.Identity) stateOf {
	of := stateOf{Settings: fields(s)}
	if data != nil {
		of.Data = data.Fingerprint
	}
	return of
}

// refuses says that a state is of other data or of a stage with other settings than
// now: it was copied here; and, in the note, that an older one does not say. More
// epochs may follow, and data may have been renamed.
func (o stateOf) refuses(now stateOf) (note string, err error) {
	if o.Settings == nil {
		return "was written by an older version: that it is of this run is not checked", nil
	}
	if o.Data != "" && now.Data != "" && o.Data != now.Data {
		return "", fmt.Errorf("%w: it is of another run, on other data: fingerprint %.40s there, %s here", ErrState, o.Data, now.Data)
	}
	for _, name := range fieldOrder {
		have := o.Settings[name] // nil where it is left out, being zero
		if have != now.Settings[name] && !slices.Contains([]string{"data", "epochs", "cooldown_epochs", "restarted"}, name) {
			return "", fmt.Errorf("%w: it is of another run: %s is %.80v there and %v here", ErrState, name, shown(have), shown(now.Settings[name]))
		}
	}
	return "", nil
}

// computing names what the last bits of a training depend on beside its settings.
func (o Options) computing() string {
	set, _, err := onnx.Kernels()
	lib, ok := onnx.Loaded()
	if !ok || err != nil {
		return ""
	}
	if o.Target.Kind() != onnx.CPU {
		return fmt.Sprintf("%s (%s) and ONNX Runtime %s", o.Target.Kind(), o.Target.Describe(), lib.Version)
	}
	return fmt.Sprintf("kernels %s and ONNX Runtime %s", set, lib.Version)
}

// elsewhere says that a state was computed with other means than now, or is "".
func (s state) elsewhere(now string) string {
	if s.computed == now || s.Step == 0 {
		return ""
	}
	return fmt.Sprintf("%s was computed with %s up to step %d and is with %s from there: it does not end with the bits that it would have ended with",
		s.Stage, cmp.Or(s.computed, "kernels off or of an older version"), s.Step, cmp.Or(now, "others"))
}

// position is where a stage is.
type position struct {
	Stage     Stage `json:"stage"`
	Step      int   `json:"step"`      // steps done
	Since     sums  `json:"since"`     // since the last line of metrics
	Validated int   `json:"validated"` // epochs that were validated
	// With patience: the best validation, mean top-1 in percent, and after how many
	// epochs it was.
	Best      float64 `json:"best,omitempty"`
	BestEpoch int     `json:"best_epoch,omitempty"`
}

// stateFormat and stateVersion are in the header of state files. Files of the
// version before have no check sum.
const (
	stateFormat   = "binas-tui-training-state"
	stateVersion  = "2"
	stateVersion1 = "1"
)

// ErrState says that a state file cannot be read.
var ErrState = errors.New("not a usable training state")

// The names of tensors begin with one of these.
const (
	weightsPrefix  = "weights/"
	velocityPrefix = "velocity/"
	averagePrefix  = "average/"
)

// write writes safetensors straight from the tensors, with a check sum: it takes
// the time of copying them once.
func (s state) write(w io.Writer) error {
	where, err := json.Marshal(s.position)
	if err != nil {
		return err
	}
	all := onnx.StateDict{}
	for prefix, tensors := range map[string]onnx.StateDict{weightsPrefix: s.weights, velocityPrefix: s.velocities, averagePrefix: s.average} {
		for name, t := range tensors {
			all[prefix+name] = t
		}
	}
	of, err := json.Marshal(s.of)
	if err != nil {
		return err
	}
	meta := map[string]string{"format": stateFormat, "version": stateVersion, "position": string(where), "computed": s.computed, "of": string(of)}
	noteRanges(meta, s.ranges)
	return supernet.Write(w, supernet.Checkpoint{Weights: all, Meta: meta})
}

// decodeState reads what write wrote. Memory stays a small multiple of the
// file's size.
func decodeState(data []byte) (state, error) {
	var s state
	c, err := supernet.Decode(data)
	if err != nil {
		return s, fmt.Errorf("%w: %w", ErrState, err)
	}
	version := c.Meta["version"]
	if c.Meta["format"] != stateFormat || version != stateVersion && version != stateVersion1 {
		return s, fmt.Errorf("%w: format %.40q version %.20q: expected %s version %s", ErrState, c.Meta["format"], version, stateFormat, stateVersion)
	}
	if version == stateVersion && !c.Checked {
		return s, fmt.Errorf("%w: it has no check sum", ErrState)
	}
	if err := json.Unmarshal([]byte(c.Meta["position"]), &s.position); err != nil {
		return s, fmt.Errorf("%w: position: %w", ErrState, err)
	}
	s.computed = c.Meta["computed"]
	if s.ranges, err = rangesOf(c.Meta); err != nil {
		return s, fmt.Errorf("%w: ranges: %w", ErrState, err)
	}
	if of := c.Meta["of"]; of != "" {
		d := json.NewDecoder(strings.NewReader(of))
		d.UseNumber() // as fields does
		if err := d.Decode(&s.of); err != nil {
			return s, fmt.Errorf("%w: of: %w", ErrState, err)
		}
	}
	s.weights, s.velocities = onnx.StateDict{}, onnx.StateDict{}
	for name, t := range c.Weights {
		prefix, rest, _ := strings.Cut(name, "/")
		switch prefix + "/" {
		case weightsPrefix:
			s.weights[rest] = t
		case velocityPrefix:
			s.velocities[rest] = t
		case averagePrefix:
			if s.average == nil {
				s.average = onnx.StateDict{}
			}
			s.average[rest] = t
		default:
			return s, fmt.Errorf("%w: tensor %.80q", ErrState, name)
		}
	}
	return s, nil
}

// noteRanges notes the ranges in the metadata of a checkpoint, where there are some.
func noteRanges(meta map[string]string, ranges onnx.Calibrated) {
	if ranges != nil {
		text, _ := json.Marshal(ranges) // finite numbers: cannot fail
		meta["ranges"] = string(text)
	}
}

// rangesOf are the ranges in such metadata; nil where there are none.
func rangesOf(meta map[string]string) (ranges onnx.Calibrated, err error) {
	if text, ok := meta["ranges"]; ok {
		err = strictjson.Decode([]byte(text), &ranges)
	}
	return ranges, err
}

// readState reads a state file; ok is false where there is none.
func readState(path string) (s state, ok bool, err error) {
	data, err := safefile.Read(path, supernet.MaxCheckpoint)
	if errors.Is(err, fs.ErrNotExist) {
		return s, false, nil
	}
	if err != nil {
		return s, false, fmt.Errorf("training state: %w", err)
	}
	if s, err = decodeState(data); err != nil {
		return s, false, fmt.Errorf("training state: %s: %w", path, err)
	}
	return s, true, nil
}

// resume reads the state that a stage resumes from; ok is false where there is
// none. Where the last one is damaged it is the one before, which is said, and the
// damaged file is set aside.
func (f *folder) resume(stage Stage, say func(string)) (s state, ok bool, err error) {
	last, before := f.state(stage), f.previousState(stage)
	s, ok, err = readState(last)
	if ok || err != nil && !errors.Is(err, ErrState) {
		return s, ok, err
	}
	s, ok, older := readState(before)
	switch {
	case err == nil && !ok: // none yet, or the one that is left is damaged
		return s, false, older
	case err != nil && older != nil:
		return s, false, fmt.Errorf("%w; so is the one before: %w. Another folder starts over", err, older)
	case err != nil && !ok:
		return s, false, fmt.Errorf("%w; there is none before it. Another folder starts over", err)
	case err == nil:
		say(fmt.Sprintf("%s is gone: %s is taken, of step %d", last, filepath.Base(before), s.Step))
		return s, true, nil
	}
	aside := last + ".damaged"
	if err := os.Rename(last, aside); err != nil {
		return s, false, fmt.Errorf("training state: %w", err)
	}
	say(fmt.Sprintf("%v: the state before it, of step %d, is taken; the damaged file is kept as %s", err, s.Step, filepath.Base(aside)))
	return s, true, nil
}

// keep makes the last state the one before, as a second name of it: it stays until
// the next one has taken its name.
func (f *folder) keep(stage Stage) error {
	last, before := f.state(stage), f.previousState(stage)
	if _, err := os.Stat(last); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.Remove(before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(last, before) == nil {
		return nil
	}
	return os.Rename(last, before) // on file systems without links
}

// check refuses a state that is not of these settings.
func (s state) check(want Settings, total int) error {
	if s.Stage != want.Stage || s.Step < 0 || s.Step > total || s.Validated < 0 || s.Validated > want.TotalEpochs() {
		return fmt.Errorf("%w: step %d of stage %.40q: expected 0 to %d of %s", ErrState, s.Step, s.Stage, total, want.Stage)
	}
	if (s.average != nil) != want.ModelEMA || s.average != nil && len(s.average) != len(s.weights) {
		return fmt.Errorf("%w: averages of %d of %d tensors", ErrState, len(s.average), len(s.weights))
	}
	if (s.ranges != nil) != (want.Quantize != "") {
		return fmt.Errorf("%w: ranges of %d values with quantize %q", ErrState, len(s.ranges), want.Quantize)
	}
	for _, part := range []onnx.StateDict{s.velocities, s.average} {
		for name, t := range part {
			if !slices.Equal(t.Shape, s.weights[name].Shape) {
				return fmt.Errorf("%w: tensor %.80q is %v beside weights of %v", ErrState, name, t.Shape, s.weights[name].Shape)
			}
		}
	}
	return nil
}
