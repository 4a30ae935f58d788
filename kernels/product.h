// The product of a small matrix and a wide one, C = α·op(A)·B + D.
//
// A chunk packs A once in panels of ROWS, and of B 256 columns at a time, so that
// both stay in the L2 cache and every read of the inner loop is of consecutive
// memory. The inner loop makes ROWS x COLUMNS vectors of C in registers: ROWS·
// COLUMNS multiply-adds for COLUMNS loads and ROWS broadcasts. C is larger than
// the caches where this is worth it, and is written past them: that saves reading
// what is overwritten.

enum { ROWS = 6, COLUMNS = REGISTERS / 8, STRIP = COLUMNS * LANES };

static long product_scratch(const shape *s) { return (s->rows + ROWS) * s->depth + s->depth * PRODUCT_COLUMNS + 64; }

// corner is rows x STRIP of C: rows is a constant.
INLINE void corner(const int rows, const shape *s, const float *a, const float *b, const float *plus, float *c, long width, int past) {
  vf r[ROWS][COLUMNS];
#pragma GCC unroll 6
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < COLUMNS; j++) r[i][j] = (vf){0};
  for (long k = 0; k < s->depth; k++, a += ROWS, b += PRODUCT_COLUMNS) {
    vf x[COLUMNS];
#pragma GCC unroll 4
    for (int j = 0; j < COLUMNS; j++) x[j] = load(b + j * LANES);
#pragma GCC unroll 6
    for (int i = 0; i < rows; i++) {
      vf y = all(a[i]);
#pragma GCC unroll 4
      for (int j = 0; j < COLUMNS; j++) r[i][j] += y * x[j];
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < COLUMNS; j++) {
      vf v = r[i][j] * s->alpha;
      long at = i * width + j * LANES;
      if (plus) v += load(plus + at);
      if (past)
        STREAM(c + at, v);
      else
        store(c + at, v);
    }
}

static void strip(long rows, const shape *s, const float *a, const float *b, const float *plus, float *c, long width, int past) {
  switch (rows) {
  case 1: corner(1, s, a, b, plus, c, width, past); break;
  case 2: corner(2, s, a, b, plus, c, width, past); break;
  case 3: corner(3, s, a, b, plus, c, width, past); break;
  case 4: corner(4, s, a, b, plus, c, width, past); break;
  case 5: corner(5, s, a, b, plus, c, width, past); break;
  default: corner(ROWS, s, a, b, plus, c, width, past);
  }
}

static void product(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long m = s->rows, depth = s->depth, width = s->width;
  float *panels = scratch, *b = scratch + (m + ROWS) * depth, edge[ROWS * STRIP];
  b += (16 - (b - scratch) % 16) % 16; // scratch is aligned
  int past = m * width * 4 > 4L << 20 && width % LANES == 0 && (size_t)out[0] % (LANES * 4) == 0;
  for (long r = 0; r < m; r++)
    for (long k = 0; k < depth; k++) panels[r / ROWS * ROWS * depth + k * ROWS + r % ROWS] = in[0][s->transposed ? k * m + r : r * depth + k];
  for (long n = from * PRODUCT_COLUMNS; n < width && n < to * PRODUCT_COLUMNS; n += PRODUCT_COLUMNS) {
    long columns = width - n < PRODUCT_COLUMNS ? width - n : PRODUCT_COLUMNS;
    for (long k = 0; k < depth; k++) {
      copy(b + k * PRODUCT_COLUMNS, in[1] + k * width + n, columns);
      memset(b + k * PRODUCT_COLUMNS + columns, 0, (PRODUCT_COLUMNS - columns) * 4);
    }
    for (long r = 0; r < m; r += ROWS) {
      long rows = m - r < ROWS ? m - r : ROWS;
      for (long j = 0; j < columns; j += STRIP) {
        const float *a = panels + r * depth, *plus = in[2] ? in[2] + r * width + n + j : 0;
        float *c = out[0] + r * width + n + j;
        if (columns - j >= STRIP) {
          strip(rows, s, a, b + j, plus, c, width, past);
          continue;
        }
        strip(rows, s, a, b + j, 0, edge, STRIP, 0);
        for (long i = 0; i < rows; i++)
          for (long x = 0; x < columns - j; x++) c[i * width + x] = edge[i * STRIP + x] + (plus ? plus[i * width + x] : 0);
      }
    }
  }
  FENCE();
}
