//go:build linux

package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/datatest"
)

// mpis are those of Debian, which may stand side by side.
var mpis = []string{"mpirun.openmpi", "mpirun.mpich"}

func run(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd.Args, err, out)
	}
}

// trainings are those of the tests: of four micro-batches, 10 steps an epoch, on 80
// images of 16 pixels.
type trainings struct {
	data, lib string
	one       string // folder of what one process has trained
}

// args are a stage's command, which trains in a folder.
func (c trainings) args(stage, folder string, epochs int) []string {
	args := map[string][]string{
		"heaviest": {"train", "--stage", "heaviest"},
		"oneshot":  {"train", "--stage", "oneshot", "--paths", "2", "--reorder-batches", "2", "--teacher", filepath.Join(c.one, "heaviest.safetensors")},
		"finetune": {"finetune", "--run", c.one, "--arch", "binas-a"},
	}[stage]
	return append(args, "--out", folder, "--data", c.data, "--onnxruntime", c.lib, "--threads", "1", "--workers", "1", "--batch-size", "8", "--micro-batches", "4",
		"--epochs", fmt.Sprint(epochs), "--train-percent", "100", "--augment", "none", "--validation", "8", "--log-interval", "1")
}

// same compares what a stage ended with in two folders.
func same(t *testing.T, what, stage, a, b string) {
	t.Helper()
	weights := stage
	if stage == "finetune" {
		weights = "finetuned"
	}
	for _, name := range []string{stage + ".state", weights + ".safetensors"} {
		x, err := os.ReadFile(filepath.Join(a, name))
		if err != nil {
			t.Fatal(err)
		}
		y, err := os.ReadFile(filepath.Join(b, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(x, y) {
			t.Errorf("%s: %s differs from that of one process", what, name)
		}
	}
}

// Ranks change nothing in what a training ends with, whichever MPI carries them, nor
// does it that one is killed.
func TestTrainingOverRanks(t *testing.T) {
	if testing.Short() {
		t.Skip("trains")
	}
	c := trainings{lib: library(t), one: t.TempDir()}
	c.data, _ = datatest.Twins(t, 16, 4, 80, 16)
	tuned := filepath.Join(c.one, "tuned")
	for _, stage := range []string{"heaviest", "oneshot"} {
		run(t, exec.Command(binary, c.args(stage, c.one, 2)...))
	}
	run(t, exec.Command(binary, c.args("finetune", tuned, 2)...))
	for _, r := range []struct {
		stage, mpirun string
		n             int
		one           string
	}{
		{"heaviest", "mpirun.openmpi", 4, c.one},
		{"oneshot", "mpirun.mpich", 4, c.one}, {"finetune", "mpirun.openmpi", 2, tuned},
	} {
		folder := t.TempDir()
		run(t, ranks(t, r.mpirun, r.n, c.args(r.stage, folder, 2)...))
		same(t, fmt.Sprintf("%s over %d ranks of %s", r.stage, r.n, r.mpirun), r.stage, r.one, folder)
	}
	times := 2
	if n, err := strconv.Atoi(os.Getenv(kills)); err == nil {
		times = n
	}
	c.killed(t, times)
}

// kills is a variable that says how often a rank is killed.
const kills = "BINAS_TEST_KILLS"

// killed kills a rank, any, again and again; the same command goes on with another
// number of ranks, and in the end with none.
func (c trainings) killed(t *testing.T, times int) {
	one, folder, epochs := c.one, t.TempDir(), max(2, times)
	if epochs > 2 {
		one = t.TempDir()
		run(t, exec.Command(binary, c.args("heaviest", one, epochs)...))
	}
	rng := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	for i := range times {
		mpirun, n := mpis[i%len(mpis)], []int{2, 4}[rng.IntN(2)]
		cmd := ranks(t, mpirun, n, append(c.args("heaviest", folder, epochs), "--checkpoint-every", "1s")...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		before := size(folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		victim, rank := 0, rng.IntN(n)
		for deadline := time.Now().Add(5 * time.Minute); victim == 0; {
			select {
			case err := <-ended:
				t.Fatalf("%s ended before a rank was killed: %v\n%s", mpirun, err, out.String())
			case <-time.After(time.Until(deadline)):
				t.Fatal("no steps")
			case <-time.After(10 * time.Millisecond):
			}
			if size(folder) > before { // it has done steps
				time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
				victim = processOf(rank, folder)
			}
		}
		process, err := os.FindProcess(victim)
		if err == nil {
			err = process.Kill()
		}
		if err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case err = <-ended:
		case <-time.After(5 * time.Minute):
			t.Fatalf("%s goes on without a rank that was killed", mpirun)
		}
		t.Logf("rank %d of %d of %s was killed: %v", rank, n, mpirun, err)
	}
	run(t, exec.Command(binary, c.args("heaviest", folder, epochs)...))
	same(t, fmt.Sprint("after ", times, " kills"), "heaviest", one, folder)
}

// size is how much a training has written of metrics.
func size(folder string) int64 {
	info, err := os.Stat(filepath.Join(folder, "metrics.jsonl"))
	if err != nil {
		return 0
	}
	return info.Size()
}

// processOf is the process of a rank that trains in a folder; 0 where there is none.
func processOf(rank int, folder string) int {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		args, _ := os.ReadFile(filepath.Join(dir, "cmdline"))
		env, _ := os.ReadFile(filepath.Join(dir, "environ"))
		own := strings.Split(string(env), "\x00")
		for _, name := range []string{"OMPI_COMM_WORLD_RANK", "PMI_RANK"} {
			for _, v := range own {
				if v == fmt.Sprint(name, "=", rank) && bytes.Contains(args, []byte(folder)) && bytes.HasPrefix(args, []byte(binary)) {
					pid, _ := strconv.Atoi(filepath.Base(dir))
					return pid
				}
			}
		}
	}
	return 0
}
