//go:build linux

package cuda

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// foreign makes a library of another architecture of one of this.
func foreign(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	data[18], data[19] = 243, 0 // RISC-V
	if err := os.WriteFile(to, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// provider makes a library that needs CUDA 13's runtime and cuDNN 9, which are in a
// folder of their own.
func provider(t *testing.T) (path, folder string) {
	t.Helper()
	dir := t.TempDir()
	folder = filepath.Join(dir, "nvidia")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	needed.Library(t, filepath.Join(folder, "libcudart.so.13"), "int binas_test_runtime(void) { return 13; }")
	needed.Library(t, filepath.Join(folder, "libcudnn.so.9"), "int binas_test_runtime(void); int binas_test_dnn(void) { return binas_test_runtime(); }", filepath.Join(folder, "libcudart.so.13"))
	path = filepath.Join(dir, "provider.so")
	needed.Library(t, path, "int binas_test_dnn(void); int binas_test_provider(void) { return binas_test_dnn(); }",
		filepath.Join(folder, "libcudnn.so.9"), filepath.Join(folder, "libcudart.so.13"))
	return path, folder
}

func TestNeedsAndLook(t *testing.T) {
	path, folder := provider(t)
	names, err := Needs(path)
	if err != nil || !slices.Equal(names, []string{"libcudnn.so.9", "libcudart.so.13"}) || Major(names) != 13 {
		t.Fatal(names, Major(names), err)
	}
	other := t.TempDir()
	found := Look(names, []Place{{"nothing", []string{other}}, {"here", []string{folder}}})
	for i, l := range found {
		if l.Name != names[i] || l.Place != "here" || l.Path != filepath.Join(folder, names[i]) {
			t.Errorf("found %+v", l)
		}
	}

	needed.Library(t, filepath.Join(other, "libcudart.so.12"), "")
	foreign(t, filepath.Join(folder, "libcudnn.so.9"), filepath.Join(other, "libcudnn.so.9"))
	wrong := Look(names, []Place{{"wrong", []string{other}}})
	err = Load(wrong)
	if !errors.Is(err, ErrLibraries) || strings.Contains(err.Error(), "\n") {
		t.Fatal(err)
	}
	for _, want := range []string{"libcudart.so.13 (found " + filepath.Join(other, "libcudart.so.12") + ", another version)", "libcudnn.so.9", "another architecture, EM_RISCV"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in %v", want, err)
		}
	}

	if err := Load(Look(names, []Place{{"none", nil}})); err == nil || !strings.Contains(err.Error(), "not found: libcudnn.so.9, libcudart.so.13") {
		t.Errorf("nothing there: %v", err)
	}
	foreign(t, path, filepath.Join(other, "provider.so"))
	if _, err := Needs(filepath.Join(other, "provider.so")); !errors.Is(err, ErrLibraries) || !strings.Contains(err.Error(), "another architecture") {
		t.Errorf("a provider of another architecture: %v", err)
	}
	text := filepath.Join(other, "text.so")
	if err := os.WriteFile(text, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Needs(text); !errors.Is(err, ErrLibraries) || strings.Contains(err.Error(), "\n") {
		t.Errorf("a text: %v", err)
	}
}

// Libraries are loaded by their whole paths, whatever their order; the one that needs
// them finds them, though the system's loader does not know their folder.
func TestLoad(t *testing.T) {
	path, folder := provider(t)
	if err := loadLibrary(path); err == nil {
		t.Fatal("the provider finds its libraries by itself: the test tests nothing")
	}
	names, err := Needs(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Load(Look(names, []Place{{"here", []string{folder}}})); err != nil {
		t.Fatal(err)
	}
	if err := loadLibrary(path); err != nil {
		t.Errorf("the provider afterwards: %v", err)
	}

	broken := filepath.Join(t.TempDir(), "libcufft.so.12")
	needed.Library(t, broken, "int binas_test_nowhere(void); int binas_test_broken(void) { return binas_test_nowhere(); }")
	err = Load([]Library{{Name: "libcufft.so.12", Path: broken}})
	if !errors.Is(err, ErrLibraries) || !strings.Contains(err.Error(), "binas_test_nowhere") {
		t.Errorf("a library that cannot be loaded: %v", err)
	}
}

func TestPlaces(t *testing.T) {
	dir := t.TempDir()
	env, named := filepath.Join(dir, "env[1]"), filepath.Join(dir, "named")
	wheel := filepath.Join(env, "lib", "python3.12", "site-packages", "nvidia", "cu13", "lib")
	if err := os.MkdirAll(wheel, 0o755); err != nil {
		t.Fatal(err)
	}
	python := filepath.Join(dir, "bin")
	own := filepath.Join(dir, "own", "nvidia", "cudnn", "lib")
	for path, text := range map[string]string{"python3": "echo " + filepath.Join(dir, "own"), "ldconfig": `printf '1 libs\n\tlibcudart.so.13 (libc6,x86-64) => /somewhere/lib/libcudart.so.13\n\tlibm.so.6 (libc6) => /lib/libm.so.6\n'`} {
		if err := os.MkdirAll(python, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(python, path), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(own, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", python+":/bin:/usr/bin")
	t.Setenv("VIRTUAL_ENV", env)
	t.Setenv("CONDA_PREFIX", "")
	t.Setenv("LD_LIBRARY_PATH", ":relative:"+named)
	places := Places(context.Background())
	for i, want := range [][]string{{named}, {wheel, own}, {"/somewhere/lib"}} {
		if !slices.Equal(places[i].Folders, want) {
			t.Errorf("%s: %v, want %v", places[i].Name, places[i].Folders, want)
		}
	}
}

// driverSource is a driver of NVIDIA's interface with cards of names.
const driverSource = `
#include <string.h>
int cuInit(unsigned flags) { return INIT; }
int cuDriverGetVersion(int *v) { *v = 12040; return 0; }
int cuDeviceGetCount(int *n) { *n = 2; return 0; }
int cuDeviceGet(int *card, int i) { *card = i + 7; return 0; }
int cuDeviceGetName(char *name, int size, int card) { strncpy(name, card == 7 ? "Card A" : "Card B", size); return 0; }
int cuDeviceTotalMem_v2(unsigned long *bytes, int card) { *bytes = (unsigned long)card << 30; return 0; }
int cuGetErrorString(int e, const char **text) { *text = e == 100 ? "no CUDA-capable device is detected" : 0; return 0; }
`

// The driver is loaded by its name, once in a process: every case has one of its own.
func TestDriver(t *testing.T) {
	if os.Getenv("CUDA_TEST_DRIVER") != "" {
		d, err := LoadDriver()
		t.Log("driver", d, d.CUDA(), err, errors.Is(err, ErrNoDriver))
		return
	}
	dir := t.TempDir()
	make := func(name, source string) string {
		folder := filepath.Join(dir, name)
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		needed.Library(t, filepath.Join(folder, "libcuda.so.1"), source)
		return folder
	}
	text := filepath.Join(dir, "text")
	if err := os.Mkdir(text, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(text, "libcuda.so.1"), []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadDriver(); err == nil {
		t.Log("this machine has a driver")
	} else if !errors.Is(err, ErrNoDriver) || !strings.Contains(err.Error(), "libcuda.so.1") {
		t.Errorf("no driver: %v", err)
	}
	for folder, want := range map[string]string{
		make("two", strings.Replace(driverSource, "INIT", "0", 1)):    "driver {12040 [{Card A 7516192768} {Card B 8589934592}]} 12.4 <nil> false",
		make("none", strings.Replace(driverSource, "INIT", "100", 1)): "cuInit: no CUDA-capable device is detected (error 100) true",
		make("odd", strings.Replace(driverSource, "INIT", "999", 1)):  "cuInit: error 999 true",
		make("empty", "int other;"):                                   "cuInit: error -1 true",
		text:                                                          "true", // the loader passes over it
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestDriver$", "-test.v")
		cmd.Env = append(os.Environ(), "CUDA_TEST_DRIVER=1", "LD_LIBRARY_PATH="+folder)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: %v: no %q in\n%s", filepath.Base(folder), err, want, out)
		}
	}
}
