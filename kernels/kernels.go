package kernels

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
)

// Environment is the environment variable that chooses a set of kernels, for
// comparisons and tests.
const Environment = "BINAS_KERNELS"

// Set is the kernels for one kind of processor.
type Set string

// The sets.
const (
	Off      Set = "off"      // none: graphs of ordinary operators
	Portable Set = "portable" // vectors of 4 floats: SSE2, NEON
	AVX2     Set = "avx2"     // of 8, with FMA
	AVX512   Set = "avx512"   // of 16
)

// sets are numbered as in operators.c, the fastest last.
var sets = []Set{Portable, AVX2, AVX512}

// ErrUnavailable is wrapped by all errors of this package.
var ErrUnavailable = errors.New("kernels cannot be used")

// Domain is the domain of a set's operators in a graph.
func (s Set) Domain() string { return "binas." + string(s) }

// Available lists the sets that this build and this processor can run, the
// fastest last. A build without cgo has none.
func Available() []Set {
	var out []Set
	for i, s := range sets {
		if supported(i) {
			out = append(out, s)
		}
	}
	return out
}

// Choose is the set that [Environment] names, else the fastest. Off is an answer;
// a name that is no set, or a set that this machine cannot run, is an error that
// wraps ErrUnavailable.
func Choose() (Set, error) {
	available := Available()
	name := Set(os.Getenv(Environment))
	switch {
	case name == Off, name == "" && len(available) == 0:
		return Off, nil
	case name == "":
		return available[len(available)-1], nil
	case !slices.Contains(sets, name):
		return Off, fmt.Errorf("%w: %s is %.40q: expected %s", ErrUnavailable, Environment, string(name), list(append([]Set{Off}, sets...)))
	case !slices.Contains(available, name):
		return Off, fmt.Errorf("%w: %s is %s, and this machine runs %s", ErrUnavailable, Environment, name, list(append([]Set{Off}, available...)))
	}
	return name, nil
}

func list(sets []Set) string {
	var names []string
	for _, s := range sets {
		names = append(names, string(s))
	}
	return strings.Join(names, ", ")
}
