package tui

import (
	"context"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/job"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
)

// services are what the explorer asks of the machine; tests replace them.
type services struct {
	table   func(context.Context, explore.Measuring, *job.Job) (explore.MeasuredTable, error)
	network func(ctx context.Context, m explore.Measuring, arch model.Architecture, predictedMS float64, j *job.Job) (explore.MeasuredNetwork, error)
	verify  func(ctx context.Context, m explore.Measuring, name string, lut *latency.LUT, networks int, j *job.Job) (explore.VerifiedTable, error)
	keep    func(ctx context.Context, library string, s explore.Setup, r explore.OnDevice) (explore.Kept, error)
	library func(flag string) (onnx.Library, error)
	hosts   func() []string // to measure on over ssh
	install func(context.Context, *job.Job) (onnx.Library, error)
	method  func(context.Context, steps.Task, *job.Job) (any, error)
	example func(ctx context.Context, name string, j *job.Job) (string, error)
	plan    func(steps.Task) (steps.Plan, error)

	estimate func(context.Context, steps.Task, *job.Job) (steps.Estimate, error)

	runs  func() []string
	found func(runs ...string) steps.Found

	missingExample func(steps.Task) string

	copy func(text, what string) tea.Cmd      // to the clipboard
	tick func(time.Duration, tea.Msg) tea.Cmd // the message, later
}

func machineServices() services {
	return services{
		copy: copyText,
		tick: func(d time.Duration, msg tea.Msg) tea.Cmd {
			return tea.Tick(d, func(time.Time) tea.Msg { return msg })
		},
		table:   explore.MeasureTable,
		keep:    keepOnMachine,
		plan:    steps.Task.Plan,
		example: steps.MakeExample,

		estimate: steps.EstimateOf,

		runs:  steps.Runs,
		found: steps.Find,

		missingExample: steps.MissingExample,
		method:         func(ctx context.Context, t steps.Task, j *job.Job) (any, error) { return t.Work(ctx, j) },
		network:        explore.MeasureNetwork,
		verify:         explore.VerifyTable,
		hosts:          explore.Hosts,
		library: func(flag string) (onnx.Library, error) {
			lib, _, err := onnx.Find(flag)
			return lib, err
		},
		install: func(ctx context.Context, j *job.Job) (onnx.Library, error) {
			return onnx.Install(ctx, func(done, total int64) { j.Progress(int(done>>10), int(total>>10), 0, "downloading") })
		},
	}
}
