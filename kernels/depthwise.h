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
  return g.map + 2 * g.plane + g.padded + 2 * g.line + 2 * ROUND(period(s->batch));
}

// taps is to[i] = Σ w[t]·from[t][i] for i < n, and writes less than a vector more.
INLINE void taps(float *to, const int count, const float *const *from, const float *w, long n) {
  enum { WIDE = REGISTERS / 4 };
  long i = 0;
  for (; i + WIDE * LANES <= n; i += WIDE * LANES) {
    vf a[WIDE];
#pragma GCC unroll 8
    for (int u = 0; u < WIDE; u++) a[u] = (vf){0};
    for (int t = 0; t < count; t++) {
      vf by = all(w[t]);
#pragma GCC unroll 8
      for (int u = 0; u < WIDE; u++) a[u] += by * load(from[t] + i + u * LANES);
    }
#pragma GCC unroll 8
    for (int u = 0; u < WIDE; u++) store(to + i + u * LANES, a[u]);
  }
  for (; i < n; i += LANES) {
    vf a = {0};
    for (int t = 0; t < count; t++) a += all(w[t]) * load(from[t] + i);
    store(to + i, a);
  }
}

static void convolve_row(float *to, int count, const float *const *from, const float *w, long n) {
  if (count == 25)
    taps(to, 25, from, w, n);
  else if (count == 9)
    taps(to, 9, from, w, n);
  else
    taps(to, count, from, w, n);
}

// dots adds Σ_i v[i]·from[t][i] to total[t] lane by lane. A sum of its own for
// every call keeps the rounding of long maps small.
INLINE void dots(const int count, const float *v, const float *const *from, vf *total, long n) {
  vf a[25], b[25];
  const int twice = 2 * count + 2 < REGISTERS;
#pragma GCC unroll 25
  for (int t = 0; t < count; t++) a[t] = b[t] = (vf){0};
  long i = 0;
  for (; twice && i + 2 * LANES <= n; i += 2 * LANES) {
    vf x = load(v + i), y = load(v + i + LANES);
#pragma GCC unroll 25
    for (int t = 0; t < count; t++) {
      a[t] += x * load(from[t] + i);
      b[t] += y * load(from[t] + i + LANES);
    }
  }
  for (; i + LANES <= n; i += LANES) {
    vf x = load(v + i);
#pragma GCC unroll 25
    for (int t = 0; t < count; t++) a[t] += x * load(from[t] + i);
  }
  if (i < n) {
    vf x = get(v + i, n - i);
#pragma GCC unroll 25
    for (int t = 0; t < count; t++) a[t] += x * get(from[t] + i, n - i);
  }
#pragma GCC unroll 25
  for (int t = 0; t < count; t++) total[t] += twice ? a[t] + b[t] : a[t];
}

static void weigh_row(int kernel, const float *v, const float *const *from, vf *total, long n) {
  if (kernel == 3) {
    dots(9, v, from, total, n);
  } else if (REGISTERS > 25) {
    dots(25, v, from, total, n);
  } else {
    for (int t = 0; t < 25; t += 5) dots(5, v, from + t, total + t, n);
  }
}

// fill copies a channel's map into its margins, which are 0 already, and makes it
// active: act(0) is 0.
INLINE void fill_as(const int act, const shape *s, const geometry *g, const float *h, float *map) {
  for (long y = 0; y < s->side; y++) {
    const float *from = h + y * s->side * s->batch;
    float *to = map + (y + g->margin) * g->row;
    if (s->stride == 1) {
      long n = s->side * s->batch;
      to += g->margin * s->batch;
      for (long i = 0; i < n; i += LANES) put(to + i, activate(act, get(from + i, n - i)), n - i);
      continue;
    }
    for (long x = 0; x < s->side; x++) {
      long column = x + g->margin;
      copy(to + (column % 2 * g->even + column / 2) * s->batch, from + x * s->batch, s->batch);
    }
    if (act != NONE)
      for (long i = 0; i < g->row; i += LANES) put(to + i, activate(act, get(to + i, g->row - i)), g->row - i);
  }
}

static void fill(const shape *s, const geometry *g, const float *h, float *map) {
#define FILL(act) fill_as(act, s, g, h, map)
  BY_ACTIVATION(s->act_in, FILL);
}

// reads are where the taps of row y of the result begin.
INLINE void reads(const shape *s, const geometry *g, const float *map, long y, const float **from) {
  for (long a = 0; a < s->kernel; a++)
    for (long b = 0; b < s->kernel; b++) from[a * s->kernel + b] = map + (y * s->stride + a) * g->row + g->tap[b];
}

// affine is how a convolution's result becomes the input of the activation:
// z = (u - mean)·gain + shift. Forward and backward compute the same bits.
typedef struct {
  float mean, gain, shift;
} affine;

INLINE vf normal(affine f, vf u) { return (u - f.mean) * f.gain + f.shift; }

// finish writes y = act(z) and its means over the positions.
INLINE void finish(const int act, const shape *s, affine f, const float *u, float *y, float *pool, float *total) {
  long n = s->out * s->out * s->batch, turn = period(s->batch);
  memset(total, 0, turn * 4);
  for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
    vf v = activate(act, normal(f, get(u + i, n - i)));
    put(y + i, v, n - i);
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
  const float *tap[25];
  long taps = s->kernel * s->kernel, m = s->side * s->side * s->batch, mo = s->out * s->out * s->batch;
  memset(map, 0, g.map * 4);
  for (long c = from; c < to; c++) {
    fill(s, &g, in[0] + c * m, map);
    moments stats = {0};
    for (long y = 0; y < s->out; y++) {
      reads(s, &g, map, y, tap);
      convolve_row(u + y * g.result, taps, tap, in[1] + c * taps, g.result);
      if (!s->plain) observe(&stats, u + y * g.result, g.result);
    }
    double variance = stats.squares / mo;
    affine f = {0, 1, in[3][c]};
    if (!s->plain) f.mean = (float)stats.mean, f.gain = in[2][c] / sqrtf((float)variance + (float)EPSILON);
    out[1][c] = f.mean, out[2][c] = (float)variance;
#define FINISH(act) finish(act, s, f, u, out[0] + c * mo, out[3] + c * s->batch, total)
    BY_ACTIVATION(s->act_out, FINISH);
  }
}

// normal_gradient makes of the gradient of y that of z, and of u its distance
// from the mean. It returns Σdz and Σdz·(u - mean).
INLINE void normal_gradient(const int act, const shape *s, affine f, const float *dy, const float *gate, const float *dpool, float *u, float *dz, double *s0, double *s1) {
  long turn = period(s->batch), j = 0, n = s->out * s->out * s->batch, block = 256 * LANES; // a sum per block
  *s0 = *s1 = 0;
  for (long at = 0; at < n; at += block) {
    vf t0 = {0}, t1 = {0};
    for (long i = at; i < n && i < at + block; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
      vf v = get(u + i, n - i), d = get(dy + i, n - i);
      if (gate) d *= load(gate + j);
      if (dpool) d += load(dpool + j);
      d = first(derive(act, d, normal(f, v)), n - i);
      v -= f.mean;
      put(u + i, v, n - i);
      put(dz + i, d, n - i);
      t0 += d, t1 += d * v;
    }
    *s0 += sum(t0), *s1 += sum(t1);
  }
}

// gather_row is row y of the gradient of the map: taps of the padded gradient,
// for stride 2 those of even and odd columns apart.
static void gather_row(const shape *s, const geometry *g, const float *grad, const float *w, long y, float *line, float *half) {
  const float *tap[25];
  float by[25];
  long k = s->kernel, n = 0;
  if (s->stride == 1) {
    for (long a = 0; a < k; a++)
      for (long b = 0; b < k; b++, n++) tap[n] = grad + (y + a) * g->grown + b * s->batch, by[n] = w[k * k - 1 - n];
    convolve_row(line, n, tap, by, s->side * s->batch);
    return;
  }
  for (long odd = 0; odd < 2 && odd < s->side; odd++) {
    n = 0;
    for (long a = (y + g->margin) % 2; a < k; a += 2)
      for (long b = (odd + g->margin) % 2; b < k; b += 2, n++) {
        long row = (y + g->margin - a) / 2 + g->margin, column = (odd + g->margin - b) / 2 + g->margin; // exact
        tap[n] = grad + row * g->grown + column * s->batch, by[n] = w[a * k + b];
      }
    long columns = (s->side - odd + 1) / 2;
    convolve_row(half, n, tap, by, columns * s->batch);
    for (long x = 0; x < columns; x++) copy(line + (2 * x + odd) * s->batch, half + x * s->batch, s->batch);
  }
}

INLINE void put_derived(const int act, float *to, const float *d, const float *h, long n) {
  for (long i = 0; i < n; i += LANES) put(to + i, derive(act, get(d + i, n - i), get(h + i, n - i)), n - i);
}

static void depthwise_gradient(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  geometry g = geometry_of(s);
  float *map = scratch, *u = map + g.map, *dz = u + g.plane, *grad = dz + g.plane, *line = grad + g.padded, *half = line + g.line;
  float *gate = half + g.line, *dpool = gate + ROUND(period(s->batch));
  const float *tap[25];
  long taps = s->kernel * s->kernel, m = s->side * s->side * s->batch, mo = s->out * s->out * s->batch, wide = s->side * s->batch;
  memset(map, 0, g.map * 4);
  memset(grad, 0, g.padded * 4);
  for (long c = from; c < to; c++) {
    const float *h = in[0] + c * m, *w = in[1] + c * taps;
    fill(s, &g, h, map);
    for (long y = 0; y < s->out; y++) {
      reads(s, &g, map, y, tap);
      convolve_row(u + y * g.result, taps, tap, w, g.result);
    }
    if (in[7]) tile(gate, in[7] + c * s->batch, s->batch);
    if (in[8]) tile(dpool, in[8] + c * s->batch, s->batch);
    float inverse = 1 / sqrtf(in[5][c] + (float)EPSILON);
    affine f = {in[4][c], in[2][c] / sqrtf(in[5][c] + (float)EPSILON), in[3][c]};
    double s0, s1;
#define GRADIENT(act) normal_gradient(act, s, f, in[6] + c * mo, in[7] ? gate : 0, in[8] ? dpool : 0, u, dz, &s0, &s1)
    BY_ACTIVATION(s->act_out, GRADIENT);
    out[2][c] = (float)(s1 * inverse), out[3][c] = (float)s0;
    float level = (float)(s0 / mo), slope = (float)(s1 * inverse * inverse / mo);
    vf total[25] = {{0}};
    for (long y = 0; y < s->out; y++) {
      float *row = grad + (y + g.margin) * g.grown + g.margin * s->batch;
      const float *d = dz + y * g.result, *v = u + y * g.result;
      for (long i = 0; i < g.result; i += LANES) {
        long left = g.result - i;
        put(row + i, (get(d + i, left) - level - get(v + i, left) * slope) * f.gain, left);
      }
      reads(s, &g, map, y, tap);
      weigh_row(s->kernel, row, tap, total, g.result);
    }
    for (long t = 0; t < taps; t++) out[1][c * taps + t] = sum(total[t]);
    for (long y = 0; y < s->side; y++) {
      gather_row(s, &g, grad, w, y, line, half);
#define DERIVED(act) put_derived(act, out[0] + c * m + y * wide, line, h + y * wide, wide)
      BY_ACTIVATION(s->act_in, DERIVED);
    }
  }
}
