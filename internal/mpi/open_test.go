package mpi

import (
	"context"
	"errors"
	"strings"
	"testing"
)

func TestLaunchers(t *testing.T) {
	for _, c := range []struct {
		env        string
		ok         bool
		rank, size int
		name       string
	}{
		{"", false, 0, 0, ""},
		{"SLURM_NTASKS=8 SLURM_PROCID=0", false, 0, 0, ""}, // a batch script, not one of srun's tasks
		{"OMPI_COMM_WORLD_SIZE=1 OMPI_COMM_WORLD_RANK=0", false, 0, 1, "mpirun of Open MPI"},
		{"OMPI_COMM_WORLD_SIZE=4 OMPI_COMM_WORLD_RANK=3 PMIX_RANK=3", true, 3, 4, "mpirun of Open MPI"},
		{"PMI_SIZE=2 PMI_RANK=1", true, 1, 2, "mpiexec with PMI"},
		{"SLURM_STEP_NUM_TASKS=64 SLURM_PROCID=63 PMIX_RANK=63", true, 63, 64, "srun"},
		{"PMIX_RANK=5", true, 5, -1, "a launcher with PMIx"},
	} {
		l, ok, err := Launched(environment(c.env))
		if err != nil || ok != c.ok || l.Name != c.name || ok && (l.Rank != c.rank || l.Size != c.size || len(l.Libraries) == 0) {
			t.Errorf("%s: %+v, %v, %v", c.env, l, ok, err)
		}
	}
	if _, _, err := Launched(environment("PMI_SIZE=two")); !errors.Is(err, ErrLauncher) {
		t.Errorf("%v", err)
	}
	l, _, _ := Launched(environment("PMI_SIZE=2 PMI_RANK=1 BINAS_MPI=/opt/mpi.so"))
	if len(l.Libraries) != 1 || l.Libraries[0] != "/opt/mpi.so" {
		t.Errorf("%v", l.Libraries)
	}
}

func environment(text string) func(string) string {
	values := map[string]string{}
	for _, f := range strings.Fields(text) {
		name, value, _ := strings.Cut(f, "=")
		values[name] = value
	}
	return func(name string) string { return values[name] }
}

func TestOpen(t *testing.T) {
	defer func(was func(context.Context, []string) (joined, error)) { load = was }(load)
	load = func(context.Context, []string) (joined, error) { t.Error("a library was loaded"); return joined{}, nil }
	if c, err := Open(context.Background(), environment("")); err != nil || c.Size() != 1 || c.Rank() != 0 {
		t.Errorf("%v, %v", c, err)
	}
	load = func(context.Context, []string) (joined, error) {
		return joined{path: "libmpi.so.40", version: "Open MPI v4", rank: 0, size: 1}, nil
	}
	for _, env := range []string{"PMI_SIZE=2 PMI_RANK=0", "PMIX_RANK=1"} {
		_, err := Open(context.Background(), environment(env))
		if !errors.Is(err, ErrLauncher) || !strings.Contains(err.Error(), "libmpi.so.40 (Open MPI v4) says rank 0 of 1") {
			t.Errorf("%s: %v", env, err)
		}
	}
	load = nil
	if _, err := Open(context.Background(), environment("PMI_SIZE=2 PMI_RANK=0")); !errors.Is(err, ErrNoLibrary) {
		t.Errorf("%v", err)
	}
}
