// Vectors of LANES floats in the form that gcc and clang share, and the
// element-wise functions of all operators. A file that includes this names its
// LANES and how many vector REGISTERS the processor has.
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define VECTOR __attribute__((vector_size(LANES * 4)))

typedef float vf VECTOR;
typedef int vi VECTOR;
typedef float loose __attribute__((vector_size(LANES * 4), aligned(4), may_alias));

INLINE vf load(const float *p) { return *(const loose *)p; }
INLINE void store(float *p, vf v) { *(loose *)p = v; }
INLINE vf all(float x) { return x - (vf){0}; }

#ifndef GET_FIRST
#define GET_FIRST(p, left) some(p, left)
#define PUT_FIRST(p, v, left) memcpy(p, &v, (left) * 4)
INLINE vf some(const float *p, long left) {
  vf v = {0};
  memcpy(&v, p, left * 4);
  return v;
}
#endif

// get and put move the first left floats where fewer than LANES are left; get
// sets the rest to 0.
INLINE vf get(const float *p, long left) { return left >= LANES ? load(p) : GET_FIRST(p, left); }
INLINE void put(float *p, vf v, long left) {
  if (left >= LANES)
    store(p, v);
  else
    PUT_FIRST(p, v, left);
}

INLINE float sum(vf v) {
  typedef float four __attribute__((vector_size(16)));
  four q[LANES / 4];
  memcpy(q, &v, sizeof v);
  for (int i = 1; i < LANES / 4; i++) q[0] += q[i];
  return (q[0][0] + q[0][1]) + (q[0][2] + q[0][3]);
}

// copy moves n floats; 8, an image each of many batches, at once.
INLINE void copy(float *to, const float *from, long n) {
  if (n == 8) memcpy(to, from, 32), n = 0;
  for (long i = 0; i < n; i += LANES) put(to + i, get(from + i, n - i), n - i);
}

INLINE vf clear(vi where, vf v) { return (vf)((vi)v & ~where); }
INLINE vf choose(vi where, vf a, vf b) { return (vf)(((vi)a & where) | ((vi)b & ~where)); }

// first clears all but the first left lanes.
INLINE vf first(vf v, long left) {
  static const int number[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  vi lane;
  memcpy(&lane, number, sizeof lane);
  return left >= LANES ? v : clear(lane >= (int)left, v);
}

// activate is act(x). Comparisons are such that NaN stays NaN.
INLINE vf activate(int act, vf x) {
  if (act == RELU) return clear(x < 0, x);
  if (act != HSWISH) return x;
  vf gate = x * (1.f / 6) + .5f;
  gate = clear(gate < 0, gate);
  return x * choose(gate > 1, all(1), gate);
}

// derive is dy·act'(x).
INLINE vf derive(int act, vf dy, vf x) {
  if (act == RELU) return clear(x <= 0, dy);
  if (act != HSWISH) return dy;
  vf slope = clear(x < -3, x * (1.f / 3) + .5f);
  return dy * choose(x > 3, all(1), slope);
}

// BY_ACTIVATION makes a call with each activation a constant.
#define BY_ACTIVATION(act, CALL)    \
  switch (act) {                    \
  case RELU: CALL(RELU); break;     \
  case HSWISH: CALL(HSWISH); break; \
  default: CALL(NONE);              \
  }

// moments of values seen so far, joined block by block (Chan et al.): exact to
// rounding where the mean is far from 0, and independent of what was before.
typedef struct {
  double count, mean, squares; // squares: Σ(x - mean)²
} moments;

INLINE void observe(moments *m, const float *x, long n) {
  vf a = {0}, b = {0};
  for (long i = 0; i < n; i += 2 * LANES) {
    a += get(x + i, n - i);
    if (i + LANES < n) b += get(x + i + LANES, n - i - LANES);
  }
  double mean = (double)sum(a + b) / n, apart = mean - m->mean;
  vf centre = all((float)mean), square = {0}, more = {0};
  for (long i = 0; i < n; i += 2 * LANES) {
    vf d = first(get(x + i, n - i) - centre, n - i);
    square += d * d;
    if (i + LANES < n) {
      d = first(get(x + i + LANES, n - i - LANES) - centre, n - i - LANES);
      more += d * d;
    }
  }
  double rounding = mean - (double)(float)mean; // of the centre
  double total = m->count + n;
  m->squares += sum(square + more) - rounding * rounding * n + apart * apart * m->count * n / total;
  m->mean += apart * n / total;
  m->count = total;
}
