package cuda

import (
	"context"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Library is a library that another one needs.
type Library struct {
	Name  string // such as libcudart.so.13
	Path  string // where it is; "" where it was not found
	Place string // in words: of the Places
	Other string // where it was not found, one of the same name but of another version or architecture
}

// Place is a kind of folders that libraries are looked for in.
type Place struct {
	Name    string
	Folders []string
}

// machines are what libraries for this program's architecture say in their heads.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// Needs are the libraries of CUDA and cuDNN that a library needs, by what it says
// itself, and refuses one of another architecture. The error wraps [ErrLibraries].
func Needs(path string) ([]string, error) {
	f, err := elf.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %s is no library: %w", ErrLibraries, path, err)
	}
	defer f.Close()
	if want := machines[runtime.GOARCH]; f.Machine != want {
		return nil, fmt.Errorf("%w: %s is of another architecture, %v: expected %v", ErrLibraries, path, f.Machine, want)
	}
	names, err := f.ImportedLibraries()
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrLibraries, path, err)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		return name == "libcuda.so.1" || !strings.HasPrefix(name, "libcu") && !strings.HasPrefix(name, "libnv")
	}), nil
}

// Places are where libraries of CUDA may be, the first that has one first: the
// folders of LD_LIBRARY_PATH, Python environments ($VIRTUAL_ENV, $CONDA_PREFIX and
// that of python3), what the system's loader knows, and the usual folders of CUDA.
func Places(ctx context.Context) []Place {
	var named []string
	for _, folder := range filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")) {
		if filepath.IsAbs(folder) { // another is the folder the user happens to be in
			named = append(named, folder)
		}
	}
	var python []string
	for _, packages := range sitePackages(ctx) {
		found, _ := filepath.Glob(filepath.Join(escape(packages), "nvidia", "*", "lib"))
		python = append(python, found...)
	}
	if conda := os.Getenv("CONDA_PREFIX"); conda != "" {
		python = append(python, filepath.Join(conda, "lib"))
	}
	usual, _ := filepath.Glob("/usr/local/cuda*/lib64")
	slices.Reverse(usual) // the latest first
	usual = append(usual, "/opt/cuda/lib64")
	return []Place{{"LD_LIBRARY_PATH", named}, {"Python environment", python}, {"system", systemFolders(ctx)}, {"folders of CUDA", usual}}
}

// escape makes a folder a pattern of itself.
func escape(folder string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(folder)
}

// asked bounds how long another program is asked where libraries are.
const asked = 5 * time.Second

// answer is what a program prints, "" where it is not there or does not answer.
func answer(ctx context.Context, name string, args ...string) string {
	ctx, cancel := context.WithTimeout(ctx, asked)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.WaitDelay = time.Second
	out, _ := cmd.Output()
	return string(out)
}

// sitePackages are the folders of the packages of Python environments.
func sitePackages(ctx context.Context) []string {
	var folders []string
	for _, variable := range []string{"VIRTUAL_ENV", "CONDA_PREFIX"} {
		if root := os.Getenv(variable); root != "" {
			found, _ := filepath.Glob(filepath.Join(escape(root), "lib", "python3*", "site-packages"))
			folders = append(folders, found...)
		}
	}
	const program = "import site; print('\\n'.join(site.getsitepackages() + [site.getusersitepackages()]))"
	for folder := range strings.Lines(answer(ctx, "python3", "-I", "-c", program)) {
		if folder = strings.TrimSpace(folder); filepath.IsAbs(folder) && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// systemFolders are those of libraries of CUDA that the system's loader knows.
func systemFolders(ctx context.Context) []string {
	text := answer(ctx, "ldconfig", "-p")
	if text == "" {
		text = answer(ctx, "/sbin/ldconfig", "-p") // often in the path of root alone
	}
	var folders []string
	for line := range strings.Lines(text) { // libcudart.so.13 (libc6,x86-64) => /usr/local/lib/libcudart.so.13
		name, path, ok := strings.Cut(strings.TrimSpace(line), " => ")
		if folder := filepath.Dir(path); ok && (strings.HasPrefix(name, "libcu") || strings.HasPrefix(name, "libnv")) && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Look looks for libraries in places.
func Look(names []string, places []Place) []Library {
	out := make([]Library, len(names))
	for i, name := range names {
		out[i] = look(name, places)
	}
	return out
}

func look(name string, places []Place) Library {
	l := Library{Name: name}
	stem, _, _ := strings.Cut(name, ".so")
	for _, p := range places {
		for _, folder := range p.Folders {
			path := filepath.Join(folder, name)
			machine, err := machineOf(path)
			switch {
			case err == nil && machine == machines[runtime.GOARCH]:
				return Library{Name: name, Path: path, Place: p.Name}
			case err == nil && l.Other == "":
				l.Other = fmt.Sprintf("%s is of another architecture, %v", path, machine)
			case l.Other == "":
				if others, _ := filepath.Glob(filepath.Join(escape(folder), stem+".so.*")); len(others) > 0 {
					l.Other = "found " + others[0] + ", another version"
				}
			}
		}
	}
	return l
}

func machineOf(path string) (elf.Machine, error) {
	f, err := elf.Open(path)
	if err != nil {
		return 0, err
	}
	return f.Machine, f.Close()
}

// Found says which of the libraries that were looked for were not found; the error
// wraps [ErrLibraries].
func Found(libraries []Library) error {
	var missing []string
	for _, l := range libraries {
		if l.Path == "" {
			text := l.Name
			if l.Other != "" {
				text += " (" + l.Other + ")"
			}
			missing = append(missing, text)
		}
	}
	if missing != nil {
		return fmt.Errorf("%w: not found: %s", ErrLibraries, strings.Join(missing, ", "))
	}
	return nil
}

// Load loads libraries that were looked for; the error is that of [Found], or says why
// one cannot be loaded. It wraps [ErrLibraries].
func Load(libraries []Library) error {
	if err := Found(libraries); err != nil {
		return err
	}
	// A library may need one that comes later in the list: those that fail are tried
	// again while others succeed.
	for left := libraries; len(left) > 0; {
		var failed []Library
		var why error
		for _, l := range left {
			if err := loadLibrary(l.Path); err != nil {
				failed, why = append(failed, l), err
			}
		}
		if len(failed) == len(left) {
			return fmt.Errorf("%w: %w", ErrLibraries, why)
		}
		left = failed
	}
	return nil
}

// Major is the major version of CUDA that libraries are of, by that of its runtime;
// 0 where it is not among them.
func Major(names []string) int {
	for _, name := range names {
		if version, ok := strings.CutPrefix(name, "libcudart.so."); ok {
			major, _, _ := strings.Cut(version, ".")
			n, _ := strconv.Atoi(major)
			return n
		}
	}
	return 0
}
