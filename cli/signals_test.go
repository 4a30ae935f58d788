//go:build unix

package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

func TestWatchSignals(t *testing.T) {
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143, syscall.SIGHUP: 129, syscall.SIGQUIT: 131, syscall.SIGABRT: 134} {
		if signal.Ignored(sig) {
			continue // as under nohup: the process is not to be ended by it
		}
		ctx, caught := watchSignals(context.Background())
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got := caught(); got != sig || signalCode(got) != code {
			t.Errorf("caught %v, exit code %d, want %v and %d", got, signalCode(got), sig, code)
		}
	}
	ctx, caught := watchSignals(context.Background())
	if ctx.Err() != nil || caught() != nil || ctx.Err() == nil {
		t.Error("without a signal the context must end with the watch, and no signal be reported")
	}
}
