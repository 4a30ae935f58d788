package nobodytest

import (
	"os"
	"syscall"
)

// nobody is the user that owns nothing.
const nobody = 65534

// Run runs f without the rights of root, where the test has them: as nobody, in
// all goroutines of the process. Files of the test must be where others may pass.
func Run(f func()) {
	if os.Getuid() == 0 {
		become(nobody)
		defer become(0)
	}
	f()
}

// become changes whose rights the process has.
func become(user int) {
	err := syscall.Seteuid(0)
	if err == nil {
		err = syscall.Setegid(user)
	}
	if err == nil {
		err = syscall.Seteuid(user)
	}
	if err != nil {
		panic(err)
	}
}
