package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/fit"
	"github.com/binas-tui/binas-tui/internal/memory"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/phrase"
	"github.com/binas-tui/binas-tui/internal/safefile"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/onnx"
	"github.com/binas-tui/binas-tui/steps"
	"github.com/binas-tui/binas-tui/supernet"
	"github.com/binas-tui/binas-tui/supernet/dataset"
	"github.com/binas-tui/binas-tui/supernet/evaluation"
	"github.com/binas-tui/binas-tui/supernet/training"
)

// Exit codes that scripts can rely on.
const (
	exitDone    = 0
	exitFailed  = 1
	exitUsage   = 2 // wrong usage or unreadable input
	exitNothing = 3 // no network fits the limit

	exitSignal      = 128            // plus the signal's number
	exitInterrupted = exitSignal + 2 // ended from within, as by an interrupt
)

// errEnded says that an interrupt or another signal ended a command which has
// said how to go on, or the explorer. Others return the context's error.
var errEnded = errors.New("ended")

// errFollowed says that a rank has done its part for rank 0, which has the result.
var errFollowed = errors.New("followed rank 0")

// usageError marks an error as one of the command line.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error {
	return usageError{fmt.Errorf(format, args...)}
}

// usageErrors are those of wrong usage and unreadable input, as [usageError] is.
var usageErrors = []error{
	explore.ErrUnreadable, explore.ErrOptimizer, explore.ErrOnDevice, explore.ErrNoDeviation,
	onnx.ErrKernels, onnx.ErrDeviceMemory, onnx.ErrTensorSize, onnx.ErrTargetUnavailable,
	latency.ErrObservations, latency.ErrDeviceInUse, latency.ErrNoProgram, latency.ErrProtocol,
	ssh.ErrHost,
	fit.ErrSamples, fit.ErrSettings,
	latency.ErrLUTMismatch,
	safefile.ErrOutput, supernet.ErrCheckpoint,
	model.ErrPredictorMismatch,
	dataset.ErrFormat, dataset.ErrClasses, dataset.ErrOptions, dataset.ErrUnreadable, dataset.ErrOtherData,
	evaluation.ErrImages, evaluation.ErrRecords, evaluation.ErrMerge, evaluation.ErrRanks, evaluation.ErrOpenSize,
	onnx.ErrNotModel, onnx.ErrDied,
	memory.ErrTooMuch,
	steps.ErrRequest, steps.ErrSettings, steps.ErrMismatch,
	training.ErrSettings, training.ErrRanks, training.ErrMismatch, training.ErrNoRun, training.ErrState,
}

func init() { mpi.Register(usageErrors...) }

// exitCode classifies an error by what it wraps.
func exitCode(err error) int {
	var usage usageError
	switch {
	case errors.Is(err, explore.ErrNoNetwork):
		return exitNothing
	case errors.As(err, &usage), slices.ContainsFunc(usageErrors, func(is error) bool { return errors.Is(err, is) }):
		return exitUsage
	}
	return exitFailed
}

// noArguments refuses arguments, and names a command that was likely meant.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if !cmd.HasSubCommands() {
		return fmt.Errorf("%s takes no arguments: found %q", called(cmd), args[0])
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = fmt.Sprintf(": did you mean %s?", near[0])
	}
	return fmt.Errorf("%s has no command %q%s", called(cmd), args[0], hint)
}

// flagError shortens the library's words about a value that a flag cannot take.
func flagError(_ *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		return fmt.Errorf("--%s %q: expected %s", invalid.GetFlag().Name, invalid.GetValue(),
			map[string]string{"uint64": "a whole number of at least 0", "int": "a whole number",
				"float64": "a number", "bool": "true or false", "duration": "a time such as 5s"}[invalid.GetFlag().Value.Type()])
	}
	return err
}

// mayBeEmpty annotates a flag to which an empty text means something.
const mayBeEmpty = "may be empty"

// noEmptyFlags refuses a text that was given and is empty: it is a variable of
// a script that was not set, not a wish for the default.
func noEmptyFlags(cmd *cobra.Command) error {
	var err error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if _, may := f.Annotations[mayBeEmpty]; f.Value.Type() == "string" && f.Value.String() == "" && !may && err == nil {
			what, usage := pflag.UnquoteUsage(f)
			err = usagef("--%s is empty: expected %s: %s", f.Name, what, usage)
		}
	})
	return err
}

// called is the name of a command without the program's.
func called(cmd *cobra.Command) string {
	return strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()+" ")
}

func atMost(n int) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > n {
			return fmt.Errorf("%s takes %d %s at most: found %q too", called(cmd), n, phrase.Plural(n, "argument"), args[n])
		}
		return nil
	}
}

// arguments asks for exactly the named arguments.
func arguments(names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s needs %s", called(cmd), names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%s takes %d %s: found %q too", called(cmd), len(names), phrase.Plural(len(names), "argument"), args[len(names)])
		}
		return nil
	}
}
