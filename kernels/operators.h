// What Go calls. Text that is returned says what went wrong; NULL: nothing. Sets
// are numbered as in kernels.go.

// binas_kernels_open makes the operators, once, for ONNX Runtime's table of functions.
const char *binas_kernels_open(const void *api);

// binas_kernels_add makes the operators of a set known to sessions of the options.
const char *binas_kernels_add(void *options, int set);

// binas_kernels_supported reports whether this processor can run a set.
int binas_kernels_supported(int set);

// binas_kernels_release frees scratch memory that is not in use.
void binas_kernels_release(void);
