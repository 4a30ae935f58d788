//go:build cgo && linux

package cuda

/*
#cgo LDFLAGS: -ldl
#include <dlfcn.h>
#include <stdlib.h>

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
