// One set of kernels: a file defines LANES, REGISTERS, STREAM, FENCE and SET, and
// includes this.
#include <math.h>
#include <stddef.h>

#include "kernels.h"
#include "lanes.h"

#include "depthwise.h"
#include "elementwise.h"
#include "product.h"

const kernels SET = {
    .run = {depthwise, depthwise_gradient, gate, gate_gradient, normalise, normalise_gradient, hard_swish, hard_swish_gradient, product, outer},
    .depthwise_scratch = depthwise_scratch,
    .product_scratch = product_scratch,
    .outer_scratch = outer_scratch,
};
