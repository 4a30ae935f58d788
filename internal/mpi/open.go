package mpi

import (
	"context"
	"errors"
	"fmt"
	"strconv"
)

// Environment names the variable that says which MPI library is loaded, in place
// of those that the launcher's ranks usually have.
const Environment = "BINAS_MPI"

// Errors of [Open]; what is returned wraps them.
var (
	ErrNoLibrary = errors.New("no MPI library")
	ErrLauncher  = errors.New("the launcher and the MPI library do not fit")
)

// Launcher is what started the ranks, as it says in their environment.
type Launcher struct {
	Name       string
	Rank, Size int // -1 where it does not say
	Libraries  []string
}

// The libraries of the ABIs, by the names that are loaded.
var (
	openMPI  = []string{"libmpi.so.40", "libmpi.so.80"}
	mpich    = []string{"libmpich.so.12", "libmpi.so.12", "libmpi_cray.so.12", "libmpich.so"}
	standard = []string{"libmpi_abi.so.0", "libmpi_abi.so"}
	unnamed  = []string{"libmpi.so"}
)

// launchers are known by a variable that each sets; the first counts.
var launchers = []struct {
	name, size, rank string
	libraries        [][]string
}{
	{"mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", [][]string{openMPI, standard, unnamed}},
	{"mpiexec with PMI", "PMI_SIZE", "PMI_RANK", [][]string{mpich, standard, unnamed}},
	{"srun", "SLURM_STEP_NUM_TASKS", "SLURM_PROCID", [][]string{openMPI, mpich, standard, unnamed}},
	{"a launcher with PMIx", "", "PMIX_RANK", [][]string{openMPI, mpich, standard, unnamed}},
}

// Launched says which launcher started this process as one of several ranks; ok is
// false where none did.
func Launched(getenv func(string) string) (l Launcher, ok bool, err error) {
	for _, k := range launchers {
		known := k.size
		if known == "" {
			known = k.rank
		}
		if getenv(known) == "" {
			continue
		}
		l = Launcher{k.name, -1, -1, nil}
		for name, to := range map[string]*int{k.size: &l.Size, k.rank: &l.Rank} {
			text := ""
			if name != "" {
				text = getenv(name)
			}
			if text == "" {
				continue
			}
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 {
				return l, false, fmt.Errorf("%w: %s is %.40q: expected a whole number", ErrLauncher, name, text)
			}
			*to = n
		}
		if l.Size == 0 || l.Size == 1 {
			return l, false, nil
		}
		for _, names := range k.libraries {
			l.Libraries = append(l.Libraries, names...)
		}
		if name := getenv(Environment); name != "" {
			l.Libraries = []string{name}
		}
		return l, true, nil
	}
	return l, false, nil
}

// World is the ranks of a launcher, through an MPI library.
type World struct {
	ranks
	Launcher Launcher
	Path     string // of the library
	Version  string // as it says itself, one line
	ABI      string // "Open MPI", "MPICH" or "MPI 5"
	plain    func(values []float32) error
}

// joined is a library that is loaded and has been told that there are ranks.
type joined struct {
	carrier
	path, version, abi string
	rank, size         int
	plain              func(values []float32) error // its own sum, in any order
}

// load is nil in a build without cgo, and where libraries are loaded otherwise.
var load func(ctx context.Context, names []string) (joined, error)

// Open joins the ranks of the launcher that started this process: it loads the MPI
// library. Where there is no launcher, or one of a single process, it returns
// [Alone] and loads nothing. It is called once in a process.
//
// Ranks that do not know of each other, since the library is not the launcher's,
// are an error; errors wrap [ErrNoLibrary] and [ErrLauncher].
func Open(ctx context.Context, getenv func(string) string) (Comm, error) {
	l, ok, err := Launched(getenv)
	if err != nil || !ok {
		return Alone(), err
	}
	if load == nil {
		return nil, fmt.Errorf("%w: %s started %s, and this build loads none: it was made without cgo, or for Windows", ErrNoLibrary, l.Name, l.ranks())
	}
	j, err := load(ctx, l.Libraries)
	if err != nil {
		return nil, fmt.Errorf("%s started %s: %w", l.Name, l.ranks(), err)
	}
	if l.Size >= 0 && l.Size != j.size || l.Rank >= 0 && l.Rank != j.rank {
		return nil, fmt.Errorf("%w: %s started rank %d of %s, and %s (%s) says rank %d of %d: %s names the library of the launcher; with srun, --mpi names its kind",
			ErrLauncher, l.Name, l.Rank, l.ranks(), j.path, j.version, j.rank, j.size, Environment)
	}
	return &World{ranks{carrier: j.carrier, rank: j.rank, size: j.size}, l, j.path, j.version, j.abi, j.plain}, nil
}

// ranks is how many there are, in words.
func (l Launcher) ranks() string {
	if l.Size < 0 {
		return "ranks"
	}
	return fmt.Sprintf("%d ranks", l.Size)
}
