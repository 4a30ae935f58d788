package safefile

import "errors"

var noLocks = []error{errors.ErrUnsupported}
