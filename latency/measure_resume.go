package latency

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/onnx"
)

// recordName is the file of a run folder that holds the settings and rounds.
const recordName = "measure.jsonl"

// recordVersion changes with the meaning of the file or of what is measured.
const recordVersion = 3

// maxRecordLine bounds one line of the file.
const maxRecordLine = 1 << 20

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

func (o MeasureOptions) header(kind, space string, imageSize int, tasks []task) measureHeader {
	hash := fnv.New64a()
	for _, t := range tasks {
		io.WriteString(hash, t.key+"\n")
	}
	h := measureHeader{
		Version: recordVersion, Kind: kind, Space: space, ImageSize: imageSize, Target: string(o.Target), Threads: o.Threads,
		Batch: o.Batch, Classes: o.Classes, Slice: o.Slice.String(), Passes: o.Passes, Seed: o.Seed, Processor: processor(),
		Tasks: len(tasks), TasksHash: fmt.Sprintf("%016x", hash.Sum64()),
	}
	if lib, ok := onnx.Loaded(); ok {
		h.Runtime = "ONNX Runtime " + lib.Version
	}
	return h
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

// record is the rounds of a run, in memory and, with a folder, on disk: one
// JSON value a line, appended and never changed.
type record struct {
	header measureHeader
	rounds []roundResult
	file   *os.File // nil without a folder
}

// openRecord opens the record of a folder, or begins one. A line that a killed
// process did not finish is cut off.
func openRecord(folder string, header measureHeader) (*record, error) {
	r := &record{header: header}
	if folder == "" {
		return r, nil
	}
	if err := safefile.MkdirAll(folder); err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	path := filepath.Join(folder, recordName)
	f, err := safefile.OpenFile(path, os.O_RDWR|os.O_CREATE)
	if err != nil {
		return nil, fmt.Errorf("run folder: %w", err)
	}
	r.file = f
	whole, err := r.read(f, header)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err == nil {
		_, err = f.Seek(whole, io.SeekStart)
	}
	if err == nil && whole == 0 {
		err = r.write(header)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("run folder: %s: %w", path, err)
	}
	return r, nil
}

// read reads the whole lines of a record and returns their length.
func (r *record) read(f io.Reader, want measureHeader) (whole int64, err error) {
	lines := bufio.NewReader(f)
	for number := 1; ; number++ {
		line, err := readLine(lines)
		if err == io.EOF {
			return whole, nil
		}
		if err != nil {
			return 0, fmt.Errorf("line %d: %w", number, err)
		}
		if number == 1 {
			if err := strictJSON(line, &r.header); err != nil {
				return 0, fmt.Errorf("line 1: %w", err)
			}
			if err := r.header.differs(want); err != nil {
				return 0, err
			}
		} else {
			var round roundResult
			if err := strictJSON(line, &round); err != nil {
				return 0, fmt.Errorf("line %d: %w", number, err)
			}
			if err := round.check(want.Tasks); err != nil {
				return 0, fmt.Errorf("line %d: %w", number, err)
			}
			r.rounds = append(r.rounds, round)
		}
		whole += int64(len(line)) + 1
	}
}

// readLine returns the next line without its end, or io.EOF where there is no
// whole line any more.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line[:len(line)-1], nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxRecordLine:
			return nil, fmt.Errorf("longer than %d bytes", maxRecordLine)
		}
	}
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
	if err := r.write(round); err != nil {
		return fmt.Errorf("run folder: %w", err)
	}
	r.rounds = append(r.rounds, round)
	return nil
}

func (r *record) write(v any) error {
	if r.file == nil {
		return nil
	}
	line, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = r.file.Write(append(line, '\n'))
	return err
}

func (r *record) close() {
	if r.file != nil {
		r.file.Close()
	}
}
