package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/latency"
)

// serveDeviceCommand is the end of a measurement over ssh that has the device.
func (a *app) serveDeviceCommand() *cobra.Command {
	return &cobra.Command{
		Use:    latency.ServeCommand,
		Short:  "Answer the requests of a measurement on another machine",
		Hidden: true,
		Args:   noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return latency.Serve(cmd.Context(), a.In, a.Out, func(ctx context.Context, o latency.DeviceOptions) (latency.Device, error) {
				if err := latency.LockDevice(); err != nil {
					return nil, err
				}
				return latency.OpenDevice(ctx, o)
			})
		},
	}
}
