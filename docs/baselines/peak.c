// What two things that bound every computation reach on this machine, on so many
// threads: multiply-adds in registers, and copies between arrays larger than the
// caches, written past them on huge pages. Prints GFLOP/s and GB/s read and written.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#if defined(__AVX512F__)
enum { LANES = 16 };
#elif defined(__AVX__)
enum { LANES = 8 };
#else
enum { LANES = 4 };
#endif
enum { SUMS = 12, ROUNDS = 40000000, THREADS = 256, PASSES = 6 };
typedef float vector __attribute__((vector_size(LANES * 4)));

static long each; // vectors of a thread's part
static vector *from, *to;
static float sink[THREADS];

static void *multiply(void *thread) {
  vector sum[SUMS], by = (vector){0} + 0.999f, and = (vector){0} + 0.1f;
  for (int i = 0; i < SUMS; i++) sum[i] = (vector){0} + (float)i;
  for (long r = 0; r < ROUNDS; r++)
#pragma GCC unroll 12
    for (int i = 0; i < SUMS; i++) sum[i] = sum[i] * by + and;
  for (int i = 0; i < SUMS; i++) sink[(long)thread] += sum[i][0];
  return 0;
}

static void *copy(void *thread) {
  vector *a = from + each * (long)thread, *b = to + each * (long)thread;
  for (int pass = 0; pass < PASSES; pass++)
    for (long i = 0; i < each; i++)
#if defined(__AVX512F__)
      __builtin_ia32_movntps512((float *)(b + i), a[i]);
#elif defined(__AVX__)
      __builtin_ia32_movntps256((float *)(b + i), a[i]);
#else
      b[i] = a[i];
#endif
  return 0;
}

static double seconds(void *work(void *), long threads) {
  pthread_t t[THREADS];
  struct timespec a, b;
  clock_gettime(CLOCK_MONOTONIC, &a);
  for (long i = 0; i < threads; i++) pthread_create(t + i, 0, work, (void *)i);
  for (long i = 0; i < threads; i++) pthread_join(t[i], 0);
  clock_gettime(CLOCK_MONOTONIC, &b);
  return b.tv_sec - a.tv_sec + 1e-9 * (b.tv_nsec - a.tv_nsec);
}

static vector *array(size_t bytes) {
  vector *p = aligned_alloc(2 << 20, bytes);
  if (!p) exit(1);
  madvise(p, bytes, MADV_HUGEPAGE);
  for (size_t i = 0; i < bytes / sizeof *p; i++) p[i] = (vector){0} + (float)i;
  return p;
}

int main(int argc, char **argv) {
  long threads = argc > 1 ? atol(argv[1]) : 1;
  if (threads < 1 || threads > THREADS) return 2;
  size_t bytes = 256 << 20;
  each = bytes / sizeof(vector) / threads;
  from = array(bytes), to = array(bytes);
  double compute = 0, memory = 0;
  for (int round = 0; round < 2; round++) {
    double gflops = 2e-9 * SUMS * ROUNDS * LANES * threads / seconds(multiply, threads);
    double gbytes = 2e-9 * PASSES * each * threads * sizeof(vector) / seconds(copy, threads);
    compute = gflops > compute ? gflops : compute, memory = gbytes > memory ? gbytes : memory;
  }
  printf("%.1f GFLOP/s %.1f GB/s\n", compute, memory);
}
