package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// watchSignals returns a context that ends with the first interrupt, SIGTERM,
// SIGHUP, SIGQUIT or SIGABRT. A second signal ends the process at once, as if
// nothing were watching: a second SIGQUIT prints where it was. caught stops watching and returns the signal, nil if none came.
func watchSignals(parent context.Context) (ctx context.Context, caught func() os.Signal) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 4)
	for _, s := range []os.Signal{os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGABRT} {
		if !signal.Ignored(s) { // as under nohup
			signal.Notify(signals, s)
		}
	}
	stop := make(chan struct{})
	result := make(chan os.Signal, 1)
	go func() {
		select {
		case s := <-signals:
			signal.Stop(signals)
			cancel()
			result <- s
		case <-stop:
			signal.Stop(signals) // nothing is delivered after it returns
			cancel()             // before the answer, so that it holds when caught returns
			select {
			case s := <-signals:
				result <- s
			default:
				result <- nil
			}
		}
	}()
	return ctx, func() os.Signal {
		close(stop)
		return <-result
	}
}

// signalCode is the exit code that shells give a process ended by a signal.
func signalCode(s os.Signal) int {
	if n, ok := s.(syscall.Signal); ok {
		return exitSignal + int(n)
	}
	return exitFailed
}
