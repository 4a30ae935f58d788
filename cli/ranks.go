package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/binas-tui/binas-tui/internal/mpi"
)

// forRanks are the commands that the ranks of a launcher, such as mpirun, do
// together.
var forRanks = []string{"train", "finetune", "sample", "contribute", "validate", "pipeline"}

// noRank are commands that each rank may do for itself.
var noRank = []string{"help", "version", "doctor"}

// follows reports whether this process is a rank of a launcher that works for rank 0,
// which alone prints.
func follows(getenv func(string) string) bool {
	l, ok, err := mpi.Launched(getenv)
	return err == nil && ok && l.Rank > 0
}

// join joins the ranks of the launcher that started this process, if one did. A
// command that is not made for them is refused.
func (a *app) join(cmd *cobra.Command) error {
	name := called(cmd)
	if !cmd.HasParent() {
		name = "the explorer"
	}
	if slices.Contains(noRank, name) {
		return nil
	}
	l, ok, err := mpi.Launched(os.Getenv)
	switch {
	case err != nil:
		return usageError{err}
	case !ok:
		return nil
	case !slices.Contains(forRanks, name):
		return usagef("%s is one process, and %s started several: start it without (%s may be several)", name, l.Name, strings.Join(forRanks, ", "))
	}
	if a.ranks, err = mpi.Open(cmd.Context(), os.Getenv); err != nil {
		return usageError{err}
	}
	return nil
}

// partingAfter is how long ranks that have ended wait for the others.
const partingAfter = time.Minute

// part ends what ranks have in common, after a command that ended with err on this
// one: all end with an error where one has, which rank 0 says. Where the others cannot
// be told any more, this one says its own and ends them.
func (a *app) part(ctx context.Context, err error) error {
	if a.ranks == nil || a.ranks.Size() == 1 {
		return err
	}
	soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), partingAfter)
	defer cancel()
	_, agreed := mpi.Agree(soon, a.ranks, nil, err)
	if agreed == nil || mpi.Agreed(agreed) {
		if finalizeErr := a.ranks.Finalize(soon); agreed == nil {
			agreed = finalizeErr
		}
		return agreed
	}
	code := exitInterrupted
	if !errors.Is(err, errEnded) { // else that was said
		code = exitCode(agreed)
		fmt.Fprintf(os.Stderr, "binas-tui: rank %d of %d: %s\n", a.ranks.Rank(), a.ranks.Size(), errorLine(agreed))
	}
	a.out.Flush()
	a.ranks.Abort(code)
	return agreed
}
