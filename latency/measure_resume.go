package latency

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
)

// recordName is the file of a run folder that holds the settings and rounds.
const recordName = "measure.jsonl"

// recordVersion changes with the meaning of the file or of what is measured.
const recordVersion = 4

// measureHeader is the first line of a record: all that the numbers depend on.
// The number of rounds is not part of it, so that a run can be made longer.
type measureHeader struct {
	Version   int            `json:"version"`
	Kind      string         `json:"kind"`
	Space     string         `json:"space"`
	ImageSize int            `json:"image_size"`
	Host      string         `json:"host,omitempty"`
	Target    string         `json:"target"`
	Threads   int            `json:"threads"`
	Batch     int            `json:"batch"`
	Classes   int            `json:"classes"`
	Precision onnx.Precision `json:"precision,omitempty"` // empty is fp32
	Slice     string         `json:"slice"`
	Passes    int            `json:"passes"`
	Seed      uint64         `json:"seed"`
	Runtime   string         `json:"runtime"`
	Processor string         `json:"processor"`
	Tasks     int            `json:"tasks"`
	TasksHash string         `json:"tasks_hash"`
	Date      time.Time      `json:"date"` // of the first call; not compared
}

// header is that of a run over things of these keys.
func (o MeasureOptions) header(kind, space string, imageSize int, keys []string) measureHeader {
	hash := fnv.New64a()
	for _, key := range keys {
		io.WriteString(hash, key+"\n")
	}
	p := o.Device.Provenance()
	return measureHeader{
		Version: recordVersion, Kind: kind, Space: space, ImageSize: imageSize, Host: p.Host, Target: p.Device, Threads: p.Threads,
		Batch: p.Batch, Classes: o.Classes, Precision: p.recordedPrecision(), Slice: o.Slice.String(), Passes: o.Passes, Seed: o.Seed, Processor: p.Processor,
		Runtime: p.Runtime, Tasks: len(keys), TasksHash: fmt.Sprintf("%016x", hash.Sum64()), Date: o.now().UTC().Truncate(time.Second),
	}
}

// differs names the first setting in which two headers differ.
func (h measureHeader) differs(other measureHeader) error {
	h.Date, other.Date = time.Time{}, time.Time{}
	fields := func(h measureHeader) map[string]any {
		b, _ := json.Marshal(h) // strings and numbers: cannot fail
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber() // a seed does not fit a float64
		var m map[string]any
		d.Decode(&m)
		return m
	}
	have, want := fields(h), fields(other)
	for _, name := range []string{"version", "kind", "space", "image_size", "host", "target", "threads", "batch", "classes", "precision",
		"slice", "passes", "seed", "runtime", "processor", "tasks", "tasks_hash"} {
		if have[name] != want[name] && (name == "tasks" || name == "tasks_hash") {
			return fmt.Errorf("%w: other blocks or networks were measured there", ErrRunMismatch)
		}
		if have[name] != want[name] {
			return fmt.Errorf("%w: %s is %v there and %v now", ErrRunMismatch, name, have[name], want[name])
		}
	}
	return nil
}

// openRecords opens the file of a run folder, locked, or begins one with the
// header, which becomes the one that is there. take takes a record and returns
// its place.
func openRecords(folder string, header *measureHeader, take func(object []byte) (int, error)) (*records.File, error) {
	want := *header
	f, err := records.Open(filepath.Join(folder, recordName), records.Options{
		Header: want,
		Check: func(object []byte) error {
			var have measureHeader
			if err := json.Unmarshal(object, &have); err != nil {
				return err
			}
			if err := have.differs(want); err != nil {
				return err
			}
			*header = have
			return nil
		},
		Record: take,
	})
	if errors.Is(err, safefile.ErrLocked) {
		return nil, fmt.Errorf("run folder %s is %w", folder, safefile.ErrLocked)
	}
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return f, nil
}

func strictJSON(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// KeepsRounds reports that a folder holds rounds or networks to go on from.
func KeepsRounds(folder string) bool {
	for _, sub := range []string{"", "1"} { // older versions numbered groups of networks
		if _, err := os.Stat(filepath.Join(folder, sub, recordName)); err == nil {
			return true
		}
	}
	return false
}

// RemoveRun removes what measurements kept in a folder, and the folder where
// there is nothing else in it.
func RemoveRun(folder string) {
	if folder == "" {
		return
	}
	for _, suffix := range []string{"", ".damaged", ".lock"} {
		os.Remove(filepath.Join(folder, recordName+suffix))
	}
	os.Remove(folder)
}
