package mpi

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// asRank names what a process of this test that mpirun starts does.
const asRank = "BINAS_MPI_TEST"

func TestMain(m *testing.M) {
	what := os.Getenv(asRank)
	if what == "" {
		os.Exit(m.Run())
	}
	if err := rankMain(what); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// launch runs this test's process as ranks.
func launch(t testing.TB, mpirun, what string, ranks int, env ...string) (string, error) {
	t.Helper()
	args := []string{"-np", fmt.Sprint(ranks)}
	if strings.HasSuffix(mpirun, "openmpi") {
		args = append(args, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none")
	}
	cmd := exec.Command(mpirun, append(args, os.Args[0])...)
	cmd.Env = append(append(os.Environ(), asRank+"="+what), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// launchers are those of Debian, side by side.
var testLaunchers = []string{"mpirun.openmpi", "mpirun.mpich"}

func rankMain(what string) error {
	ctx := context.Background()
	c, err := Open(ctx, os.Getenv)
	if err != nil {
		return err
	}
	defer c.Finalize(ctx)
	switch what {
	case "all":
		return everything(ctx, c.(*World))
	case "missing":
		if c.Rank() == 1 {
			time.Sleep(time.Hour)
		}
		ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err := c.Sum(ctx, make([]float32, 10))
		fmt.Println(err)
		c.Abort(7)
	case "speed":
		return speed(ctx, c.(*World))
	}
	return nil
}

// everything compares each operation with what it must give.
func everything(ctx context.Context, w *World) error {
	const length = sumPiece + 77
	want := balanced(vectors(w.Size(), length))
	got := vectors(w.Size(), length)[w.Rank()]
	if err := w.Sum(ctx, got); err != nil {
		return err
	}
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			return fmt.Errorf("value %d: %v, expected %v", i, got[i], want[i])
		}
	}
	said, err := w.Broadcast(ctx, []byte(fmt.Sprint("rank ", w.Rank())))
	if err != nil || string(said) != "rank 0" {
		return fmt.Errorf("broadcast %q, %v", said, err)
	}
	all, err := w.Gather(ctx, slices.Repeat([]byte{'x'}, w.Rank()))
	if err != nil || len(all) != w.Size() || len(all[1]) != 1 {
		return fmt.Errorf("gather %q, %v", all, err)
	}
	if w.Rank() == 0 {
		fmt.Printf("%d ranks of %s, %s, ABI %s\n", w.Size(), w.Launcher.Name, w.Version, w.ABI)
	}
	return w.Barrier(ctx)
}

func TestRanksOfMPI(t *testing.T) {
	for _, mpirun := range testLaunchers {
		needed.Program(t, mpirun)
		for _, ranks := range []int{2, 4} {
			out, err := launch(t, mpirun, "all", ranks)
			if err != nil || !strings.Contains(out, fmt.Sprintf("%d ranks of ", ranks)) {
				t.Errorf("%s, %d ranks: %v\n%s", mpirun, ranks, err, out)
			}
			t.Log(strings.TrimSpace(out))
		}
	}
}

func TestAnotherLibraryThanTheLaunchers(t *testing.T) {
	needed.Program(t, "mpirun.openmpi")
	needed.Program(t, "mpirun.mpich")
	out, err := launch(t, "mpirun.mpich", "all", 2, Environment+"=libmpi.so.40")
	if err == nil || !strings.Contains(out, ErrLauncher.Error()) {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = launch(t, "mpirun.mpich", "all", 2, Environment+"=libnone.so")
	if err == nil || !strings.Contains(out, "looked for libnone.so (cannot open") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = launch(t, "mpirun.mpich", "all", 2, Environment+"=libm.so.6")
	if err == nil || !strings.Contains(out, "libm.so.6 has no MPI_Init_thread") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestARankThatDoesNotAnswer(t *testing.T) {
	for _, mpirun := range testLaunchers {
		needed.Program(t, mpirun)
		out, err := launch(t, mpirun, "missing", 2)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(out, "sum: "+context.DeadlineExceeded.Error()) {
			t.Errorf("%s: %v\n%s", mpirun, err, out)
		}
	}
}

// speed prints how long sums take, ordered and as the library likes.
func speed(ctx context.Context, w *World) error {
	values := make([]float32, 10_000_000)
	median := func(sum func() error) (float64, error) {
		var ms []float64
		for range 9 {
			if err := w.Barrier(ctx); err != nil {
				return 0, err
			}
			start := time.Now()
			if err := sum(); err != nil {
				return 0, err
			}
			ms = append(ms, time.Since(start).Seconds()*1e3)
		}
		slices.Sort(ms)
		return ms[len(ms)/2], nil
	}
	ordered, err := median(func() error { return w.Sum(ctx, values) })
	if err != nil {
		return err
	}
	plain, err := median(func() error { return w.plain(values) })
	if err == nil && w.Rank() == 0 {
		fmt.Printf("ordered %.3f plain %.3f\n", ordered, plain)
	}
	return err
}

// BenchmarkAllReduce sums 40 MB over 2 ranks, in the order of the tree and as the
// library likes.
func BenchmarkAllReduce(b *testing.B) {
	for _, mpirun := range testLaunchers {
		b.Run(mpirun, func(b *testing.B) {
			needed.Program(b, mpirun)
			var ordered, plain float64
			for range b.N {
				out, err := launch(b, mpirun, "speed", 2)
				if n, _ := fmt.Sscanf(out, "ordered %f plain %f", &ordered, &plain); err != nil || n != 2 {
					b.Fatalf("%v\n%s", err, out)
				}
			}
			b.ReportMetric(ordered, "ordered-ms")
			b.ReportMetric(plain, "plain-ms")
			b.ReportMetric(ordered/plain, "ordered/plain")
		})
	}
}
