package mpi

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync"
	"testing"
)

// together calls each rank of a group in a goroutine of its own.
func together(size int, do func(c Comm)) {
	var wait sync.WaitGroup
	for _, c := range Group(size) {
		wait.Go(func() { do(c) })
	}
	wait.Wait()
}

func TestAgree(t *testing.T) {
	together(3, func(c Comm) {
		all, err := Agree(t.Context(), c, []byte{byte('a' + c.Rank())}, nil)
		if err != nil || string(all[0])+string(all[1])+string(all[2]) != "abc" {
			t.Errorf("rank %d: %q, %v", c.Rank(), all, err)
		}
		var own error
		if c.Rank() > 0 {
			own = fs.ErrNotExist
		}
		_, err = Agree(t.Context(), c, nil, own)
		if !Agreed(err) || errors.Is(err, fs.ErrNotExist) != (c.Rank() > 0) || c.Rank() == 0 && !strings.Contains(err.Error(), "rank 1: file does not exist") {
			t.Errorf("rank %d: %v", c.Rank(), err)
		}
		if _, again := Agree(t.Context(), c, nil, err); again != err {
			t.Errorf("rank %d: what was agreed on is %v again", c.Rank(), again)
		}
	})
	together(3, func(c Comm) {
		ctx, cancel := context.WithCancel(t.Context())
		if c.Rank() == 2 {
			cancel()
		}
		defer cancel()
		if _, err := Agree(ctx, c, nil, nil); !Agreed(err) || !errors.Is(err, context.Canceled) {
			t.Errorf("rank %d, as rank 2 was ended: %v", c.Rank(), err)
		}
	})
}
