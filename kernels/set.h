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
    .scratch = {[DEPTHWISE] = depthwise_scratch, [DEPTHWISE_GRADIENT] = depthwise_scratch, [PRODUCT] = product_scratch, [OUTER] = outer_scratch},
};
