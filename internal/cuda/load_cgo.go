//go:build cgo && linux

package cuda

/*
#cgo CFLAGS: -D_GNU_SOURCE
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static void *driver;

static const char *binas_cuda_driver(void) {
	if (!driver) driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL);
	return driver ? 0 : dlerror();
}

// binas_cuda_call calls a function of the driver with up to three arguments of one
// word; a function that it lacks is -1.
static int binas_cuda_call(const char *name, void *a, void *b, void *c) {
	int (*f)(void *, void *, void *) = (int (*)(void *, void *, void *))dlsym(driver, name);
	return f ? f(a, b, c) : -1;
}

static int binas_cuda_init(void) { return binas_cuda_call("cuInit", 0, 0, 0); }
static int binas_cuda_version(int *v) { return binas_cuda_call("cuDriverGetVersion", v, 0, 0); }
static int binas_cuda_count(int *n) { return binas_cuda_call("cuDeviceGetCount", n, 0, 0); }
static int binas_cuda_card(int i, char *name, int size, size_t *bytes) {
	int card = 0;
	int e = binas_cuda_call("cuDeviceGet", &card, (void *)(size_t)i, 0);
	if (!e) e = binas_cuda_call("cuDeviceGetName", name, (void *)(size_t)size, (void *)(size_t)card);
	return e ? e : binas_cuda_call("cuDeviceTotalMem_v2", bytes, (void *)(size_t)card, 0);
}
static const char *binas_cuda_error(int e) {
	const char *text = 0;
	binas_cuda_call("cuGetErrorString", (void *)(size_t)e, &text, 0);
	return text;
}

// RUNTIME are the functions of CUDA's runtime that are used: name, parameters.
#define RUNTIME(F) \
	F(cudaSetDevice, (int)) \
	F(cudaMalloc, (void **, size_t)) \
	F(cudaFree, (void *)) \
	F(cudaMallocHost, (void **, size_t)) \
	F(cudaFreeHost, (void *)) \
	F(cudaMemset, (void *, int, size_t)) \
	F(cudaStreamCreateWithFlags, (void **, unsigned)) \
	F(cudaStreamSynchronize, (void *)) \
	F(cudaStreamDestroy, (void *)) \
	F(cudaMemcpyAsync, (void *, const void *, size_t, int, void *))
#define POINTER(name, parameters) static int (*name) parameters;
RUNTIME(POINTER)
static const char *(*cudaGetErrorString)(int);

// binas_cuda_runtime finds the runtime among the libraries that are loaded; the answer
// is the name of a function that is not there.
static const char *binas_cuda_runtime(void) {
#define LOOK_UP(name, parameters) if (!(name = (int (*) parameters)dlsym(RTLD_DEFAULT, #name))) return #name;
	RUNTIME(LOOK_UP)
	cudaGetErrorString = (const char *(*)(int))dlsym(RTLD_DEFAULT, "cudaGetErrorString");
	return cudaGetErrorString ? 0 : "cudaGetErrorString";
}

// Every call may come from another thread, which has a card of its own.
#define ON(card, call) int e = cudaSetDevice(card); return e ? e : call
static int binas_cuda_stream(int card, void **stream) { ON(card, cudaStreamCreateWithFlags(stream, 1)); } // one that waits for no other
static int binas_cuda_destroy(int card, void *stream) { ON(card, cudaStreamDestroy(stream)); }
static int binas_cuda_alloc(int card, void **p, size_t bytes) {
	int e = cudaSetDevice(card);
	if (!e) e = cudaMalloc(p, bytes);
	if (!e) e = cudaMemset(*p, 0, bytes);
	return e ? e : cudaStreamSynchronize(0);
}
static int binas_cuda_alloc_host(int card, void **p, size_t bytes) {
	int e = cudaSetDevice(card);
	if (!e) e = cudaMallocHost(p, bytes);
	if (!e) memset(*p, 0, bytes);
	return e;
}
static int binas_cuda_free(int card, void *p) { ON(card, cudaFree(p)); }
static int binas_cuda_free_host(int card, void *p) { ON(card, cudaFreeHost(p)); }
static int binas_cuda_copy(int card, void *to, void *from, size_t bytes, void *stream) { ON(card, cudaMemcpyAsync(to, from, bytes, 4, stream)); } // 4: by the addresses
static int binas_cuda_wait(int card, void *stream) { ON(card, cudaStreamSynchronize(stream)); }
static const char *binas_cuda_text(int e) { return cudaGetErrorString(e); }

static const char *binas_cuda_load(const char *path) {
	return dlopen(path, RTLD_NOW | RTLD_GLOBAL) ? 0 : dlerror();
}
*/
import "C"

import (
	"errors"
	"fmt"
	"unsafe"
)

func loadDriver() (Driver, error) {
	if text := C.binas_cuda_driver(); text != nil {
		return Driver{}, errors.New(C.GoString(text))
	}
	var (
		version, count C.int
		d              Driver
	)
	for _, call := range []struct {
		what string
		code C.int
	}{
		{"cuInit", C.binas_cuda_init()}, {"cuDriverGetVersion", C.binas_cuda_version(&version)}, {"cuDeviceGetCount", C.binas_cuda_count(&count)},
	} {
		if err := driverError(call.what, call.code); err != nil {
			return d, err
		}
	}
	d.Version = int(version)
	for i := range count {
		var (
			name  [256]C.char
			bytes C.size_t
		)
		if err := driverError("cuDeviceGet", C.binas_cuda_card(i, &name[0], C.int(len(name)-1), &bytes)); err != nil {
			return d, err
		}
		d.Cards = append(d.Cards, Card{C.GoString(&name[0]), int64(bytes)})
	}
	return d, nil
}

// driverError is what the driver says of a call that failed.
func driverError(what string, code C.int) error {
	switch text := C.binas_cuda_error(code); {
	case code == 0:
		return nil
	case text == nil:
		return fmt.Errorf("%s: error %d", what, code)
	default:
		return fmt.Errorf("%s: %s (error %d)", what, C.GoString(text), code)
	}
}

// loadLibrary loads a library for all that are loaded later.
func loadLibrary(path string) error {
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	if text := C.binas_cuda_load(name); text != nil {
		return errors.New(C.GoString(text))
	}
	return nil
}

func findRuntime() error {
	if missing := C.binas_cuda_runtime(); missing != nil {
		return fmt.Errorf("%w: the runtime has no %s", ErrLibraries, C.GoString(missing))
	}
	return nil
}

func (m *Memory) open() error {
	return runtimeError("cudaStreamCreate", C.binas_cuda_stream(m.number(), &m.stream))
}

func (m *Memory) number() C.int { return C.int(m.card) }

// Alloc returns zeroed memory of the card.
func (m *Memory) Alloc(bytes int) (p unsafe.Pointer, err error) {
	err = runtimeError("cudaMalloc", C.binas_cuda_alloc(m.number(), &p, C.size_t(bytes)))
	return p, err
}

// AllocHost returns zeroed memory of the processor that the card reads and writes itself.
func (m *Memory) AllocHost(bytes int) (p unsafe.Pointer, err error) {
	err = runtimeError("cudaMallocHost", C.binas_cuda_alloc_host(m.number(), &p, C.size_t(bytes)))
	return p, err
}

// Free frees memory of [Memory.Alloc].
func (m *Memory) Free(p unsafe.Pointer) error {
	return runtimeError("cudaFree", C.binas_cuda_free(m.number(), p))
}

// FreeHost frees memory of [Memory.AllocHost].
func (m *Memory) FreeHost(p unsafe.Pointer) error {
	return runtimeError("cudaFreeHost", C.binas_cuda_free_host(m.number(), p))
}

// Copy begins to copy, in either direction, after the copies before it.
func (m *Memory) Copy(to, from unsafe.Pointer, bytes int) error {
	return runtimeError("cudaMemcpyAsync", C.binas_cuda_copy(m.number(), to, from, C.size_t(bytes), m.stream))
}

// Wait waits until all is copied.
func (m *Memory) Wait() error {
	return runtimeError("cudaStreamSynchronize", C.binas_cuda_wait(m.number(), m.stream))
}

// Close is for when nothing is copied any more.
func (m *Memory) Close() error {
	return runtimeError("cudaStreamDestroy", C.binas_cuda_destroy(m.number(), m.stream))
}

// runtimeError is what CUDA's runtime says of a call that failed.
func runtimeError(what string, code C.int) error {
	if code == 0 {
		return nil
	}
	return fmt.Errorf("%s: %s (error %d)", what, C.GoString(C.binas_cuda_text(code)), code)
}
