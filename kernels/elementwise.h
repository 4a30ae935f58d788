// Operators that pass over memory once or twice and compute a few operations per
// float: they are bound by its bandwidth.

// gate is y⊙g: in y [C, m] and g [C, batch].
static void gate(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long n = s->columns, turn = period(s->batch);
  for (long c = from; c < to; c++) {
    tile(scratch, in[1] + c * s->batch, s->batch);
    for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES)
      put(out[0] + c * n + i, get(in[0] + c * n + i, n - i) * load(scratch + j), n - i);
  }
}

// gate_gradient is Σ d⊙y over the positions of an image: in d and y [C, m].
static void gate_gradient(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long n = s->columns, turn = period(s->batch);
  for (long c = from; c < to; c++) {
    memset(scratch, 0, turn * 4);
    for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES)
      store(scratch + j, load(scratch + j) + get(in[0] + c * n + i, n - i) * get(in[1] + c * n + i, n - i));
    for (long b = 0; b < s->batch; b++) {
      float t = 0;
      for (long i = b; i < turn; i += s->batch) t += scratch[i];
      out[0][c * s->batch + b] = t;
    }
  }
}

#define BLOCK (256 * LANES) // floats that are summed before the sum goes into a double

// normalise is batch normalisation of u [C, m], times a number per image and plus x
// [C, m] where these are there. Without γ and β it takes the mean off and no more.
static void normalise(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long n = s->columns, turn = period(s->batch);
  if (in[3]) tile(scratch, in[3], s->batch);
  for (long c = from; c < to; c++) {
    const float *u = in[0] + c * n;
    moments stats = {0};
    for (long i = 0; i < n; i += BLOCK) observe(&stats, u + i, n - i < BLOCK ? n - i : BLOCK);
    float variance = (float)(stats.squares / n);
    affine f = {(float)stats.mean, in[1] ? in[1][c] / sqrtf(variance + (float)EPSILON) : 1, in[2] ? in[2][c] : 0};
    out[1][c] = f.mean, out[2][c] = variance;
    for (long i = 0, j = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
      vf z = normal(f, get(u + i, n - i));
      if (in[3]) z *= load(scratch + j);
      if (in[4]) z += get(in[4] + c * n + i, n - i);
      put(out[0] + c * n + i, z, n - i);
    }
    for (long i = 0; s->ones && c + 1 == s->channels && i < n; i += LANES) put(out[0] + (c + 1) * n + i, all(1), n - i);
  }
}

// normalise_gradient is the gradient of u, γ and β from that of the result, d, times a
// number per image where there is one.
static void normalise_gradient(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long n = s->columns, turn = period(s->batch), j;
  if (in[5]) tile(scratch, in[5], s->batch);
  for (long c = from; c < to; c++) {
    const float *d = in[0] + c * n, *u = in[1] + c * n;
    float mean = in[3][c], inverse = 1 / sqrtf(in[4][c] + (float)EPSILON), gain = in[2][c] * inverse;
    double s0 = 0, s1 = 0;
    j = 0;
    for (long at = 0; at < n; at += BLOCK) {
      vf t0 = {0}, t1 = {0};
      for (long i = at; i < n && i < at + BLOCK; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
        vf v = get(d + i, n - i);
        if (in[5]) v *= load(scratch + j);
        t0 += v, t1 += v * (get(u + i, n - i) - mean);
      }
      s0 += sum(t0), s1 += sum(t1);
    }
    out[1][c] = (float)(s1 * inverse), out[2][c] = (float)s0;
    float level = (float)(s0 / n), slope = (float)(s1 * inverse * inverse / n);
    j = 0;
    for (long i = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) {
      vf v = get(d + i, n - i);
      if (in[5]) v *= load(scratch + j);
      put(out[0] + c * n + i, (v - level - (get(u + i, n - i) - mean) * slope) * gain, n - i);
    }
  }
}

// hard_swish is act(h), hard_swish_gradient d·act'(h).
static void hard_swish(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long n = s->columns * to;
  for (long i = s->columns * from; i < n; i += LANES) put(out[0] + i, activate(HSWISH, get(in[0] + i, n - i)), n - i);
}

static void hard_swish_gradient(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  put_derived(HSWISH, out[0] + s->columns * from, in[0] + s->columns * from, in[1] + s->columns * from, s->columns * (to - from), 0);
}
