//go:build cgo && unix

package stdio

/*
#include <fcntl.h>

static int closed;

// before Go's runtime begins, which fills the place
__attribute__((constructor)) static void look(void) { closed = fcntl(1, F_GETFD) < 0; }

static int output_closed(void) { return closed; }
*/
import "C"

func outputClosed() bool { return C.output_closed() != 0 }
