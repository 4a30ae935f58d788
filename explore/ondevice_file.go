package explore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/latency"
)

// ObservationFile keeps the observations of a table: lines are appended as they
// are made, so that a search that was killed goes on from them. The zero value
// keeps them in memory.
type ObservationFile struct {
	latency.Observations
	Path string
	Lost string // lines that are damaged and left out; "" is none
	file *records.File
}

// observationPath is the file of a table's observations, in the data folder:
// built-in tables and files that cannot be written to have one too.
func observationPath(l *latency.LUT) string {
	return filepath.Join(DataDir(), "observations", l.Hash()+".jsonl")
}

// OpenObservations opens the observations of a table to add to them, and locks
// them against other searches. Those of another device are refused: errors wrap
// [latency.ErrOtherDevice], [latency.ErrObservations] or [safefile.ErrLocked].
func OpenObservations(l *latency.LUT, header latency.ObservationHeader) (*ObservationFile, error) {
	f := &ObservationFile{Path: observationPath(l)}
	f.Header = header
	var err error
	f.file, err = records.Open(f.Path, records.Options{
		Header: header,
		Check: func(object []byte) error {
			if err := f.TakeHeader(object); err != nil {
				return err
			}
			return f.Header.Differs(header)
		},
		Each: f.Take,
	})
	switch {
	case errors.Is(err, safefile.ErrLocked):
		return nil, fmt.Errorf("observations: %s is %w: another search on the device adds to it", f.Path, safefile.ErrLocked)
	case errors.Is(err, records.ErrNotRecords):
		return nil, fmt.Errorf("observations: %w: %w", latency.ErrObservations, err)
	case err != nil:
		return nil, fmt.Errorf("observations: %w", err)
	}
	f.Lost = f.file.Lost.String()
	return f, nil
}

// Add keeps an observation.
func (f *ObservationFile) Add(o latency.Observation) error {
	err := f.write(o)
	if err == nil {
		f.Made = append(f.Made, o)
	}
	return err
}

// End marks the end of a search.
func (f *ObservationFile) End(search string) error {
	end := latency.SearchEnd{Search: search}
	f.Finish(end)
	return f.write(end)
}

func (f *ObservationFile) write(v any) error {
	if f.file == nil {
		return nil
	}
	return f.file.Append(v)
}

// Close releases the file.
func (f *ObservationFile) Close() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// maxObservationBytes bounds a file of observations: some hundred searches.
const maxObservationBytes = 16 << 20

// learn takes in what was observed of a table on this machine. What cannot be
// read does not count, and the table says so: it is as good as it was without.
func learn(l *latency.LUT) {
	path := observationPath(l)
	unused := func(err error) {
		l.Learnt = latency.Learnt{File: path, Unused: fmt.Sprintf("%s cannot be read (%v)", path, err)}
	}
	data, err := safefile.Read(path, maxObservationBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil {
		unused(err)
		return
	}
	obs, lost, err := latency.ReadObservations(data)
	switch {
	case err != nil:
		unused(err)
		return
	case len(obs.Made) == 0:
		return
	case obs.Header == latency.ObservationHeader{}:
		unused(errors.New(lost.String()))
		return
	case !obs.Header.Here():
		l.Learnt = latency.Learnt{File: path, Unused: fmt.Sprintf("%d measurements were made on another processor, %s", len(obs.Made), obs.Header.Processor)}
		return
	}
	if other := obs.Header.OtherThan(l.Provenance); other != "" {
		l.Learnt = latency.Learnt{File: path, Unused: fmt.Sprintf("%d measurements were made %s", len(obs.Made), other)}
		return
	}
	learnt, err := l.Learn(obs, time.Now())
	switch {
	case err != nil:
		unused(err)
		return
	case learnt.Noise > maxNoise: // as of a search that ended because of it
		l.Learnt = latency.Learnt{File: path, Unused: fmt.Sprintf("the last measurements vary by %.1f%%, too much to learn from", 100*learnt.Noise)}
		return
	}
	l.Learnt = learnt
	l.Learnt.File, l.Learnt.Lost = path, lost.String()
}

// ForgetObservations removes what was observed of a table, and says how many
// measurements that were and in which file, "" where there were none. While a search adds to them the error
// wraps [safefile.ErrLocked].
func ForgetObservations(l *latency.LUT) (measurements int, path string, err error) {
	path = observationPath(l)
	data, err := safefile.Read(path, maxObservationBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	if obs, _, err := latency.ReadObservations(data); err == nil {
		measurements = len(obs.Made)
	} // else they are removed because they cannot be read
	release, err := safefile.Lock(path + ".lock")
	if err != nil {
		return 0, path, err
	}
	defer release()
	return measurements, path, os.Remove(path)
}
