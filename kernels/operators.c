//go:build cgo && !windows

// The kernels as operators of ONNX Runtime: what they take and give, checked at
// every run, and how they are split between the threads of a session.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels.h"
#include "operators.h"
#include "ort.h"

// signature is an operator's name and its tensors, a letter each:
//
//	m [C, columns]  o [C, out²·batch]  k [C, kernel²]  c [C, 1]  b [C, batch]  e [1, batch]
//
// Of products: A, B, D, E and C, whose shapes follow from A and B.
typedef struct {
  const char *name;
  size_t required; // inputs that must be there
  const char *in, *out;
} signature;

static const signature signatures[OPERATORS] = {
    [DEPTHWISE] = {"Depthwise", 4, "mkcc", "occb"},
    [DEPTHWISE_GRADIENT] = {"DepthwiseGradient", 7, "mkccccobb", "mkcc"},
    [GATE] = {"Gate", 2, "mb", "m"},
    [GATE_GRADIENT] = {"GateGradient", 2, "mm", "b"},
    [NORMALISE] = {"Normalise", 1, "mccem", "mcc"},
    [NORMALISE_GRADIENT] = {"NormaliseGradient", 5, "mmccce", "mcc"},
    [HARD_SWISH] = {"HardSwish", 1, "m", "m"},
    [HARD_SWISH_GRADIENT] = {"HardSwishGradient", 2, "mm", "m"},
    [PRODUCT] = {"Product", 2, "ABDE", "C"},
    [OUTER] = {"OuterProduct", 2, "ABE", "C"},
};

enum { MOST = 9 }; // inputs of any

// operation is an operator of one set of kernels; node is its use in a graph.
typedef struct {
  OrtCustomOp base;
  int kind;
  const kernels *set;
} operation;

typedef struct {
  const operation *of;
  shape shape; // attributes
} node;

static const signature *of(const OrtCustomOp *op) { return &signatures[((const operation *)op)->kind]; }

static const char *get_name(const OrtCustomOp *op) { return of(op)->name; }
static const char *get_provider(const OrtCustomOp *op) { return (void)op, "CPUExecutionProvider"; }
static int get_float(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, 1; }
static int get_zero(const OrtCustomOp *op, size_t i) { return (void)op, (void)i, 0; }
static size_t get_inputs(const OrtCustomOp *op) { return strlen(of(op)->in); }
static size_t get_outputs(const OrtCustomOp *op) { return strlen(of(op)->out); }
static int get_optional(const OrtCustomOp *op, size_t i) { return i >= of(op)->required; }
static int get_one(const OrtCustomOp *op) { return (void)op, 1; }
static int get_last(const OrtCustomOp *op) { return (void)op, 0x7fffffff; }

static OrtStatus *refuse(const node *n, const char *why) {
  char text[200];
  snprintf(text, sizeof text, "%s: %s", signatures[n->of->kind].name, why);
  return CreateStatus(2, text); // an invalid argument
}

static OrtStatus *create(const OrtCustomOp *op, const void *api, const OrtInfo *info, void **made) {
  (void)api;
  node *n = calloc(1, sizeof *n);
  if (!n) return CreateStatus(1, "no memory");
  n->of = (const operation *)op;
  static const char *const names[] = {"kernel", "stride", "side", "batch", "act_in", "act_out", "plain", "transposed", "negative", "ones"};
  int64_t v[10] = {0};
  for (int i = 0; i < 10; i++) {
    OrtStatus *missing = KernelInfoGetAttribute_int64(info, names[i], &v[i]);
    if (missing) ReleaseStatus(missing), v[i] = 0;
  }
  n->shape = (shape){.kernel = v[0], .stride = v[1], .side = v[2], .batch = v[3], .act_in = v[4], .act_out = v[5], .plain = v[6], .transposed = v[7], .alpha = v[8] ? -1 : 1, .ones = v[9] != 0};
  shape *s = &n->shape;
  if (!s->batch) s->batch = 1;
  int depthwise = n->of->kind == DEPTHWISE || n->of->kind == DEPTHWISE_GRADIENT;
  const char *why = 0;
  if (depthwise && ((s->kernel != 3 && s->kernel != 5) || (s->stride != 1 && s->stride != 2) || s->side < 1 || s->side > 1 << 14))
    why = "expected a kernel of 3 or 5, a stride of 1 or 2, and a side";
  else if (s->batch < 1 || s->batch > 1 << 20)
    why = "expected a batch of images";
  if (why) {
    OrtStatus *status = refuse(n, why);
    free(n);
    return status;
  }
  if (depthwise) s->out = (s->side - 1) / s->stride + 1;
  *made = n;
  return 0;
}

static void destroy(void *n) { free(n); }

// buffers are scratch memory that no chunk uses now: as many as chunks ran at once.
typedef struct buffer {
  struct buffer *next;
  size_t size;
  char padding[48]; // what follows is aligned to 64 bytes
} buffer;

static buffer *idle;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static buffer *take(size_t floats) {
  enum { HUGE_PAGE = 2 << 20 };
  size_t size = sizeof(buffer) + floats * 4, page = size < HUGE_PAGE ? 4096 : HUGE_PAGE;
  pthread_mutex_lock(&lock);
  buffer *b = idle;
  if (b) idle = b->next;
  pthread_mutex_unlock(&lock);
  if (b && b->size >= size) return b;
  free(b);
  void *made;
  size = (size + page - 1) / page * page;
  if (posix_memalign(&made, page, size)) return 0;
#if defined(MADV_HUGEPAGE)
  if (page == HUGE_PAGE) madvise(made, size, MADV_HUGEPAGE);
#endif
  b = made;
  b->size = size;
  return b;
}

static void give(buffer *b) {
  pthread_mutex_lock(&lock);
  b->next = idle;
  idle = b;
  pthread_mutex_unlock(&lock);
}

void binas_kernels_release(void) {
  pthread_mutex_lock(&lock);
  while (idle) {
    buffer *b = idle;
    idle = b->next;
    free(b);
  }
  pthread_mutex_unlock(&lock);
}

// run is one computation of a node.
typedef struct {
  const node *node;
  shape shape;
  float *in[MOST], *out[4];
  int64_t made[2]; // rows and columns of a product
  size_t parts, chunks, scratch; // chunks of consecutive parts
  int failed;
} run;

static void chunk(void *p, size_t i) {
  run *r = p;
  buffer *b = take(r->scratch);
  if (!b) {
    __atomic_store_n(&r->failed, 1, __ATOMIC_RELAXED);
    return;
  }
  r->node->of->set->run[r->node->of->kind](&r->shape, r->parts * i / r->chunks, r->parts * (i + 1) / r->chunks, r->in, r->out, (float *)(b + 1));
  give(b);
}

// dimensions are those of a tensor as a matrix: of all but the first, the product.
static OrtStatus *dimensions(const OrtValue *v, int64_t d[2]) {
  OrtShape *info;
  int64_t all[8];
  size_t n;
  OrtStatus *status = GetTensorTypeAndShape(v, &info);
  if (status) return status;
  if (!(status = GetDimensionsCount(info, &n)) && n > 8) status = CreateStatus(2, "more than 8 dimensions");
  if (!status) status = GetDimensions(info, all, n);
  ReleaseTensorTypeAndShapeInfo(info);
  if (status) return status;
  d[0] = n ? all[0] : 1, d[1] = 1;
  for (size_t i = 1; i < n; i++) d[1] *= all[i];
  return 0;
}

// columns are those of a tensor that a letter of the signature stands for.
static int64_t columns(const shape *s, char letter) {
  switch (letter) {
  case 'm': return s->columns;
  case 'o': return s->out * s->out * s->batch;
  case 'k': return s->kernel * s->kernel;
  case 'b': return s->batch;
  case 'e': return s->batch;
  }
  return 1;
}

// fit takes the sizes from the first inputs and compares all with them.
static const char *fit(run *r, int64_t d[MOST][2]) {
  shape *s = &r->shape;
  int kind = r->node->of->kind;
  if (kind == PRODUCT || kind == OUTER) {
    int outer = kind == OUTER, across = s->transposed && !outer;
    s->rows = d[0][across], s->depth = outer ? d[1][0] : d[0][!across], s->width = d[1][1];
    if (outer ? d[0][1] != s->width : d[1][0] != s->depth) return "the sizes of the matrices do not fit";
    if (!outer && r->in[2] && (d[2][0] != s->rows || d[2][1] != s->width)) return "the matrix that is added has another size than the product";
    const int64_t *e = d[outer ? 2 : 3];
    if (r->in[outer ? 2 : 3] && (e[0] != (outer ? s->rows : s->depth) || e[1] != s->batch || s->width % s->batch)) return "the gate has another size than the matrix";
    s->by_rows = outer || s->width < 4 * s->rows; // which packs less again in every chunk
    r->parts = s->by_rows ? (s->rows + PART_ROWS - 1) / PART_ROWS : (s->width + PART_COLUMNS - 1) / PART_COLUMNS;
    r->made[0] = outer && s->transposed ? s->depth : s->rows, r->made[1] = !outer ? s->width : s->transposed ? s->rows : s->depth;
    return 0;
  }
  s->channels = r->parts = d[0][0], s->columns = d[0][1];
  if (s->out && s->columns != s->side * s->side * s->batch) return "the map has another size than its side and the batch say";
  if (s->columns % s->batch) return "the columns are no multiple of the batch";
  const char *in = signatures[kind].in;
  for (size_t i = 1; in[i]; i++) {
    int64_t want = (in[i] == 'e' ? 1 : s->channels) * columns(s, in[i]);
    if (r->in[i] && d[i][0] * d[i][1] != want) return "an input has another size than the first one asks for";
  }
  return 0;
}

// huge asks for huge pages under a large tensor, once: best before it is written for
// the first time.
static void huge(const void *tensor, size_t bytes) {
#if defined(MADV_HUGEPAGE)
  enum { PAGE = 2 << 20 };
  static uintptr_t seen[1 << 10];
  uintptr_t begin = ((uintptr_t)tensor + PAGE - 1) / PAGE * PAGE, end = ((uintptr_t)tensor + bytes) / PAGE * PAGE, pages = (end - begin) / PAGE;
  if (end <= begin || pages < 2) return;
  uintptr_t *place = &seen[(begin / PAGE * 31 + pages) % (1 << 10)];
  if (__atomic_exchange_n(place, begin + pages, __ATOMIC_RELAXED) != begin + pages) madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
}

// most is how many chunks an operator has at most: the session gives every thread as many
// in a row, and preparing one costs time.
static size_t most = 32;

static OrtStatus *compute(void *p, OrtContext *context) {
  run r = {.node = p, .shape = ((node *)p)->shape};
  const signature *g = &signatures[r.node->of->kind];
  int64_t d[MOST][2] = {{0}};
  size_t given;
  OrtStatus *status = KernelContext_GetInputCount(context, &given);
  for (size_t i = 0; !status && i < given; i++) {
    const OrtValue *v = 0;
    if ((status = KernelContext_GetInput(context, i, &v)) || !v) continue;
    if (!(status = dimensions(v, d[i]))) status = GetTensorMutableData((OrtValue *)v, (void **)&r.in[i]);
    if (!status) huge(r.in[i], d[i][0] * d[i][1] * 4);
  }
  if (status) return status;
  const char *why = fit(&r, d);
  if (why) return refuse(p, why);
  for (size_t i = 0; !status && g->out[i]; i++) {
    int64_t want[2] = {r.shape.channels + (i ? 0 : r.shape.ones), columns(&r.shape, g->out[i])};
    OrtValue *v;
    const int64_t *size = g->out[i] == 'C' ? r.made : want;
    if (!(status = KernelContext_GetOutput(context, i, size, 2, &v))) status = GetTensorMutableData(v, (void **)&r.out[i]);
    if (!status) huge(r.out[i], size[0] * size[1] * 4);
  }
  if (status || !r.parts) return status;
  long (*scratch)(const shape *) = r.node->of->set->scratch[r.node->of->kind];
  r.scratch = scratch ? scratch(&r.shape) : 16 * r.shape.batch;
  r.chunks = r.parts < most ? r.parts : most;
  status = KernelContext_ParallelFor(context, chunk, r.chunks, 0, &r);
  return status || !r.failed ? status : refuse(p, "no memory");
}

static const struct {
  const char *domain;
  const kernels *set;
} sets[] = {
    {"binas.portable", &binas_portable},
#if defined(__x86_64__)
    {"binas.avx2", &binas_avx2},
    {"binas.avx512", &binas_avx512},
#endif
};

enum { SETS = sizeof sets / sizeof *sets };

int binas_kernels_supported(int set) {
#if defined(__x86_64__)
  if (set == 1) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (set == 2) return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
#endif
  return set == 0;
}

static OrtDomain *domains[SETS];

const char *binas_kernels_open(const void *api) {
  look_up(api);
  most = 2 * sysconf(_SC_NPROCESSORS_ONLN);
  static operation operations[SETS][OPERATORS];
  for (int i = 0; i < SETS; i++) {
    OrtStatus *status = CreateCustomOpDomain(sets[i].domain, &domains[i]);
    for (int kind = 0; !status && kind < OPERATORS; kind++) {
      operations[i][kind] = (operation){
          .base = {.version = API_VERSION, .GetName = get_name, .GetExecutionProviderType = get_provider, .GetInputType = get_float, .GetInputTypeCount = get_inputs, .GetOutputType = get_float, .GetOutputTypeCount = get_outputs, .KernelDestroy = destroy, .GetInputCharacteristic = get_optional, .GetOutputCharacteristic = get_zero, .GetInputMemoryType = get_zero, .GetVariadicInputMinArity = get_one, .GetVariadicInputHomogeneity = get_one, .GetVariadicOutputMinArity = get_one, .GetVariadicOutputHomogeneity = get_one, .CreateKernelV2 = create, .KernelComputeV2 = compute, .GetStartVersion = get_one, .GetEndVersion = get_last},
          .kind = kind,
          .set = sets[i].set,
      };
      status = CustomOpDomain_Add(domains[i], &operations[i][kind].base);
    }
    if (status) return failed(sets[i].domain, status);
  }
  return 0;
}

const char *binas_kernels_add(void *options, int set) {
  OrtStatus *status = AddCustomOpDomain(options, domains[set]);
  return status ? failed(sets[set].domain, status) : 0;
}
