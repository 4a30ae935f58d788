// The processor time of package kernels in one training step of the heaviest network,
// by operator, on one thread, everything out of the caches at first; other programs
// disturb it little. On x86-64 with AVX-512:
//
//	cc -O3 -Ikernels -o /tmp/kernels docs/baselines/kernels.c -lm && /tmp/kernels PIXELS IMAGES
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "avx512.c"

enum { TRIES = 4, CHUNKS = 4, CACHES = 40 << 20, KINDS = 32 };

static char *caches;
static float *scratch;
static struct {
  const char *name;
  double ms, flops, bytes;
} kinds[KINDS];

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static float *numbers(long n) {
  float *p = aligned_alloc(2 << 20, (n * 4 / (2 << 20) + 2) * (2 << 20));
  if (!p) exit(1);
  madvise(p, n * 4, MADV_HUGEPAGE);
  for (long i = 0; i < n + 1024; i++) p[i] = (float)(i * 7919 % 1000) / 500 - 1;
  return p;
}

static void measure(const char *name, int kind, shape s, float **in, float **out, double flops, double bytes) {
  long parts = kind != PRODUCT && kind != OUTER ? s.channels : s.by_rows ? (s.rows + PART_ROWS - 1) / PART_ROWS : (s.width + PART_COLUMNS - 1) / PART_COLUMNS;
  long chunks = parts < CHUNKS ? parts : CHUNKS;
  double best = 1e9;
  for (int try = 0; try < TRIES; try++) {
    for (long i = 0; i < CACHES; i += 64) caches[i]++;
    double start = now();
    for (long c = 0; c < chunks; c++) SET.run[kind](&s, parts * c / chunks, parts * (c + 1) / chunks, in, out, scratch);
    if (now() - start < best) best = now() - start;
  }
  int i = 0;
  while (kinds[i].name && strcmp(kinds[i].name, name)) i++;
  kinds[i].name = name, kinds[i].ms += best, kinds[i].flops += flops, kinds[i].bytes += bytes;
}

// matrices measures a product, or an outer one, of operators that have at least least columns.
static void matrices(const char *name, int kind, long least, long rows, long depth, long width, long batch, int transposed, float **in, float *out) {
  shape s = {.rows = rows, .depth = depth, .width = width, .batch = batch, .transposed = transposed, .alpha = 1, .by_rows = kind == OUTER || width < 4 * rows};
  if (width >= least) measure(name, kind, s, in, &out, 2. * rows * depth * width, 4. * width * (rows + depth));
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  long side = atol(argv[1]) / 2, B = atol(argv[2]), M = side * side * B, in = 16;
  caches = calloc(1, CACHES), scratch = numbers(32 << 20);
  float *h = numbers(96 * M), *dh = numbers(96 * M), *y = numbers(48 * M), *d = numbers(48 * M), *w = numbers(4 << 20);
  float *x = numbers(40 * M), *v = numbers(40 * M), *dx = numbers(40 * M), *c = numbers(1 << 20), *dw = numbers(4 << 20), *small[3];
  for (int i = 0; i < 3; i++) small[i] = numbers(1 << 20);
  for (int i = 0; i < 1 << 20; i++) c[i] = 1;
  shape first = {.kernel = 3, .stride = 1, .side = side, .out = side, .batch = B, .act_out = RELU, .channels = 32, .columns = M};
  float *around[] = {h, w, c, c, c, c, d, c, c}, *forward[] = {y, small[0], small[1], small[2]}, *backward[] = {dh, dw, small[0], small[1]};
  measure("depthwise 3x3", DEPTHWISE, first, around, forward, 28. * 32 * M, 8. * 32 * M);
  measure("depthwise 3x3", DEPTHWISE_GRADIENT, first, (float *[]){h, w, c, c, c, c, d, 0, 0}, backward, 74. * 32 * M, 12. * 32 * M);
  const long widths[] = {24, 40, 80, 112, 192}, strides[] = {2, 2, 2, 1, 2};
  for (int i = 0; i < 20; i++) {
    long out = widths[i / 4], stride = i % 4 ? 1 : strides[i / 4], mid = 6 * in, after = (side - 1) / stride + 1, N = after * after * B;
    M = side * side * B;
    matrices("widening, forward", PRODUCT, 256, mid, in + 1, M, B, 0, (float *[]){w, x, 0, 0}, h);
    shape s = {.kernel = 5, .stride = stride, .side = side, .out = after, .batch = B, .act_in = i < 8 ? RELU : HSWISH, .act_out = i < 8 ? RELU : HSWISH, .channels = mid, .columns = M};
    measure(stride == 1 ? "5x5, forward" : "5x5 of stride 2, forward", DEPTHWISE, s, around, forward, 60. * mid * N, 4. * mid * (M + N));
    measure(stride == 1 ? "5x5, backward" : "5x5 of stride 2, backward", DEPTHWISE_GRADIENT, s, around, backward, 170. * mid * N, 4. * mid * (2 * M + N));
    matrices("narrowing, forward", PRODUCT, 256, out, mid, N, B, 0, (float *[]){w, y, 0, c}, v);
    shape n = {.batch = B, .channels = out, .columns = N}, g = {.batch = B, .channels = mid, .columns = N};
    measure("normalisation", NORMALISE, n, (float *[]){v, c, c, 0, dx}, (float *[]){x, small[0], small[1]}, 4. * out * N, 12. * out * N);
    measure("normalisation", NORMALISE_GRADIENT, n, (float *[]){v, dx, c, c, c, c}, (float *[]){x, small[0], small[1]}, 4. * out * N, 12. * out * N);
    matrices("narrowing, weights", OUTER, 512, mid, out, N, B, 1, (float *[]){y, v, c}, dw);
    matrices("narrowing, input", PRODUCT, 256, mid, out, N, B, 1, (float *[]){w, v, 0, 0}, d);
    measure("gradient of the gate", GATE_GRADIENT, g, (float *[]){d, y}, &small[2], 2. * mid * N, 8. * mid * N);
    matrices("widening, weights", OUTER, 512, mid, in + 1, M, B, 0, (float *[]){dh, x, 0}, dw);
    matrices("widening, input", PRODUCT, 256, in, mid, M, B, 1, (float *[]){w, dh, v, 0}, dx);
    matrices("covariance", OUTER, 512, in + 1, in + 1, M, B, 0, (float *[]){x, x, 0}, dw);
    matrices("covariance", PRODUCT, 256, in, in + 1, M, B, 0, (float *[]){w, x, dx, 0}, v);
    side = after, in = out;
  }
  double ms = 0, flops = 0;
  for (int i = 0; kinds[i].name; i++) {
    printf("%-26s %7.1f ms %6.1f GFLOP/s %5.1f GB/s\n", kinds[i].name, kinds[i].ms, kinds[i].flops / kinds[i].ms / 1e6, kinds[i].bytes / kinds[i].ms / 1e6);
    ms += kinds[i].ms, flops += kinds[i].flops;
  }
  printf("%-26s %7.1f ms %6.1f GFLOP/s\n", "all", ms, flops / ms / 1e6);
}
