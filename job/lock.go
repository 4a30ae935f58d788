package job

import "github.com/binas-tui/binas-tui/internal/safefile"

// ErrLocked says that another job, of this program or of another, holds a lock.
var ErrLocked = safefile.ErrLocked

// Lock takes the lock that is the given file; see [safefile.Lock].
func Lock(file string) (release func(), err error) { return safefile.Lock(file) }
