package onnx

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/adrg/xdg"
)

// EnvLibrary is the environment variable that names the ONNX Runtime library.
// EnvPushed names where one is that another machine has pushed here, if it has.
const (
	EnvLibrary = "BINAS_ONNXRUNTIME"
	EnvPushed  = "BINAS_ONNXRUNTIME_PUSHED"
)

// LibraryVersion is the version of ONNX Runtime that [Install] fetches.
// OldestVersion is the oldest that works: the Go binding asks for C API 24.
const (
	LibraryVersion = "1.27.0"
	OldestVersion  = "1.24"
)

// Errors about the library.
var (
	ErrNoLibrary      = errors.New("ONNX Runtime was not found")
	ErrNoCUDALibrary  = fmt.Errorf("%w with a CUDA provider", ErrNoLibrary)
	ErrTooOld         = errors.New("ONNX Runtime is older than " + OldestVersion)
	ErrNotONNXRuntime = errors.New("not a usable ONNX Runtime library")
)

// ErrNoCgo says that this build can use no library; see [CanRun]. It is an
// ErrNoLibrary that no library can mend.
var ErrNoCgo error = noCgo{}

type noCgo struct{}

func (noCgo) Error() string {
	return "built without cgo: to measure, train or validate, build it with CGO_ENABLED=1 and a C compiler"
}

func (noCgo) Is(target error) bool { return target == ErrNoLibrary }

// Library is a shared library of ONNX Runtime.
type Library struct {
	Path    string
	Place   string // where it was found, in words: one of the places of Tried
	Version string // known once it is loaded
}

// Tried is one place that [Find] looked at.
type Tried struct {
	Place string
	Path  string // empty: the place is not set
	Found bool
}

// Find looks for the library, in this order, and takes the first file there is:
//
//  1. flag, the value of --onnxruntime (a file or the folder it is in)
//  2. the environment variable BINAS_ONNXRUNTIME, likewise; what was pushed for
//     the processor, by [EnvPushed], stands before it
//  3. the folder of the executable
//  4. the user's data folder, where [Install] puts it; what was pushed for another
//     target stands behind it
//  5. the system's library folders: those of LD_LIBRARY_PATH whose paths are
//     absolute, then the usual ones
//
// A flag or variable that names nothing is an error rather than a reason to
// look further. Find does not load the library. Tried lists the places looked
// at, the last one being that of the result. The error wraps ErrNoLibrary; a
// build that can use no library looks nowhere.
func Find(flag string) (Library, []Tried, error) { return FindFor(flag, CPU) }

// FindFor is Find for a target. For cuda a library counts, but for one that flag or
// variable names, where its CUDA provider is beside it; that of [InstallCUDA] comes
// first in the user's data.
func FindFor(flag string, t Target) (Library, []Tried, error) {
	if !CanRun() {
		return Library{}, nil, ErrNoCgo
	}
	return locate(flag, t)
}

func locate(flag string, t Target) (Library, []Tried, error) {
	var tried []Tried
	k, pushed := t.Kind(), os.Getenv(EnvPushed)
	nvidia, given := k == CUDA || k == TensorRT, true
	look := func(place, path string) bool {
		path = inFolder(path)
		if absolute, err := filepath.Abs(path); err == nil && path != "" {
			path = absolute // the system's loader looks for a bare name elsewhere
		}
		info, err := os.Stat(path)
		found := path != "" && err == nil && info.Mode().IsRegular()
		if nvidia && !given {
			found = found && exists(filepath.Join(filepath.Dir(path), cudaProvider))
		}
		tried = append(tried, Tried{place, path, found})
		return found
	}
	for _, named := range []struct{ place, path string }{
		{"--onnxruntime", flag}, {EnvLibrary, os.Getenv(EnvLibrary)},
	} {
		if k == CPU && named.place == EnvLibrary && pushed != "" && look("pushed", pushed) {
			return found(tried), tried, nil
		}
		if look(named.place, named.path) {
			return found(tried), tried, nil
		}
		if named.path != "" {
			return Library{}, tried, fmt.Errorf("%w: %s names %s: no such file, nor a folder with %s in it", ErrNoLibrary, named.place, named.path, libraryNames()[0])
		}
	}
	given = false
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		if look("next to the program", filepath.Dir(exe)) {
			return found(tried), tried, nil
		}
	}
	if nvidia && look("user data", CUDAInstallPath()) || look("user data", InstallPath()) {
		return found(tried), tried, nil
	}
	if k != CPU && pushed != "" && look("pushed", pushed) {
		return found(tried), tried, nil
	}
	for _, folder := range systemFolders() {
		for _, name := range libraryNames() {
			if look("system", filepath.Join(folder, name)) {
				return found(tried), tried, nil
			}
		}
	}
	none := ErrNoLibrary
	if nvidia {
		none = ErrNoCUDALibrary
	}
	return Library{}, tried, fmt.Errorf("%w: looked at %s, next to the program, in %s and in the system's library folders",
		none, EnvLibrary, filepath.Dir(InstallPath()))
}

func found(tried []Tried) Library {
	last := tried[len(tried)-1]
	return Library{Path: last.Path, Place: last.Place}
}

// inFolder returns the library inside path if path is a folder, else path.
func inFolder(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return path
	}
	for _, name := range libraryNames() {
		if file := filepath.Join(path, name); exists(file) {
			return file
		}
	}
	return filepath.Join(path, libraryNames()[0])
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// libraryNames are the file names the library goes by, the usual one first.
func libraryNames() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"libonnxruntime.dylib", "libonnxruntime.1.dylib", "libonnxruntime." + LibraryVersion + ".dylib"}
	case "windows":
		return []string{"onnxruntime.dll"}
	}
	return []string{"libonnxruntime.so", "libonnxruntime.so.1", "libonnxruntime.so." + LibraryVersion}
}

func systemFolders() []string {
	switch runtime.GOOS {
	case "darwin":
		return []string{"/opt/homebrew/lib", "/usr/local/lib"}
	case "windows":
		return nil // System32 may hold the one of Windows ML, which is too old
	}
	var folders []string
	for _, folder := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		// An empty or relative element is the folder the user happens to be in,
		// where others may have put a library.
		if filepath.IsAbs(folder) {
			folders = append(folders, folder)
		}
	}
	triple := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[runtime.GOARCH]
	return append(folders, "/usr/local/lib", "/usr/lib64", filepath.Join("/usr/lib", triple), "/usr/lib")
}

// InstallPath is where [Install] puts the library: binas-tui/onnxruntime/VERSION
// in the user's data folder ($XDG_DATA_HOME).
func InstallPath() string { return InstallPathFor(platform) }

// InstallPathFor is where [InstallFor] puts the library of a platform: that of another
// one in a folder of its name.
func InstallPathFor(other string) string {
	folder := filepath.Join(xdg.DataHome, "binas-tui", "onnxruntime", LibraryVersion)
	if other != platform {
		return filepath.Join(folder, strings.ReplaceAll(other, "/", "-"), filepath.Base(libraries[other].path))
	}
	names := libraryNames()
	return filepath.Join(folder, names[min(1, len(names)-1)])
}

var loading struct {
	sync.Mutex
	library Library
}

// Load opens the library for the whole process. It may be called again: the
// same library is a no-op, another one an error, because ONNX Runtime can be
// loaded once only. Those at [InstallPath] and [CUDAInstallPath] must be what was put
// there.
// Errors wrap ErrNoLibrary, ErrChecksum, ErrTooOld or ErrNotONNXRuntime, and leave
// the process free to try another.
func Load(lib Library) (Library, error) {
	if !CanRun() {
		return Library{}, ErrNoCgo
	}
	loading.Lock()
	defer loading.Unlock()
	if have := loading.library; have.Path != "" {
		if have.Path != lib.Path {
			return have, fmt.Errorf("load %s: ONNX Runtime %s from %s is loaded already", lib.Path, have.Version, have.Path)
		}
		return have, nil
	}
	if _, err := os.Stat(lib.Path); err != nil {
		return Library{}, fmt.Errorf("load ONNX Runtime: %w: %w", ErrNoLibrary, err)
	}
	var changed error
	what := ""
	switch lib.Path {
	case InstallPath():
		changed = checkSum(lib.Path, libraries[platform].sha256)
	case CUDAInstallPath():
		changed, what = cudaWheel.check(filepath.Dir(lib.Path)), " cuda"
	}
	if changed != nil {
		return Library{}, fmt.Errorf("load %s: %w: reinstall it (binas-tui doctor --install-onnxruntime%s), or name another with --onnxruntime", lib.Path, changed, what)
	}
	version, err := bound.load(lib.Path)
	if err != nil {
		return Library{}, fmt.Errorf("load %s: %w", lib.Path, err)
	}
	lib.Version = version
	loading.library = lib
	return lib, nil
}

// Open finds the library and loads it, unless one is loaded already.
func Open(flag string) (Library, error) { return OpenFor(flag, CPU) }

// OpenFor is Open for a target. Whether that can be used is for [Target.Check] to say;
// where the library with CUDA is missing, as is the driver, CUDA or cuDNN, the error is
// about those and wraps [ErrTargetUnavailable], as does that of a library which is
// loaded and lacks the target where another has it.
func OpenFor(flag string, t Target) (Library, error) {
	lib, _, err := FindFor(flag, t)
	if have, ok := Loaded(); ok {
		if _, lacks := have.Files(t); lacks != nil && err == nil && lib.Path != have.Path {
			return have, fmt.Errorf("%w: ONNX Runtime is loaded from %s, without %s, and a process loads one: start the program again and use %[3]s in it first, with that from %s", ErrTargetUnavailable, have.Path, t, lib.Path)
		}
		return have, nil
	}
	if errors.Is(err, ErrNoCUDALibrary) { // which is large, and of no use without these
		if missing := CUDAOfInstall(context.Background()).missing(t); missing != nil {
			err = missing
		}
	}
	if err != nil {
		return Library{}, err
	}
	return Load(lib)
}

// Loaded returns the library in use, if there is one.
func Loaded() (Library, bool) {
	loading.Lock()
	defer loading.Unlock()
	return loading.library, loading.library.Path != ""
}
