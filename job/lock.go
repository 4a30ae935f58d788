package job

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"
)

// ErrLocked says that another job, of this program or of another, holds a lock.
var ErrLocked = errors.New("in use by another job or program")

// Lock takes the lock that is the given file, made with its folder where there
// is none, or fails at once with ErrLocked. The system releases it when the
// process ends, however that ends; the file stays.
func Lock(file string) (release func(), err error) {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, err
	}
	lock := flock.New(file)
	switch ok, err := lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", file, err)
	case !ok:
		return nil, fmt.Errorf("%w: %s is locked", ErrLocked, file)
	}
	return func() { lock.Close() }, nil
}
