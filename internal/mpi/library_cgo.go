//go:build cgo && !windows

package mpi

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "library.h"
*/
import "C"

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"
)

func init() { load = loadLibrary }

// thread is the one of this process that calls MPI.
type thread struct {
	work chan func()
	size int // ranks
}

// loadLibrary loads the first library that there is and joins its ranks.
func loadLibrary(ctx context.Context, names []string) (joined joined, err error) {
	t := &thread{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for work := range t.work {
			work()
		}
	}()
	err = t.wait(ctx, func() error {
		if joined.path, err = open(names); err != nil {
			return err
		}
		if joined.version, joined.abi, err = recognise(joined.path); err != nil {
			return err
		}
		var rank, size C.int
		err := check(C.binas_mpi_init(&rank, &size))
		joined.carrier, joined.rank, joined.size, t.size = t, int(rank), int(size), int(size)
		return err
	})
	joined.plain = func(values []float32) error {
		return t.wait(ctx, func() error { return check(C.binas_mpi_allreduce((*C.float)(&values[0]), C.int(len(values)))) })
	}
	return joined, err
}

// open opens the first of the libraries that can be, and returns its name.
func open(names []string) (string, error) {
	var tried []string
	for _, name := range names {
		path := C.CString(name)
		problem := C.binas_mpi_open(path)
		C.free(unsafe.Pointer(path))
		if problem == nil {
			return name, nil
		}
		tried = append(tried, fmt.Sprintf("%s (%s)", name, strings.TrimPrefix(C.GoString(problem), name+": ")))
	}
	return "", fmt.Errorf("%w: looked for %s; %s names another, and LD_LIBRARY_PATH says where to look", ErrNoLibrary, strings.Join(tried, ", "), Environment)
}

func recognise(path string) (version, abi string, err error) {
	if missing := C.binas_mpi_functions(); missing != nil {
		return "", "", fmt.Errorf("%w: %s has no %s", ErrNoLibrary, path, C.GoString(missing))
	}
	text := make([]byte, 8192)
	n := C.binas_mpi_version((*C.char)(unsafe.Pointer(&text[0])))
	version, _, _ = strings.Cut(strings.TrimRight(string(text[:n]), "\x00"), "\n")
	version = strings.Join(strings.Fields(version), " ")
	switch {
	case strings.Contains(path, "mpi_abi") && C.binas_mpi_standard() != 0:
		return version, "MPI 5", nil
	case C.binas_mpi_openmpi() != 0:
		return version, "Open MPI", nil
	}
	for _, name := range []string{"MPICH", "Intel", "MVAPICH", "CRAY", "ParaStation"} {
		if strings.Contains(version, name) {
			C.binas_mpi_mpich()
			return version, "MPICH", nil
		}
	}
	return "", "", fmt.Errorf("%w: %s is %.60q: expected Open MPI, MPICH or a library with its ABI, or libmpi_abi", ErrNoLibrary, path, version)
}

func check(code C.int) error {
	switch code {
	case 0:
		return nil
	case C.BINAS_MPI_THREADS:
		return errors.New("MPI gives no MPI_THREAD_FUNNELED")
	}
	text := make([]byte, 8192)
	n := C.binas_mpi_error(code, (*C.char)(unsafe.Pointer(&text[0])))
	return fmt.Errorf("MPI: %s", strings.Join(strings.Fields(string(text[:n])), " "))
}

// wait runs work on the thread. Where the context ends first, the thread is left
// to itself.
func (t *thread) wait(ctx context.Context, work func() error) error {
	done := make(chan error, 1)
	select {
	case t.work <- func() { done <- work() }:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// run runs a collective operation, of which n bytes are a part. The memory stays
// pinned where the operation does not come to its end.
func (t *thread) run(ctx context.Context, operation C.int, from, to []byte, n int, patient bool) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	var pins runtime.Pinner
	pointer := func(b []byte) unsafe.Pointer {
		if len(b) == 0 {
			return nil
		}
		pins.Pin(&b[0])
		return unsafe.Pointer(&b[0])
	}
	a, b, waits := pointer(from), pointer(to), C.int(0)
	if patient {
		waits = 1
	}
	stop := new(int32)
	pins.Pin(stop)
	unhook := context.AfterFunc(ctx, func() { atomic.StoreInt32(stop, 1) })
	defer unhook()
	done := make(chan C.int, 1)
	t.work <- func() { done <- C.binas_mpi_run(operation, a, b, C.int(n), waits, (*C.int32_t)(unsafe.Pointer(stop))) }
	code := <-done
	if code == C.BINAS_MPI_STOPPED {
		abandoned = append(abandoned, &pins)
		return context.Cause(ctx)
	}
	pins.Unpin()
	return check(code)
}

// abandoned is what operations use that were given up: MPI may still write to it.
var abandoned []*runtime.Pinner

func (t *thread) broadcast(ctx context.Context, buffer []byte, patient bool) error {
	return t.run(ctx, C.BINAS_MPI_BROADCAST, nil, buffer, len(buffer), patient)
}

func (t *thread) allGather(ctx context.Context, part, all []byte, patient bool) error {
	return t.run(ctx, C.BINAS_MPI_ALLGATHER, part, all, len(part), patient)
}

func (t *thread) allToAll(ctx context.Context, parts, received []byte) error {
	return t.run(ctx, C.BINAS_MPI_ALLTOALL, parts, received, len(parts)/t.size, false)
}

// abortWithin is how long MPI may take to end this process.
const abortWithin = 5 * time.Second

func (t *thread) abort(code int) {
	ctx, cancel := context.WithTimeout(context.Background(), abortWithin)
	defer cancel()
	t.wait(ctx, func() error { C.binas_mpi_abort(C.int(code)); return nil })
	os.Exit(code)
}

func (t *thread) finalize(ctx context.Context) error {
	return t.wait(ctx, func() error { return check(C.binas_mpi_finalize()) })
}
