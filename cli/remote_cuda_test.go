//go:build linux && amd64

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/binas-tui/binas-tui/internal/cuda"
	"github.com/binas-tui/binas-tui/internal/needed"
	"github.com/binas-tui/binas-tui/internal/ssh"
	"github.com/binas-tui/binas-tui/internal/sshtest"
	"github.com/binas-tui/binas-tui/latency"
	"github.com/binas-tui/binas-tui/onnx"
)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// driverOf is a driver with two cards, which runs CUDA up to a version.
const driverOf = `
#include <string.h>
int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *v) { *v = %d; return 0; }
int cuDeviceGetCount(int *n) { *n = 2; return 0; }
int cuDeviceGet(int *card, int i) { *card = i; return 0; }
int cuDeviceGetName(char *name, int size, int card) { strncpy(name, card ? "Card B" : "Card A", size); return 0; }
int cuDeviceTotalMem_v2(unsigned long *bytes, int card) { *bytes = 8ul << 30; return 0; }
int cuGetErrorString(int e, const char **text) { *text = 0; return 0; }
`

// What is in the way of a card of a host is said in one line, before the library is
// pushed where that is of no use; the host's own library is used where it has one.
func TestCardsOfAHost(t *testing.T) {
	dir := t.TempDir()
	there, own := filepath.Join(dir, "there"), filepath.Join(dir, "own")
	here := filepath.Join(dir, "here", "onnxruntime.so") // whatever it is called here
	for _, folder := range []string{there, filepath.Dir(here), filepath.Join(dir, "needs")} {
		check(t, os.Mkdir(folder, 0o755))
	}
	needed.Library(t, here, "int other;")
	folder := filepath.Dir(here)
	needed.Library(t, filepath.Join(dir, "needs", "libcudart.so.13"), "int runtime;")
	needed.Library(t, filepath.Join(folder, "libonnxruntime_providers_cuda.so"), "int provider;", filepath.Join(dir, "needs", "libcudart.so.13"))
	needed.Library(t, filepath.Join(folder, "libonnxruntime_providers_shared.so"), "int shared;")
	server := sshtest.Start(t, sshtest.Options{Env: " LD_LIBRARY_PATH=" + there + " XDG_DATA_HOME=" + own})
	ownData(t)
	t.Setenv(onnx.EnvLibrary, "")
	t.Setenv("PIP_INDEX_URL", "http://127.0.0.1:1")

	// on measures on the host; the last line is what went wrong.
	on := func(device string, more ...string) string {
		t.Helper()
		r := runCLI(t, append([]string{"measure", tinyNetwork, "--on", sshtest.Host, "--device", device}, more...)...)
		lines := strings.Split(strings.TrimSpace(r.err), "\n")
		if r.code != exitUsage || r.out != "" || !strings.HasPrefix(lines[len(lines)-1], "binas-tui: ") {
			t.Errorf("exit code %d, %q, output %q", r.code, r.err, r.out)
		}
		return r.err
	}
	says := func(text string, want ...string) {
		t.Helper()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("no %q in %q", w, text)
			}
		}
	}
	pushed := func(want ...string) {
		t.Helper()
		found, _ := filepath.Glob(filepath.Join(server.Cache, "binas-tui/remote/*/*")) // not a bad pattern
		var names []string
		for _, f := range found {
			names = append(names, filepath.Base(f))
		}
		if !slices.Equal(names, want) {
			t.Errorf("pushed %v, want %v", names, want)
		}
	}
	if _, err := cuda.LoadDriver(); err != nil {
		says(on("cuda"), "pi: target is not available: no NVIDIA driver: libcuda.so.1")
	}
	needed.Library(t, filepath.Join(there, "libcuda.so.1"), fmt.Sprintf(driverOf, 12040))
	says(on("cuda"), "pi: target is not available: the driver runs CUDA up to 12.4, and this ONNX Runtime needs CUDA 13")
	needed.Library(t, filepath.Join(there, "libcuda.so.1"), fmt.Sprintf(driverOf, 13000))
	says(on("cuda:5"), "there is no card 5: found cuda (Card A, 8192 MiB), cuda:1 (Card B, 8192 MiB)")
	says(on("cuda"), "not found: libcublasLt.so.13, libcublas.so.13", "libcudnn.so.9", "pip install nvidia-cuda-runtime")
	pushed("binas-tui")
	t.Setenv(onnx.EnvLibrary, anyLibrary) // to be found here
	says(runCLI(t, "doctor", "--on", sshtest.Host).out, "Card A, 8192 MiB", "CUDA 13 and cuDNN 9", "libcudnn.so.9          not found", "--device cuda pushes it, 275 MB")
	t.Setenv(onnx.EnvLibrary, "")

	// Where nothing but the library is missing there, it is fetched to be pushed.
	for _, name := range []string{"libcublasLt.so.13", "libcublas.so.13", "libcurand.so.10", "libcufft.so.12", "libcudart.so.13", "libnvrtc.so.13", "libcudnn.so.9"} {
		needed.Library(t, filepath.Join(there, name), "int "+strings.NewReplacer(".", "_").Replace(name)+";")
	}
	says(on("cuda"), "note: downloading ONNX Runtime "+onnx.LibraryVersion+" with CUDA, 220 MB, for linux/amd64", "binas-tui: install ONNX Runtime "+onnx.LibraryVersion+" with CUDA: ")

	// One that is named is pushed with what is beside it, once.
	text := on("cuda", "--onnxruntime", here)
	says(text, "pi: pushing libonnxruntime_providers_shared.so (", "pi: pushing libonnxruntime_providers_cuda.so (", "pi: pushing libonnxruntime.so.1 (", "it has no function OrtGetApiBase")
	if again := on("cuda", "--onnxruntime", here); strings.Contains(again, "pushing") {
		t.Errorf("pushed twice: %q", again)
	}
	if found, err := filepath.Glob(filepath.Join(server.Cache, "binas-tui/remote/*/libonnxruntime_providers_cuda.so")); err != nil || len(found) != 1 || len(glob(t, filepath.Join(filepath.Dir(found[0]), "*"))) != 3 {
		t.Errorf("not in one folder: %v, %v", found, err)
	}
	says(on("tensorrt", "--onnxruntime", here), "has no provider of tensorrt beside it (libonnxruntime_providers_tensorrt.so)")
	says(on("xnnpack"), "neither pi nor this machine has an ONNX Runtime with xnnpack: --onnxruntime names one to push")

	// The host's own library is used, and is what was installed there, or it is refused.
	installed := filepath.Join(own, "binas-tui/onnxruntime", onnx.LibraryVersion, "cuda")
	check(t, os.MkdirAll(installed, 0o755))
	for _, name := range []string{"libonnxruntime_providers_cuda.so", "libonnxruntime_providers_shared.so", "libonnxruntime.so.1"} {
		check(t, os.WriteFile(filepath.Join(installed, name), []byte("changed"), 0o644))
	}
	text = on("cuda")
	says(text, "load "+filepath.Join(installed, "libonnxruntime.so.1"), "checksum differs", "doctor --install-onnxruntime cuda")
	if strings.Contains(text, "pushing") {
		t.Errorf("pushed beside the host's own: %q", text)
	}
}

func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	check(t, err)
	return found
}

// A push that was cut off goes on where it was; what was damaged meanwhile does not
// get into place.
func TestAPushGoesOn(t *testing.T) {
	bin := t.TempDir()
	cat := func(script string) {
		check(t, os.WriteFile(filepath.Join(bin, "cat"), []byte("#!/bin/sh\nexec "+script+"\n"), 0o755))
	}
	server := sshtest.Start(t, sshtest.Options{Env: " PATH=" + bin + ":/usr/bin:/bin"})
	ownData(t)
	// open opens the device; said is what was pushed.
	open := func() (said string, err error) {
		d, err := latency.OpenDevice(t.Context(), latency.DeviceOptions{Host: sshtest.Host, Library: anyLibrary, Log: func(text string) { said += text + "\n" }})
		if err == nil {
			d.Close()
		}
		return said, err
	}
	left := func() []string { return glob(t, filepath.Join(server.Cache, "binas-tui/remote/*/.new*")) }
	cut := func() {
		t.Helper()
		cat("head -c 5000000")
		if _, err := open(); !errors.Is(err, ssh.ErrHost) || !strings.HasPrefix(err.Error(), "pi: pushing binas-tui (") || !strings.Contains(err.Error(), ": 5000000 of ") || len(left()) != 1 {
			t.Fatalf("%v, left %v", err, left())
		}
		cat("/bin/cat")
	}
	cut()
	whole, err := os.ReadFile(os.Args[0])
	check(t, err)
	part, err := os.ReadFile(left()[0])
	if err != nil || !bytes.Equal(part, whole[:5000000]) {
		t.Fatalf("another part is left: %v", err)
	}
	check(t, os.WriteFile(left()[0], append([]byte("x"), part[1:]...), 0o644))
	if _, err := open(); !errors.Is(err, ssh.ErrHost) || !strings.Contains(err.Error(), "what arrived has another SHA-256") || len(left()) != 0 {
		t.Errorf("%v, left %v", err, left())
	}
	cut()
	if said, err := open(); err != nil || !strings.Contains(said, "), of which 5 MB are there") || len(left()) != 0 {
		t.Errorf("%v, said %q, left %v", err, said, left())
	}
}
