//go:build linux

package cuda

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/binas-tui/binas-tui/internal/needed"
)

// runtimeSource is CUDA's runtime with the processor's memory, whose second card has none.
// A copy is done when its stream is waited for.
const runtimeSource = `
#include <stdlib.h>
#include <string.h>
static int card; static void *to; static const void *from; static size_t size; static int streams;
int cudaSetDevice(int i) { card = i; return i > 1 ? 101 : 0; }
int cudaMalloc(void **p, size_t n) { if (card == 1) return 2; *p = malloc(n); memset(*p, 7, n); return 0; }
int cudaFree(void *p) { free(p); return 0; }
int cudaMallocHost(void **p, size_t n) { *p = malloc(n); memset(*p, 7, n); return 0; }
int cudaFreeHost(void *p) { free(p); return 0; }
int cudaMemset(void *p, int v, size_t n) { memset(p, v, n); return 0; }
int cudaStreamCreateWithFlags(void **s, unsigned flags) { *s = &streams; streams++; return flags == 1 ? 0 : 1; }
int cudaStreamSynchronize(void *s) { if (s && size) { memcpy(to, from, size); size = 0; } return 0; }
int cudaStreamDestroy(void *s) { return --streams || s != &streams; }
int cudaMemcpyAsync(void *a, const void *b, size_t n, int kind, void *s) { to = a; from = b; size = n; return kind != 4 || s != &streams; }
const char *cudaGetErrorString(int e) { return e == 2 ? "out of memory" : e == 101 ? "invalid device ordinal" : "invalid argument"; }
`

func TestMemory(t *testing.T) {
	if _, err := NewMemory(0); !errors.Is(err, ErrLibraries) || !strings.Contains(err.Error(), "no cudaSetDevice") {
		t.Fatal("without a runtime: ", err)
	}
	path := filepath.Join(t.TempDir(), "libcudart.so.13")
	needed.Library(t, path, runtimeSource)
	if err := Load([]Library{{Name: "libcudart.so.13", Path: path}}); err != nil {
		t.Fatal(err)
	}
	m, err := NewMemory(0)
	if err != nil {
		t.Fatal(err)
	}
	inside, err := m.Alloc(8)
	host, err2 := m.AllocHost(8)
	if err = errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	here, there := (*[2]uint32)(host), (*[2]uint32)(inside)
	if *here != [2]uint32{} || *there != [2]uint32{} {
		t.Errorf("memory is not zeroed: %v, %v", *here, *there)
	}
	here[1] = 5
	if err := m.Copy(inside, host, 8); err != nil || there[1] != 0 {
		t.Error(err, *there)
	}
	if err := m.Wait(); err != nil || there[1] != 5 {
		t.Error(err, *there)
	}
	there[1] = 6
	if err := errors.Join(m.Copy(unsafe.Pointer(&here[1]), unsafe.Pointer(&there[1]), 4), m.Wait()); err != nil || here[1] != 6 {
		t.Error(err, *here)
	}
	if err := errors.Join(m.Free(inside), m.FreeHost(host), m.Close()); err != nil {
		t.Error(err)
	}
	second, err := NewMemory(1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Alloc(8); err == nil || err.Error() != "cudaMalloc: out of memory (error 2)" {
		t.Error(err)
	}
	if _, err := NewMemory(2); err == nil || !strings.Contains(err.Error(), "invalid device ordinal") {
		t.Error(err)
	}
}
