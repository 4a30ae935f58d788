//go:build cgo && !windows

package ortapi

/*
#cgo CFLAGS: -D_GNU_SOURCE
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>
#include "ort.h"

// Text that is returned says what went wrong; NULL: nothing.
static const char *binas_ort_open(const char *library, void **table) {
	void *handle = dlopen(library, RTLD_LAZY | RTLD_NOLOAD);
	if (!handle) return "the library is not loaded";
	const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(handle, "OrtGetApiBase");
	dlclose(handle); // it stays: somebody else has it open
	if (!base) return "the library has no OrtGetApiBase";
	void *const *api = base()->GetApi(API_VERSION);
	if (!api) return "the library has another interface";
	look_up(api);
	*table = (void *)api;
	return 0;
}

static const char *binas_ort_value(const char *memory, int device, void *data, size_t bytes, const int64_t *shape, size_t dimensions, void **value) {
	enum { DEVICE_ALLOCATOR = 0, DEFAULT_KIND = 0, FLOAT = 1 };
	OrtMemoryInfo *info = 0;
	OrtStatus *status = CreateMemoryInfo(memory, DEVICE_ALLOCATOR, device, DEFAULT_KIND, &info);
	if (status) return failed(memory, status);
	status = CreateTensorWithDataAsOrtValue(info, data, bytes, shape, dimensions, FLOAT, (OrtValue **)value);
	ReleaseMemoryInfo(info);
	return status ? failed("tensor", status) : 0;
}

static void binas_ort_free(void *value) { ReleaseValue(value); }
*/
import "C"

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"
)

var opening struct {
	sync.Mutex
	library string
	table   unsafe.Pointer
	err     error
}

// Open finds the table of functions in a library that this process has loaded, by the
// path it was loaded from: one in a process.
func Open(library string) (unsafe.Pointer, error) {
	opening.Lock()
	defer opening.Unlock()
	switch opening.library {
	case library:
	case "":
		path := C.CString(library)
		defer C.free(unsafe.Pointer(path))
		opening.library, opening.err = library, problem(C.binas_ort_open(path, &opening.table))
	default:
		return nil, fmt.Errorf("%s is not the library that is open, %s", library, opening.library)
	}
	return opening.table, opening.err
}

// NewValue makes a tensor, an OrtValue, of the floats at data, which may lie in the memory
// of a device: ONNX Runtime knows it by a name, Cuda or Cpu, and by the number of the
// device. FreeValue frees it; data stays the caller's. A library must be open.
func NewValue(memory string, device int, data unsafe.Pointer, shape []int) (unsafe.Pointer, error) {
	opening.Lock()
	defer opening.Unlock()
	if opening.err != nil {
		return nil, opening.err
	}
	if opening.table == nil {
		return nil, errors.New("no library is open")
	}
	const float = 4
	dims, bytes := make([]C.int64_t, len(shape)+1), float // one more: there is a first
	for i, d := range shape {
		dims[i], bytes = C.int64_t(d), bytes*d
	}
	name := C.CString(memory)
	defer C.free(unsafe.Pointer(name))
	var value unsafe.Pointer
	err := problem(C.binas_ort_value(name, C.int(device), data, C.size_t(bytes), &dims[0], C.size_t(len(shape)), &value))
	return value, err
}

// FreeValue frees a value of [NewValue].
func FreeValue(value unsafe.Pointer) { C.binas_ort_free(value) }

func problem(text *C.char) error {
	if text == nil {
		return nil
	}
	return errors.New(C.GoString(text))
}
