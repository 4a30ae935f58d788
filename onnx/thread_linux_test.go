package onnx

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestThread(t *testing.T) {
	one, other := newThread(), newThread()
	defer other.end()
	tid := func(t *thread) (id int) {
		t.do(func() error { id = syscall.Gettid(); return nil })
		return id
	}
	want := tid(one)
	if tid(other) == want {
		t.Error("two threads are one")
	}
	var group sync.WaitGroup
	var at atomic.Int32
	for range 4 {
		group.Go(func() {
			runtime.LockOSThread() // so that the callers are threads of their own
			for range 50 {
				if got := tid(one); got != want || got == syscall.Gettid() {
					t.Errorf("ran on thread %d, want %d", got, want)
				}
				one.do(func() error {
					if at.Add(1) != 1 {
						t.Error("two functions at once")
					}
					at.Add(-1)
					return nil
				})
			}
		})
	}
	group.Wait()
	if err := one.do(func() error { return ErrClosed }); !errors.Is(err, ErrClosed) {
		t.Errorf("error of a function: %v", err)
	}
	one.end()
	var none *thread
	none.end()
	if tid(none) == 0 {
		t.Error("no thread: the function did not run")
	}
}
