// What the parts of this package share.
#ifndef BINAS_KERNELS_H
#define BINAS_KERNELS_H

enum { NONE, RELU, HSWISH }; // activations

#define EPSILON 1e-5 // of batch normalisation

// shape is what an operator is made for, by its attributes and its inputs.
typedef struct {
  long kernel, stride, side, out; // of a depthwise convolution; out is the side of its result
  long batch;
  int act_in, act_out, plain, transposed;
  float alpha;
  long channels, columns; // of the first input
  long rows, depth, width; // of a product
} shape;

// task computes the parts [from, to) of an operator: channels, or blocks of
// columns of a product. in and out are in the order of the operator; what is
// optional and not there is NULL. scratch has what scratch() says, in floats,
// aligned to 64 bytes.
typedef void task(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch);

enum { DEPTHWISE, DEPTHWISE_GRADIENT, GATE, GATE_GRADIENT, NORMALISE, NORMALISE_GRADIENT, HARD_SWISH, HARD_SWISH_GRADIENT, PRODUCT, OPERATORS };

// kernels are all operators for one kind of processor.
typedef struct {
  task *run[OPERATORS];
  long (*depthwise_scratch)(const shape *);
  long (*product_scratch)(const shape *);
} kernels;

extern const kernels binas_portable;
#if defined(__x86_64__)
extern const kernels binas_avx2, binas_avx512;
#endif

#define PRODUCT_COLUMNS 256 // of a block of a product

#endif
