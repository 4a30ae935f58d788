// What the parts of this package share.
#ifndef BINAS_KERNELS_H
#define BINAS_KERNELS_H

enum { NONE, RELU, HSWISH }; // activations

#define EPSILON 1e-5 // of batch normalisation

// shape is what an operator is made for, by its attributes and its inputs.
typedef struct {
  long kernel, stride, side, out; // of a depthwise convolution; out is the side of its result
  long batch;
  int act_in, act_out, plain, transposed, by_rows, ones;
  float alpha;
  long channels, columns; // of the first input
  long rows, depth, width; // of a product; of an outer one, rows of A and of B, and columns
} shape;

// task computes the parts [from, to) of an operator: channels, or PART_ROWS or
// PART_COLUMNS of the result of a product. in and out are in the order of the operator; what is
// optional and not there is NULL. scratch has what scratch() says, in floats,
// aligned to 64 bytes.
typedef void task(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch);

enum { DEPTHWISE, DEPTHWISE_GRADIENT, GATE, GATE_GRADIENT, NORMALISE, NORMALISE_GRADIENT, HARD_SWISH, HARD_SWISH_GRADIENT, PRODUCT, OUTER, OPERATORS };

// kernels are all operators for one kind of processor.
typedef struct {
  task *run[OPERATORS];
  long (*scratch[OPERATORS])(const shape *); // NULL: a period, which 16 batches have
} kernels;

extern const kernels binas_portable;
#if defined(__x86_64__)
extern const kernels binas_avx2, binas_avx512;
#endif

#define PART_ROWS 6    // of the result of a product, that are made at once
#define PART_COLUMNS 64

#endif
