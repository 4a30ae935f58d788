package evaluation

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/internal/records"
	"github.com/binas-tui/binas-tui/model"
)

// ErrRecords is wrapped by errors about a file that is there and cannot be gone
// on with: of other settings, or no records file.
var ErrRecords = errors.New("the records cannot be resumed")

// openRecords opens the records file at path, or begins one with the header, and
// tells the job which lines were damaged. Record takes those that are there and
// returns their places. A file with another header is refused; that of a shard learns
// of more networks, and of another processor.
func openRecords(path string, header model.EvaluationInfo, record func(object []byte) (place int, err error), j *job.Job) (*records.File, error) {
	f, err := records.Open(path, records.Options{
		Header: header,
		Check: func(object []byte) error {
			there, err := model.DecodeEvaluationInfo(object, header.Format)
			if err == nil {
				err = there.Differs(header)
			}
			if err != nil {
				return fmt.Errorf("%w: %w", ErrRecords, err)
			}
			if there.Fingerprint == "" && header.Fingerprint != "" {
				j.Log(path + " does not say which images it is of: those are taken for the same by their name and number")
			}
			return nil
		},
		Key: model.RecordsKey,
		Renew: func(object []byte) any {
			there, err := model.DecodeEvaluationInfo(object, header.Format)
			if err != nil || !there.Shard.Take(header.Shard) {
				return nil
			}
			if len(there.Shard.Computed) > 1 {
				j.Log(path + ": " + Differently(there.Shard.Computed))
			}
			return there
		},
		Record: func(object []byte) (place int, err error) {
			if place, err = record(object); err == nil && !header.Shard.Has(place) {
				err = fmt.Errorf("number %d is not of shard %s", place, header.Shard)
			}
			return place, err
		},
	})
	if errors.Is(err, records.ErrNotRecords) {
		err = fmt.Errorf("%w: %w", ErrRecords, err)
	}
	if err != nil {
		return nil, err
	}
	if f.Lost.Count > 0 {
		j.Log(fmt.Sprintf("%s: %s; it is made again, and the file as it was kept as %s", path, f.Lost, f.DamagedCopy()))
	}
	return f, nil
}

// Recorded is the header of a records file: who resumes one takes the
// settings it was begun with. Without a file, or before its first line is whole,
// began is false.
func Recorded(path, format string) (info model.EvaluationInfo, began bool, err error) {
	object, err := records.Header(path)
	if err != nil || object == nil {
		return info, false, err
	}
	if info, err = model.DecodeEvaluationInfo(object, format); err != nil {
		return info, false, fmt.Errorf("%s: %w: %w", path, ErrRecords, err)
	}
	return info, true, nil
}

// begin opens or begins the records file of an evaluation, as openRecords does, and
// says which of n places are missing of the shard. Of several ranks, which must be
// about to do the same, rank 0 alone has the file; it is nil on the others.
func (e *Evaluator) begin(ctx context.Context, j *job.Job, path string, info model.EvaluationInfo, n int, record func(object []byte) (place int, err error)) (file *records.File, missing []int, err error) {
	if err = e.Check(); err == nil && leads(e.Ranks) {
		file, err = openRecords(path, info, record, j)
	}
	if file != nil {
		missing = slices.DeleteFunc(file.Missing(n), func(i int) bool { return !info.Shard.Has(i) })
	}
	if missing, err = begin(ctx, e.Ranks, j, info, e.Computed, missing, err); err != nil {
		return nil, nil, closeRecords(file, err)
	}
	return file, missing, nil
}

// closeRecords closes a file, which may be nil, after work that ended with err.
func closeRecords(file *records.File, err error) error {
	if file != nil {
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
	}
	return err
}
