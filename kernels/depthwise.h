// The depthwise convolution with what stands before and after it, and its
// gradient; doc.go has the equations.
//
// A channel at a time: its map, made active, is copied between margins of zeros,
// so that a tap of a row of the result is a run of floats at a fixed distance. For
// stride 2 the even columns of a row come first, then the odd ones, which makes
// these runs too. One channel's buffers stay in the L2 cache, and 2·kernel²
// operations are made of every float read: the convolution is bound by arithmetic
// (a load and a multiply-add per tap), what is around it by the cache.

// geometry of one channel's buffers, in floats. Behind each is SLACK: vectors may
// reach beyond the end of the last row.
typedef struct {
  long margin, across, down; // of the padded map; columns and rows
  long even;                 // columns of its first part; all of them for stride 1
  long tap[5];               // distance of a tap in its row
  long row, result;          // floats of a row of the padded map, and of the result
  long grown;                // floats of a row of the padded gradient
  long map, plane, padded, line;
} geometry;

#define SLACK 64
#define ROUND(n) (((n) + 15) / 16 * 16 + SLACK)

static geometry geometry_of(const shape *s) {
  geometry g = {.margin = s->kernel / 2};
  g.across = s->stride * (s->out - 1) + s->kernel;
  if (g.across < s->side + g.margin) g.across = s->side + g.margin;
  g.down = g.across;
  g.even = s->stride == 1 ? g.across : (g.across + 1) / 2;
  for (long x = 0; x < s->kernel; x++) g.tap[x] = (s->stride == 1 ? x : x % 2 * g.even + x / 2) * s->batch;
  g.row = g.across * s->batch;
  g.result = s->out * s->batch;
  g.grown = (s->out + 2 * g.margin) * s->batch;
  g.map = ROUND(g.row * g.down);
  g.plane = ROUND(g.result * s->out);
  g.padded = ROUND(g.grown * (s->out + 2 * g.margin));
  g.line = ROUND(s->side * s->batch);
  return g;
}

// period is after how many floats images and lanes come together again.
INLINE long period(long batch) {
  long n = batch;
  while (n % LANES) n += batch;
  return n;
}

// tile repeats a value per image over a period.
INLINE void tile(float *to, const float *from, long batch) {
  for (long i = 0; i < period(batch); i += batch) memcpy(to + i, from, batch * 4);
}

static long depthwise_scratch(const shape *s) {
  geometry g = geometry_of(s);
  return g.map + g.plane + g.padded + 2 * g.line + 2 * ROUND(period(s->batch));
}

// taps is to[i] = Σ w[t]·from[t][i] for i < n, and writes less than a block more.
INLINE void taps(float *to, const int count, const float *const *from, const float *w, long n) {
  enum { WIDE = 4 };
  for (long i = 0; i < n; i += WIDE * LANES) {
    vf sum[WIDE] = {{0}};
    for (int t = 0; t < count; t++)
#pragma GCC unroll 4
      for (int u = 0; u < WIDE; u++) sum[u] += all(w[t]) * load(from[t] + i + u * LANES);
#pragma GCC unroll 4
    for (int u = 0; u < WIDE; u++) store(to + i + u * LANES, sum[u]);
  }
}

// convolve makes rows of the result, line floats apart: to[i] = Σ w[a, b]·from[a·pitch
// + tap[b] + i] for i < n, for the next row from stride rows further on. What is loaded
// is used in both rows, so that there are fewer loads than multiply-adds. Meanwhile as
// much of next, unless it is NULL, comes from memory as the rows read anew.
INLINE void convolve(const int kernel, const int stride, const int rows, float *to, long line, const float *from, long pitch, const long *tap, const float *w, long n, const float *next) {
  enum { WIDE = 4 };
  for (long i = 0; i < n; i += WIDE * LANES) {
    vf sum[2][WIDE] = {{{0}}};
    if (next) {
#pragma GCC unroll 32
      for (int u = 0; u < rows * stride * stride * WIDE * LANES; u += 16) __builtin_prefetch(next + u, 0, 2);
      next += rows * stride * stride * WIDE * LANES;
    }
#pragma GCC unroll 8
    for (int a = 0; a < stride * (rows - 1) + kernel; a++)
#pragma GCC unroll 1
      for (int b = 0; b < kernel; b++) { // unrolled, it would want more registers than there are
        const float *at = from + a * pitch + tap[b] + i;
        vf x[WIDE];
#pragma GCC unroll 4
        for (int u = 0; u < WIDE; u++) x[u] = load(at + u * LANES);
#pragma GCC unroll 2
        for (int r = 0; r < rows; r++) {
          if (a < r * stride || a >= r * stride + kernel) continue;
          vf by = all(w[(a - r * stride) * kernel + b]);
#pragma GCC unroll 4
          for (int u = 0; u < WIDE; u++) sum[r][u] += by * x[u];
        }
      }
#pragma GCC unroll 2
    for (int r = 0; r < rows; r++)
#pragma GCC unroll 4
      for (int u = 0; u < WIDE; u++)
        if (n - i > u * LANES) put(to + r * line + i + u * LANES, sum[r][u], n - i - u * LANES);
  }
}

// weigh adds Σ_i v[i]·from[a·pitch + tap[b] + i] to total[a, b] lane by lane, for so
// many columns b from the first on, and likewise for the next row of v. Sums of its own
// for every call keep the rounding of long maps small.
INLINE void weigh(const int kernel, const int stride, const int rows, const int first, const int columns, const float *v, long line, const float *from, long pitch, const long *tap, vf *total, long n) {
  vf sum[25] = {{0}};
  for (long i = 0; i < n; i += LANES) {
    const float *at = from + i;
    vf d[2];
#pragma GCC unroll 2
    for (int r = 0; r < rows; r++) d[r] = get(v + r * line + i, n - i);
#pragma GCC unroll 8
    for (int a = 0; a < stride * (rows - 1) + kernel; a++, at += pitch) {
      __asm__("" : "+r"(at)); // an address of its own for every tap would want more registers than there are
#pragma GCC unroll 5
      for (int b = 0; b < columns; b++) {
        vf x = load(at + tap[first + b]);
#pragma GCC unroll 2
        for (int r = 0; r < rows; r++)
          if (a >= r * stride && a < r * stride + kernel) sum[(a - r * stride) * columns + b] += d[r] * x;
      }
    }
  }
#pragma GCC unroll 25
  for (int t = 0; t < kernel * columns; t++) total[t / columns * kernel + first + t % columns] += sum[t];
}

// BY_SHAPE makes a call with kernel, stride and rows, one or two, constants.
#define BY_SHAPE(kernel, stride, rows, CALL)                          \
  switch ((kernel) * 10 + ((rows) == 1 ? 0 : (stride))) {             \
  case 30: CALL(3, 1, 1); break;                                      \
  case 31: CALL(3, 1, 2); break;                                      \
  case 32: CALL(3, 2, 2); break;                                      \
  case 50: CALL(5, 1, 1); break;                                      \
  case 51: CALL(5, 1, 2); break;                                      \
  case 52: CALL(5, 2, 2); break;                                      \
  }

static void convolve_rows(long kernel, long stride, int rows, float *to, long line, const float *from, long pitch, const long *tap, const float *w, long n, const float *next) {
#define CONVOLVE(k, s, r) convolve(k, s, r, to, line, from, pitch, tap, w, n, next)
  BY_SHAPE(kernel, stride, rows, CONVOLVE);
}

static void weigh_rows(const shape *s, int rows, const float *v, long line, const float *from, long pitch, const long *tap, vf *total, long n) {
#define COLUMNS_OF(k, s, r, first, columns) weigh(k, s, r, first, columns, v, line, from, pitch, tap, total, n)
#define WEIGH(k, s, r)                         \
  if (k * k + 4 <= REGISTERS) {                \
    COLUMNS_OF(k, s, r, 0, k);                 \
  } else { /* as many as there are registers */ \
    COLUMNS_OF(k, s, r, 0, 2);                 \
    COLUMNS_OF(k, s, r, 2, 2);                 \
    COLUMNS_OF(k, s, r, 4, 1);                 \
  }
  BY_SHAPE(s->kernel, s->stride, rows, WEIGH);
}

// first_column is where a row of the padded map has what is in column odd, 0 or 1, of the map.
INLINE long first_column(const shape *s, const geometry *g, long odd) {
  long column = odd + g->margin;
  return (s->stride == 1 ? column : column % 2 * g->even + column / 2) * s->batch;
}

// fill copies a channel's map into its margins, which are 0 already, and makes it
// active: act(0) is 0.
INLINE void fill_as(const int act, const shape *s, const geometry *g, const float *h, float *map) {
  long wide = s->side * s->batch, n = s->stride == 1 ? wide : s->batch; // of a row, and what stays together of it
  for (long y = 0; y < s->side; y++, h += wide)
    for (long odd = 0; odd < s->stride; odd++) {
      float *to = map + (y + g->margin) * g->row + first_column(s, g, odd);
      for (long x = odd * n; x < wide; x += s->stride * n, to += n)
        for (long i = 0; i < n; i += LANES) put(to + i, activate(act, get(h + x + i, n - i)), n - i);
    }
}

static void fill(const shape *s, const geometry *g, const float *h, float *map) {
#define FILL(act) fill_as(act, s, g, h, map)
  BY_ACTIVATION(s->act_in, FILL);
}

// is_large reports a result of so many floats a channel that is written past the caches:
// it would be gone from them before it is read.
static int is_large(const shape *s, long floats, const float *result) {
  return s->channels * floats * 4 > 16L << 20 && floats % LANES == 0 && (size_t)result % (LANES * 4) == 0;
}

INLINE void put_past(float *p, vf v, long left, int past) {
  if (past)
    STREAM(p, v);
  else
    put(p, v, left);
}

// affine is how a convolution's result becomes the input of the activation:
// z = (u - mean)·gain + shift. Forward and backward compute the same bits.
typedef struct {
  float mean, gain, shift;
} affine;

INLINE vf normal(affine f, vf u) { return (u - f.mean) * f.gain + f.shift; }

// finish writes y = act(z) and its means over the positions.
INLINE void finish(const int act, const shape *s, affine f, const float *u, float *y, float *pool, float *total, int past) {
  long n = s->out * s->out * s->batch, turn = period(s->batch);
  memset(total, 0, turn * 4);
  for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
    vf v = activate(act, normal(f, get(u + i, n - i)));
    put_past(y + i, v, n - i, past);
    store(total + j, load(total + j) + first(v, n - i));
  }
  for (long b = 0; b < s->batch; b++) {
    float t = 0;
    for (long i = b; i < turn; i += s->batch) t += total[i];
    pool[b] = t / (float)(s->out * s->out);
  }
}

static void depthwise(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  geometry g = geometry_of(s);
  float *map = scratch, *u = map + g.map, *total = u + g.plane;
  long taps = s->kernel * s->kernel, m = s->side * s->side * s->batch, mo = s->out * s->out * s->batch;
  int past = is_large(s, mo, out[0]);
  memset(map, 0, g.map * 4);
  for (long c = from; c < to; c++) {
    const float *h = in[0] + c * m, *next = c + 1 < to ? h + m : 0;
    fill(s, &g, h, map);
    moments stats = {0};
    for (long y = 0; y < s->out; y += 2) {
      int rows = y + 1 < s->out ? 2 : 1;
      convolve_rows(s->kernel, s->stride, rows, u + y * g.result, g.result, map + y * s->stride * g.row, g.row, g.tap, in[1] + c * taps, g.result, next ? next + y * s->stride * s->side * s->batch : 0);
      if (!s->plain) observe(&stats, u + y * g.result, rows * g.result);
    }
    double variance = stats.squares / mo;
    affine f = {0, 1, in[3][c]};
    if (!s->plain) f.mean = (float)stats.mean, f.gain = in[2][c] / sqrtf((float)variance + (float)EPSILON);
    out[1][c] = f.mean, out[2][c] = (float)variance;
#define FINISH(act) finish(act, s, f, u, out[0] + c * mo, out[3] + c * s->batch, total, past)
    BY_ACTIVATION(s->act_out, FINISH);
  }
  FENCE();
}

// normal_gradient makes of the gradient of a row of y that of z, dz, and of u its
// distance from the mean. It adds Σdz and Σdz·(u - mean) to sums.
INLINE void normal_gradient(const int act, long n, long turn, affine f, const float *dy, const float *gate, const float *dpool, float *u, float *dz, double *sums) {
  vf s0 = {0}, s1 = {0};
  for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
    vf v = get(u + i, n - i), d = get(dy + i, n - i);
    if (gate) d *= load(gate + j);
    if (dpool) d += load(dpool + j);
    d = first(derive(act, d, normal(f, v)), n - i);
    v -= f.mean;
    put(u + i, v, n - i);
    put(dz + i, d, n - i);
    s0 += d, s1 += d * v;
  }
  sums[0] += sum(s0), sums[1] += sum(s1);
}

// gather_row is row y of the gradient of a map of stride 2: taps of the padded
// gradient, those of even and odd columns apart.
static void gather_row(const shape *s, const geometry *g, const float *grad, const float *w, long y, float *line, float *half) {
  const float *tap[9];
  float by[9];
  for (long odd = 0; odd < 2 && odd < s->side; odd++) {
    int n = 0;
    for (long a = (y + g->margin) % 2; a < s->kernel; a += 2)
      for (long b = (odd + g->margin) % 2; b < s->kernel; b += 2, n++) {
        long row = (y + g->margin - a) / 2 + g->margin, column = (odd + g->margin - b) / 2 + g->margin; // exact
        tap[n] = grad + row * g->grown + column * s->batch, by[n] = w[a * s->kernel + b];
      }
    long columns = (s->side - odd + 1) / 2;
    taps(half, n, tap, by, columns * s->batch);
    for (long x = 0; x < columns; x++) copy(line + (2 * x + odd) * s->batch, half + x * s->batch, s->batch);
  }
}

INLINE void put_derived(const int act, float *to, const float *d, const float *h, long n, int past) {
  for (long i = 0; i < n; i += LANES) put_past(to + i, derive(act, get(d + i, n - i), get(h + i, n - i)), n - i, past);
}

static void depthwise_gradient(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  geometry g = geometry_of(s);
  float *map = scratch, *u = map + g.map, *grad = u + g.plane, *line = grad + g.padded, *half = line + g.line;
  float *gate = half + g.line, *dpool = gate + ROUND(period(s->batch)), flipped[25];
  long taps = s->kernel * s->kernel, m = s->side * s->side * s->batch, mo = s->out * s->out * s->batch, wide = s->side * s->batch;
  long column[5];
  for (long b = 0; b < s->kernel; b++) column[b] = b * s->batch;
  int past = is_large(s, m, out[0]);
  memset(map, 0, g.map * 4);
  memset(grad, 0, g.padded * 4);
  for (long c = from; c < to; c++) {
    const float *h = in[0] + c * m, *w = in[1] + c * taps, *dy = in[6] + c * mo, *next = c + 1 < to ? h + m : 0;
    fill(s, &g, h, map);
    for (long y = 0; y < s->out; y += 2)
      convolve_rows(s->kernel, s->stride, y + 1 < s->out ? 2 : 1, u + y * g.result, g.result, map + y * s->stride * g.row, g.row, g.tap, w, g.result, s->stride == 1 ? dy + y * g.result : 0);
    if (in[7]) tile(gate, in[7] + c * s->batch, s->batch);
    if (in[8]) tile(dpool, in[8] + c * s->batch, s->batch);
    float inverse = 1 / sqrtf(in[5][c] + (float)EPSILON), *inside = grad + (g.grown + s->batch) * g.margin;
    affine f = {in[4][c], in[2][c] / sqrtf(in[5][c] + (float)EPSILON), in[3][c]};
    double sums[2] = {0};
    for (long y = 0; y < s->out; y++) {
#define GRADIENT(act) normal_gradient(act, g.result, period(s->batch), f, dy + y * g.result, in[7] ? gate : 0, in[8] ? dpool : 0, u + y * g.result, inside + y * g.grown, sums)
      BY_ACTIVATION(s->act_out, GRADIENT);
    }
    out[2][c] = (float)(sums[1] * inverse), out[3][c] = (float)sums[0];
    float level = (float)(sums[0] / mo), slope = (float)(sums[1] * inverse * inverse / mo);
    vf total[25] = {{0}};
    for (long y = 0; y < s->out; y += 2) {
      int rows = y + 1 < s->out ? 2 : 1;
      for (int r = 0; r < rows; r++) {
        float *d = inside + (y + r) * g.grown;
        const float *v = u + (y + r) * g.result;
        for (long i = 0; i < g.result; i += LANES) {
          long left = g.result - i;
          put(d + i, (get(d + i, left) - level - get(v + i, left) * slope) * f.gain, left);
        }
      }
      weigh_rows(s, rows, inside + y * g.grown, g.grown, map + y * s->stride * g.row, g.row, g.tap, total, g.result);
    }
    for (long t = 0; t < taps; t++) out[1][c * taps + t] = sum(total[t]), flipped[taps - 1 - t] = w[t];
    for (long y = 0; y < s->side; y += 2)
      for (int r = 0, rows = y + 1 < s->side ? 2 : 1; r < rows; r++) {
        if (s->stride == 2)
          gather_row(s, &g, grad, w, y + r, line, half);
        else if (!r)
          convolve_rows(s->kernel, 1, rows, line, g.line, grad + y * g.grown, g.grown, column, flipped, wide, next ? next + y * wide : 0);
        const float *x = s->act_in == RELU && s->stride == 1 ? map + (y + r + g.margin) * g.row + g.margin * s->batch : h + (y + r) * wide; // ReLU's result says as much
#define DERIVED(act) put_derived(act, out[0] + c * m + (y + r) * wide, s->stride == 1 && r ? half : line, x, wide, past)
        BY_ACTIVATION(s->act_in, DERIVED);
      }
  }
  FENCE();
}
