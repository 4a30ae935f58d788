package mpi

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// AgreedError is an error that every rank has: each has returned it from the same
// call of [Agree].
type AgreedError struct{ Err error }

func (e AgreedError) Error() string { return e.Err.Error() }
func (e AgreedError) Unwrap() error { return e.Err }

// Agreed reports whether all ranks have the error.
func Agreed(err error) bool {
	var agreed AgreedError
	return errors.As(err, &agreed)
}

// kinds are the errors that ranks tell apart.
var kinds = []error{context.Canceled}

// Register has errors of other ranks wrap what they wrap there of errs. It is called
// by init functions alone, so that all ranks have the same errors in the same order.
func Register(errs ...error) { kinds = append(kinds, errs...) }

// toldError is an error of another rank.
type toldError struct {
	text string
	kind error // may be nil
}

func (e toldError) Error() string { return e.text }
func (e toldError) Unwrap() error { return e.kind }

// brought is what a rank brings to Agree.
type brought struct {
	Data   []byte `json:"data,omitempty"`
	Failed string `json:"failed,omitempty"`
	Kind   int    `json:"kind,omitempty"` // of the error: 0, or 1 and its index in the kinds
}

// leaving is how long a rank whose context has ended waits for the others, to tell
// them: Open MPI kills a second after a signal, and there may be work to save.
const leaving = 200 * time.Millisecond

// Agree is Gather for ranks that may fail each by itself: data is of a rank without
// an error. Where a rank has one, all return an [AgreedError]: a rank that has failed
// its own, the others that of the first that has, which wraps what it wraps there of
// the errors of [Register]. A context that has ended is such an error. A rank that
// fails anywhere else calls it once, with its error, before it leaves, and so tells
// the others at their next call.
func Agree(ctx context.Context, c Comm, data []byte, err error) ([][]byte, error) {
	if err == nil {
		err = context.Cause(ctx)
	}
	if c.Size() == 1 || Agreed(err) {
		return [][]byte{data}, err
	}
	b := brought{Data: data}
	if err != nil {
		b = brought{Failed: err.Error(), Kind: 1 + slices.IndexFunc(kinds, func(kind error) bool { return errors.Is(err, kind) })}
	}
	message, encodeErr := json.Marshal(b)
	if encodeErr != nil {
		return nil, encodeErr
	}
	patient, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(leaving):
			cancel(context.Cause(ctx))
		case <-patient.Done():
		}
	})
	defer stop()
	all, gatherErr := c.Gather(patient, message)
	switch {
	case gatherErr != nil && err != nil && !errors.Is(err, gatherErr):
		return nil, fmt.Errorf("%w (the other ranks are not told: %v)", err, gatherErr)
	case gatherErr != nil:
		return nil, cmp.Or(err, gatherErr)
	}
	out := make([][]byte, len(all))
	var failed error
	for rank, text := range all {
		var b brought
		if err := json.Unmarshal(text, &b); err != nil {
			return nil, fmt.Errorf("rank %d of %d has said %.40q: expected what ranks agree on: %w", rank, len(all), text, err)
		}
		if out[rank] = b.Data; failed == nil && b.Failed != "" {
			told := toldError{text: b.Failed}
			if 0 < b.Kind && b.Kind <= len(kinds) {
				told.kind = kinds[b.Kind-1]
			}
			failed = fmt.Errorf("rank %d: %w", rank, told)
		}
	}
	switch {
	case failed == nil:
		return out, nil
	case err != nil:
		return nil, AgreedError{err}
	}
	return nil, AgreedError{failed}
}
