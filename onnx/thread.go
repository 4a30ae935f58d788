package onnx

import "runtime"

// thread runs functions one after the other on one thread of the system. A session of
// a card is made, run and freed on its own: for every thread that a session runs on, ONNX
// Runtime's CUDA provider keeps a stream, handles of cuBLAS and cuDNN and their memory
// until the session is freed, and goroutines move from thread to thread. (Seen as memory
// that grows to 1.4 GB a graph where 16 processors trained on a card; the library's issue
// 29351 says the same of version 1.26.)
//
// A nil thread runs functions where they are called.
type thread struct {
	work chan func()
}

func newThread() *thread {
	t := &thread{make(chan func())}
	go func() {
		runtime.LockOSThread() // until the goroutine ends, and with it the thread
		for f := range t.work {
			f()
		}
	}()
	return t
}

// do returns what f returns, which the thread runs after those that wait already.
func (t *thread) do(f func() error) error {
	if t == nil {
		return f()
	}
	done := make(chan error)
	t.work <- func() { done <- f() }
	return <-done
}

// end ends the thread; nothing may be done on it afterwards.
func (t *thread) end() {
	if t != nil {
		close(t.work)
	}
}
