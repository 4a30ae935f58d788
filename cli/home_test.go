package cli

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/devicetest"
	"github.com/binas-tui/binas-tui/internal/hometest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == latency.ServeCommand { // pushed to the host of a test
		if err := serveSimulated(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	if len(os.Args) == 2 && os.Args[1] == "doctor" { // likewise
		os.Exit(Main(os.Args[1:], StandardStreams()))
	}
	os.Exit(hometest.Run(m))
}

// serveSimulated is the command at the other end, with a device of known costs that
// takes a little time.
func serveSimulated() error {
	return latency.Serve(context.Background(), os.Stdin, os.Stdout, func(ctx context.Context, o latency.DeviceOptions) (latency.Device, error) {
		if err := latency.LockDevice(); err != nil {
			return nil, err
		}
		if o.Target != string(onnx.CPU) {
			return latency.OpenDevice(ctx, o)
		}
		space, err := model.NewSpace(model.MobileNASNet, 32)
		if err != nil {
			return nil, err
		}
		d := devicetest.New(space, 1)
		d.OnRun = func() {
			if d.Runs%20 == 0 {
				time.Sleep(2 * time.Millisecond)
			}
		}
		return d, nil
	})
}
