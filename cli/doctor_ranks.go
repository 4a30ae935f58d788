package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"time"

	"github.com/binas-tui/binas-tui/internal/mpi"
	"github.com/binas-tui/binas-tui/internal/phrase"
)

// doctorWaits is how long doctor waits for the other ranks.
const doctorWaits = time.Minute

// doctorRanks says which launcher started this process as one of several, which MPI
// library carries them, and what each may use. Every rank calls it.
func doctorRanks(ctx context.Context, w io.Writer) {
	section(w, "Ranks (to train and sample on several machines; not needed on one)")
	l, ok, err := mpi.Launched(os.Getenv)
	if err == nil && !ok {
		line(w, "launcher", "none: one process")
		for _, name := range []string{"mpirun", "srun"} {
			path, err := exec.LookPath(name)
			if err != nil {
				path = "not found"
			}
			line(w, name, path)
		}
		return
	}
	if err == nil {
		line(w, "launcher", l.Name)
		ctx, cancel := context.WithTimeout(ctx, doctorWaits)
		defer cancel()
		err = doctorWorld(ctx, w)
	}
	if err != nil {
		line(w, "result", err.Error())
	}
}

func doctorWorld(ctx context.Context, w io.Writer) error {
	c, err := mpi.Open(ctx, os.Getenv)
	if err != nil {
		return err
	}
	if world, ok := c.(*mpi.World); ok {
		line(w, "library", world.Path+": "+world.Version)
		line(w, "ABI", world.ABI)
	}
	line(w, "ranks", fmt.Sprint(c.Size()))
	type place struct {
		Host       string
		Processors int
		Cores      int
		Bound      bool
	}
	own := place{Processors: runtime.NumCPU()}
	own.Host, _ = os.Hostname()
	own.Cores, own.Bound = mpi.Bound()
	data, err := json.Marshal(own)
	if err != nil {
		return err
	}
	all, err := c.Gather(ctx, data)
	if err != nil {
		return err
	}
	for rank, data := range all {
		var p place
		if err := json.Unmarshal(data, &p); err != nil {
			return err
		}
		text := fmt.Sprintf("on %s, %s", p.Host, phrase.Count(p.Processors, "processor"))
		if p.Bound {
			text += fmt.Sprintf(": bound to %s, fewer than there are; --bind-to none lets it have all", phrase.Count(p.Cores, "core"))
		}
		line(w, fmt.Sprint("rank ", rank), text)
	}
	return c.Finalize(ctx)
}
