// What Go calls. Text that is returned says what went wrong; NULL: nothing. Sets
// are numbered as in kernels.go.
#include <stddef.h>
#include <stdint.h>

// binas_kernels_open finds ONNX Runtime in a library that is loaded already, once.
const char *binas_kernels_open(const char *library);

// binas_kernels_add makes the operators of a set known to sessions of the options.
const char *binas_kernels_add(void *options, int set);

// binas_kernels_supported reports whether this processor can run a set.
int binas_kernels_supported(int set);

// binas_kernels_release frees scratch memory that is not in use.
void binas_kernels_release(void);

// binas_kernels_value makes an OrtValue of floats at data, in memory that ONNX Runtime
// knows by a name, of a device of a number. binas_kernels_free frees it, and not the data.
const char *binas_kernels_value(const char *memory, int device, void *data, size_t bytes, const int64_t *shape, size_t dimensions, void **value);
void binas_kernels_free(void *value);
