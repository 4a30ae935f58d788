package nobodytest

import (
	"os"
	"runtime"
	"syscall"
)

// nobody is the user that owns nothing.
const nobody = 65534

// Run runs f without the rights of root, where the test has them: as nobody, as
// far as files are concerned that f itself opens. Files of the test must be where
// others may pass.
func Run(f func()) {
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		syscall.Setfsgid(nobody)
		syscall.Setfsuid(nobody)
		f()
	}()
	<-done
}
