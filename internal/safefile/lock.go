package safefile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// EnvNoLocks is the environment variable that, set to 1, lets work go on where
// the file system has no locks.
const EnvNoLocks = "BINAS_TUI_NO_LOCKS"

// Errors of locks.
var (
	ErrLocked  = errors.New("in use by another job or program")
	ErrNoLocks = errors.New("the file system has no locks")
)

// Lock takes the lock that is the given file, made with its folder where there
// is none, or fails at once with [ErrLocked]. The system releases it when the
// process ends, however that ends; the file stays. On a file system without locks
// it fails with [ErrNoLocks], or where [EnvNoLocks] is set takes none.
func Lock(file string) (release func(), err error) {
	if err := MkdirAll(filepath.Dir(file)); err != nil {
		return nil, err
	}
	if info, err := os.Stat(file); err == nil {
		if err := regular(file, info); err != nil {
			return nil, err
		}
	}
	lock := flock.New(file, flock.SetFlag(os.O_CREATE|syscall.O_NONBLOCK), flock.SetPermissions(0o666))
	release, err = locked(file, lock, lock.TryLock)
	if err != nil || !lock.Locked() {
		return release, err
	}
	held, err := lock.Stat()
	there, gone := os.Stat(file)
	if err != nil || gone != nil || !os.SameFile(held, there) { // who had it has just taken the file away
		release()
		return nil, fmt.Errorf("%w: %s was locked", ErrLocked, file)
	}
	return release, nil
}

// WaitForLock takes a lock as [Lock] does and waits for it for a time, where another
// has it.
func WaitForLock(ctx context.Context, file string, wait time.Duration) (release func(), err error) {
	for end := time.Now().Add(wait); ; {
		release, err = Lock(file)
		if !errors.Is(err, ErrLocked) || time.Now().After(end) {
			return release, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// LockBeside takes the lock of a file that is changed, FILE.lock, waiting for a time
// where another has it. The lock goes when it is released.
func LockBeside(ctx context.Context, file string, wait time.Duration) (release func(), err error) {
	lock := file + ".lock"
	unlock, err := WaitForLock(ctx, lock, wait)
	if err != nil {
		return nil, err
	}
	return func() {
		os.Remove(lock) // while it is held: Lock sees that it is gone
		unlock()
	}, nil
}

func locked(file string, lock *flock.Flock, try func() (bool, error)) (release func(), err error) {
	ok, err := try()
	switch {
	case err != nil && (errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)):
		if os.Getenv(EnvNoLocks) == "1" {
			return func() {}, nil
		}
		return nil, &fs.PathError{Op: "lock", Path: file, Err: fmt.Errorf(
			"%w (%w): use a folder on another one, or, where no other program writes there at the same time, set %s=1 to go on without", ErrNoLocks, plain(err), EnvNoLocks)}
	case err != nil:
		return nil, &fs.PathError{Op: "lock", Path: file, Err: plain(err)}
	case !ok:
		return nil, fmt.Errorf("%w: %s is locked", ErrLocked, file)
	}
	return func() { lock.Close() }, nil
}
