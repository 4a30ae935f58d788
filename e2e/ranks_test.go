//go:build linux

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/binas-tui/binas-tui/internal/datatest"
	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/model"
	"github.com/binas-tui/binas-tui/supernet"
)

// ranks is a command over as many ranks of an MPI of Debian.
func ranks(t *testing.T, mpirun string, n int, args ...string) *exec.Cmd {
	t.Helper()
	needed.Program(t, mpirun)
	launch := []string{"-np", fmt.Sprint(n)}
	if mpirun == "mpirun.openmpi" {
		launch = append(launch, "--allow-run-as-root", "--oversubscribe", "--bind-to", "none")
	}
	return exec.Command(mpirun, append(append(launch, binary), args...)...)
}

// Samples and predictions are the same bytes from one process, from the ranks of either
// MPI, and from ranks of which one was killed, gone on with by others.
func TestRanksEvaluate(t *testing.T) {
	library(t)
	data, folder := t.TempDir(), t.TempDir()
	datatest.Patches(t, data, "train", 60)
	datatest.Patches(t, data, "t10k", 4)
	space, err := model.NewSpace(model.MobileNASNet, 32)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint := filepath.Join(folder, "supernet.safetensors")
	if err := supernet.Save(checkpoint, supernet.Checkpoint{Weights: supernet.Init{Seed: 1}.Weights(supernet.Layout(space, 4))}); err != nil {
		t.Fatal(err)
	}
	sample := func(file string) []string {
		return []string{"sample", "--checkpoint", checkpoint, "--data", data, "--num", "8", "--threads", "1", "--out", filepath.Join(folder, file)}
	}
	read := func(file string) []byte {
		data, _ := os.ReadFile(filepath.Join(folder, file)) // none is empty
		return data
	}
	if _, errs, code := command(t, sample("one.jsonl")...); code != 0 {
		t.Fatal(errs)
	}
	for _, c := range []struct {
		mpirun string
		n      int
	}{{"mpirun.openmpi", 2}, {"mpirun.mpich", 4}} {
		file := fmt.Sprintf("%s-%d.jsonl", c.mpirun, c.n)
		var out, errs bytes.Buffer
		cmd := ranks(t, c.mpirun, c.n, sample(file)...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		if err := cmd.Run(); err != nil || strings.Count(out.String(), "8 networks on") != 1 {
			t.Errorf("%s: %v\n%s%s", file, err, out.String(), errs.String())
		}
		if !bytes.Equal(read(file), read("one.jsonl")) {
			t.Errorf("%s is another than that of one process:\n%.500s", file, read(file))
		}
	}

	validate := func(file string) []string {
		return []string{"validate", "--arch", space.Architecture(space.HeaviestPath()).String(), "--checkpoint", checkpoint, "--data", data, "--train-percent", "50", "--predictions", filepath.Join(folder, file)}
	}
	figures := func(text string) string {
		text, _, _ = strings.Cut(text, "a second") // whose number depends on the time
		return text[:strings.LastIndexByte(text, ',')+1]
	}
	one, errs, code := command(t, validate("one.predictions")...)
	if code != 0 {
		t.Fatal(errs)
	}
	many, err := ranks(t, "mpirun.mpich", 2, validate("ranks.predictions")...).Output()
	if err != nil || figures(string(many)) != figures(one) || !bytes.Equal(read("ranks.predictions"), read("one.predictions")) || len(read("one.predictions")) < 1000 {
		t.Errorf("validated by two ranks: %v\n%s\nby one process:\n%s", err, many, one)
	}

	cmd := ranks(t, "mpirun.openmpi", 3, sample("killed.jsonl")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for deadline := time.Now().Add(5 * time.Minute); bytes.Count(read("killed.jsonl"), []byte("\n")) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no samples")
		}
	}
	if !killRank(cmd.Process.Pid, 1) {
		t.Log("rank 1 was done before it was killed")
	}
	select {
	case <-ended:
	case <-time.After(5 * time.Minute):
		t.Fatal("the others go on without a rank that was killed")
	}
	if out, err := ranks(t, "mpirun.mpich", 2, sample("killed.jsonl")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !bytes.Equal(read("killed.jsonl"), read("one.jsonl")) {
		t.Error("after rank 1 was killed, the same command ends with another file")
	}
}

// killRank kills the process of a rank that a launcher has started.
func killRank(launcher, rank int) bool {
	folders, _ := filepath.Glob("/proc/[0-9]*")
	for _, folder := range folders {
		environment, _ := os.ReadFile(filepath.Join(folder, "environ"))
		status, _ := os.ReadFile(filepath.Join(folder, "status"))
		if bytes.Contains(environment, fmt.Appendf(nil, "\x00OMPI_COMM_WORLD_RANK=%d\x00", rank)) && bytes.Contains(status, fmt.Appendf(nil, "\nPPid:\t%d\n", launcher)) {
			var pid int
			fmt.Sscan(filepath.Base(folder), &pid)
			process, err := os.FindProcess(pid)
			return err == nil && process.Kill() == nil
		}
	}
	return false
}

// A command that ranks do not do together says so once, and does nothing.
func TestRanksRefused(t *testing.T) {
	for _, args := range [][]string{{"search", "--limit", "5ms"}, {"lut", "measure", "--out", filepath.Join(t.TempDir(), "lut.json")}, nil} {
		var out, errs bytes.Buffer
		cmd := ranks(t, "mpirun.mpich", 2, args...)
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		if text := out.String() + errs.String(); err == nil || strings.Count(text, "binas-tui: ") != 1 || !strings.Contains(text, "is one process, and mpiexec with PMI started several") {
			t.Errorf("%q: %v\n%s", args, err, text)
		}
	}
}
