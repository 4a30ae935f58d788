package cli

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/binas-tui/binas-tui/explore"
	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/supernet/dataset"
)

// Ranks end with one exit code, whichever of them has failed.
func TestRanksEndWithOneExitCode(t *testing.T) {
	for err, want := range map[error]int{
		dataset.ErrUnreadable: exitUsage, explore.ErrUnreadable: exitUsage, context.Canceled: exitFailed, fmt.Errorf("disk full"): exitFailed,
	} {
		var wait sync.WaitGroup
		for _, c := range mpi.Group(2) {
			wait.Go(func() {
				var own error
				if c.Rank() == 1 {
					own = fmt.Errorf("images: %w", err)
				}
				_, agreed := mpi.Agree(t.Context(), c, nil, own)
				if agreed == nil || exitCode(agreed) != want {
					t.Errorf("rank 1 failed with %v: rank %d ends with %d (%v), want %d", err, c.Rank(), exitCode(agreed), agreed, want)
				}
			})
		}
		wait.Wait()
	}
}
