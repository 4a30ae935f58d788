// Products of a small matrix with a wide one, and of two wide ones.
//
// C = α·op(A)·(B⊙E) + D: a chunk, some columns or some rows of C, packs A once in panels of ROWS, and of B some columns
// at a time, so that both stay in the L2 cache and every read of the inner loop is of
// consecutive memory; the next columns come from memory meanwhile. The inner loop makes
// ROWS x COLUMNS vectors of C in registers: ROWS·COLUMNS multiply-adds for COLUMNS loads
// and ROWS broadcasts. C is larger than the caches where this is worth it, and is
// written past them: that saves reading what is overwritten.

enum { ROWS = PART_ROWS, COLUMNS = REGISTERS / 8, STRIP = COLUMNS * LANES, PRODUCT_COLUMNS = 4 * PART_COLUMNS };

// pack copies n columns of a row of B from column at on, times the row's gate unless
// that is NULL; spare has room for a period.
INLINE void pack(const shape *s, float *to, const float *b, const float *gate, float *spare, long at, long n) {
  long turn = period(s->batch), j = at % turn;
  if (!gate) {
    copy(to, b + at, n);
    return;
  }
  if (turn != s->batch) tile(spare, gate, s->batch), gate = spare;
  for (long i = 0; i < n; i += LANES, j = j + LANES == turn ? 0 : j + LANES) put(to + i, get(b + at + i, n - i) * load(gate + j), n - i);
}

static long product_scratch(const shape *s) { return (s->rows + ROWS + PRODUCT_COLUMNS) * s->depth + period(s->batch) + 64; }

// corner is rows x STRIP of C: rows is a constant. Unless next is NULL, the same
// columns of it come from memory.
INLINE void corner(const int rows, const shape *s, const float *a, const float *b, const float *plus, float *c, long width, int past, const float *next) {
  vf r[ROWS][COLUMNS] = {{{0}}};
  for (int i = 0; plus && i < rows; i++)
    for (int u = 0; u < STRIP; u += 16) __builtin_prefetch(plus + i * width + u, 0, 3);
  for (long k = 0; k < s->depth; k++, a += ROWS, b += PRODUCT_COLUMNS) {
    vf x[COLUMNS];
    if (next) {
#pragma GCC unroll 4
      for (int u = 0; u < STRIP; u += 16) __builtin_prefetch(next + k * width + u, 0, 2);
    }
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

static void strip(long rows, const shape *s, const float *a, const float *b, const float *plus, float *c, long width, int past, const float *next) {
#define CORNER(n) \
  case n: corner(n, s, a, b, plus, c, width, past, next); break
  switch (rows) { CORNER(1); CORNER(2); CORNER(3); CORNER(4); CORNER(5); CORNER(6); }
}

// pack_rows packs rows [begin, end) of op(A) in panels.
static void pack_rows(const shape *s, float *panels, const float *a, long begin, long end) {
  long depth = s->depth;
  for (long r = begin; r < end; r += ROWS) {
    float *panel = panels + (r - begin) * depth;
    long rows = end - r < ROWS ? end - r : ROWS;
    for (long k = 0; k < depth; k++)
      for (long i = 0; i < rows; i++) panel[k * ROWS + i] = a[s->transposed ? k * s->rows + r + i : (r + i) * depth + k];
  }
}

static void product(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long depth = s->depth, width = s->width, first = s->by_rows ? from * ROWS : 0, last = s->by_rows ? to * ROWS : s->rows;
  long begin = s->by_rows ? 0 : from * PART_COLUMNS, end = s->by_rows ? width : to * PART_COLUMNS;
  if (last > s->rows) last = s->rows;
  if (end > width) end = width;
  long some = depth > 384 ? PART_COLUMNS : PRODUCT_COLUMNS; // columns at a time
  float *b = scratch, *panels = b + PRODUCT_COLUMNS * depth, *spare = panels + (s->rows + ROWS) * depth, edge[ROWS * STRIP];
  int past = s->rows * width * 4 > 4L << 20 && width % LANES == 0 && (size_t)out[0] % (LANES * 4) == 0;
  pack_rows(s, panels, in[0], first, last);
  for (long n = begin; n < end; n += some) {
    long columns = end - n < some ? end - n : some;
    for (long k = 0; k < depth; k++) {
      pack(s, b + k * PRODUCT_COLUMNS, in[1] + k * width, in[3] ? in[3] + k * s->batch : 0, spare, n, columns);
      memset(b + k * PRODUCT_COLUMNS + columns, 0, (some - columns) * 4);
    }
    for (long r = first; r < last; r += ROWS) {
      long rows = last - r < ROWS ? last - r : ROWS;
      for (long j = 0; j < columns; j += STRIP) {
        const float *a = panels + (r - first) * depth, *plus = in[2] ? in[2] + r * width + n + j : 0;
        float *c = out[0] + r * width + n + j;
        if (columns - j >= STRIP) {
          strip(rows, s, a, b + j, plus, c, width, past, r == first && n + some < end ? in[1] + n + some + j : 0);
          continue;
        }
        strip(rows, s, a, b + j, 0, edge, STRIP, 0, 0);
        for (long i = 0; i < rows; i++)
          for (long x = 0; x < columns - j; x++) c[i * width + x] = edge[i * STRIP + x] + (plus ? plus[i * width + x] : 0);
      }
    }
  }
  FENCE();
}

// (A⊙E)·Bᵀ, both wide: of a block of columns, all of B and HIGH rows of A are packed, so
// that they stay in the L2 and the L1 cache. The inner loop makes HIGH x ACROSS sums in
// registers, lane by lane; blocks are so large that adding the lanes up costs little.
enum { HIGH = REGISTERS > 16 ? PART_ROWS : PART_ROWS / 2, ACROSS = REGISTERS > 16 ? 4 : 3, BLOCK_COLUMNS = 768 };

static long outer_scratch(const shape *s) { return (s->depth + HIGH) * BLOCK_COLUMNS + period(s->batch) + 64; }

// dots is t[i][j] = Σ a[i]·b[j] over n columns, a multiple of LANES. Rows of a are pitch
// floats apart. Meanwhile n floats of next come from memory.
INLINE void dots(const int across, const float *a, long pitch, const float *b, float t[HIGH][ACROSS], long n, const float *next) {
  vf r[HIGH][ACROSS] = {{{0}}};
  for (long k = 0; k < n; k += LANES) {
    vf x[ACROSS];
    __builtin_prefetch(next + k, 0, 2);
#pragma GCC unroll 4
    for (int j = 0; j < across; j++) x[j] = load(b + j * BLOCK_COLUMNS + k);
#pragma GCC unroll 6
    for (int i = 0; i < HIGH; i++) {
      vf y = load(a + i * pitch + k);
#pragma GCC unroll 4
      for (int j = 0; j < across; j++) r[i][j] += y * x[j];
    }
  }
#pragma GCC unroll 6
  for (int i = 0; i < HIGH; i++)
#pragma GCC unroll 4
    for (int j = 0; j < across; j++) t[i][j] = sum(r[i][j]);
}

static void outer(const shape *s, long from, long to, float *const *in, float *const *out, float *scratch) {
  long width = s->width, depth = s->depth, begin = from * PART_ROWS, end = to * PART_ROWS < s->rows ? to * PART_ROWS : s->rows;
  long blocks = (width + BLOCK_COLUMNS - 1) / BLOCK_COLUMNS, some = (width / blocks + LANES) / LANES * LANES;
  long down = s->transposed ? 1 : depth, right = s->transposed ? s->rows : 1; // between elements of the result
  float *b = scratch, *a = b + depth * BLOCK_COLUMNS, *spare = a + HIGH * BLOCK_COLUMNS, t[HIGH][ACROSS];
  if (some > BLOCK_COLUMNS) some = BLOCK_COLUMNS;
  for (long n = 0; n < width; n += some) {
    long columns = width - n < some ? width - n : some, whole = (columns + LANES - 1) / LANES * LANES;
    for (long k = 0; k < depth; k++) {
      memset(b + k * BLOCK_COLUMNS + whole - LANES, 0, LANES * 4);
      pack(s, b + k * BLOCK_COLUMNS, in[1] + k * width, 0, 0, n, columns);
    }
    for (long r = begin; r < end; r += HIGH) {
      long rows = end - r < HIGH ? end - r : HIGH;
      const float *high = in[0] + r * width + n, *next = r + HIGH < end ? high + HIGH * width : in[0] + begin * width + n + some;
      long pitch = width;
      if (in[2] || rows < HIGH || whole > columns) {
        memset(a, 0, HIGH * BLOCK_COLUMNS * 4);
        for (long i = 0; i < rows; i++)
          pack(s, a + i * BLOCK_COLUMNS, in[0] + (r + i) * width, in[2] ? in[2] + (r + i) * s->batch : 0, spare, n, columns);
        high = a, pitch = BLOCK_COLUMNS;
      }
      for (long k = 0; k < depth; k += ACROSS, next += k < HIGH * ACROSS ? width : 0) {
        const float *bk = b + k * BLOCK_COLUMNS;
        long across = depth - k < ACROSS ? depth - k : ACROSS;
        if (across == 1)
          dots(1, high, pitch, bk, t, whole, next);
        else
          dots(ACROSS, high, pitch, bk, t, whole, next); // what is behind the last row of B is not used
        for (long i = 0; i < rows; i++)
          for (long j = 0; j < across; j++) {
            float *c = out[0] + (r + i) * down + (k + j) * right;
            *c = n ? *c + t[i][j] : t[i][j];
          }
      }
    }
  }
}
