package latency

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/binas-tui/binas-tui/internal/records"
)

// recordName is the file of a run folder that holds the settings and rounds.
const recordName = "measure.jsonl"

// recordVersion changes with the meaning of the file or of what is measured.
const recordVersion = 4

// measureHeader is the first line of a record: all that the numbers depend on.
// The number of rounds is not part of it, so that a run can be made longer.
type measureHeader struct {
	Version   int       `json:"version"`
	Kind      string    `json:"kind"`
	Space     string    `json:"space"`
	ImageSize int       `json:"image_size"`
	Target    string    `json:"target"`
	Threads   int       `json:"threads"`
	Batch     int       `json:"batch"`
	Classes   int       `json:"classes"`
	Slice     string    `json:"slice"`
	Passes    int       `json:"passes"`
	Seed      uint64    `json:"seed"`
	Runtime   string    `json:"runtime"`
	Processor string    `json:"processor"`
	Tasks     int       `json:"tasks"`
	TasksHash string    `json:"tasks_hash"`
	Date      time.Time `json:"date"` // of the first call; not compared
}

// header is that of a run over things of these keys.
func (o MeasureOptions) header(kind, space string, imageSize int, keys []string) measureHeader {
	hash := fnv.New64a()
	for _, key := range keys {
		io.WriteString(hash, key+"\n")
	}
	p := o.Device.Provenance()
	return measureHeader{
		Version: recordVersion, Kind: kind, Space: space, ImageSize: imageSize, Target: p.Device, Threads: p.Threads,
		Batch: p.Batch, Classes: o.Classes, Slice: o.Slice.String(), Passes: o.Passes, Seed: o.Seed, Processor: p.Processor,
		Runtime: p.Runtime, Tasks: len(keys), TasksHash: fmt.Sprintf("%016x", hash.Sum64()), Date: o.now().UTC().Truncate(time.Second),
	}
}

func taskKeys(tasks []task) []string {
	var keys []string
	for _, t := range tasks {
		keys = append(keys, t.key)
	}
	return keys
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
	for _, name := range []string{"version", "kind", "space", "image_size", "target", "threads", "batch", "classes",
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
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	return f, nil
}

// record is the rounds of isolated blocks, in memory and, with a folder, on disk.
type record struct {
	header measureHeader
	rounds []roundResult
	file   *records.File // nil without a folder
}

// openRecord opens the record of a folder, or begins one. lost is what was
// damaged there.
func openRecord(folder string, header measureHeader) (r *record, lost string, err error) {
	r = &record{header: header}
	if folder == "" {
		return r, "", nil
	}
	r.file, err = openRecords(folder, &r.header, func(object []byte) (int, error) {
		var round roundResult
		if err := strictJSON(object, &round); err != nil {
			return 0, err
		}
		if err := round.check(header.Tasks); err != nil {
			return 0, err
		}
		r.rounds = append(r.rounds, round)
		return len(r.rounds) - 1, nil
	})
	if err != nil {
		return nil, "", err
	}
	return r, r.file.Lost.String(), nil
}

func strictJSON(line []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// check refuses numbers that no measurement gives.
func (r roundResult) check(tasks int) error {
	if len(r.MS) != tasks || len(r.Sentinel) == 0 {
		return fmt.Errorf("%d values and %d of the sentinel: expected %d and at least 1", len(r.MS), len(r.Sentinel), tasks)
	}
	for _, list := range [][]float64{r.MS, r.Sentinel} {
		for _, v := range list {
			if !(v >= 0) || math.IsInf(v, 1) {
				return fmt.Errorf("%v ms: expected at least 0", v)
			}
		}
	}
	return nil
}

// add keeps a round.
func (r *record) add(round roundResult) error {
	if r.file != nil {
		if err := r.file.Add(len(r.rounds), round); err != nil {
			return fmt.Errorf("run folder: %w", err)
		}
	}
	r.rounds = append(r.rounds, round)
	return nil
}

func (r *record) close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
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
