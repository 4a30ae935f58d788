// The part of ONNX Runtime's C interface that operators and tensors in the memory of a
// device need. Its layout is promised: new versions add functions behind the old ones.
// Who includes this has pointers of its own, which look_up sets.
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { API_VERSION = 24 };

typedef struct OrtStatus OrtStatus;
typedef struct OrtValue OrtValue;
typedef struct OrtShape OrtShape; // OrtTensorTypeAndShapeInfo
typedef struct OrtContext OrtContext; // OrtKernelContext
typedef struct OrtInfo OrtInfo; // OrtKernelInfo
typedef struct OrtDomain OrtDomain; // OrtCustomOpDomain
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtCustomOp OrtCustomOp;

typedef struct {
  void *const *(*GetApi)(uint32_t version); // a table of functions
  const char *(*GetVersionString)(void);
} OrtApiBase;

// FUNCTIONS are those used: place in the table, result, name, parameters.
#define FUNCTIONS(F) \
  F(0, OrtStatus *, CreateStatus, (int code, const char *message)) \
  F(2, const char *, GetErrorMessage, (const OrtStatus *)) \
  F(26, OrtStatus *, CreateCustomOpDomain, (const char *name, OrtDomain **)) \
  F(27, OrtStatus *, CustomOpDomain_Add, (OrtDomain *, const OrtCustomOp *)) \
  F(28, OrtStatus *, AddCustomOpDomain, (void *options, OrtDomain *)) \
  F(49, OrtStatus *, CreateTensorWithDataAsOrtValue, (const OrtMemoryInfo *, void *, size_t bytes, const int64_t *shape, size_t, int type, OrtValue **)) \
  F(51, OrtStatus *, GetTensorMutableData, (OrtValue *, void **)) \
  F(61, OrtStatus *, GetDimensionsCount, (const OrtShape *, size_t *)) \
  F(62, OrtStatus *, GetDimensions, (const OrtShape *, int64_t *, size_t)) \
  F(65, OrtStatus *, GetTensorTypeAndShape, (const OrtValue *, OrtShape **)) \
  F(68, OrtStatus *, CreateMemoryInfo, (const char *name, int allocator, int device, int kind, OrtMemoryInfo **)) \
  F(86, OrtStatus *, KernelInfoGetAttribute_int64, (const OrtInfo *, const char *, int64_t *)) \
  F(88, OrtStatus *, KernelContext_GetInputCount, (const OrtContext *, size_t *)) \
  F(90, OrtStatus *, KernelContext_GetInput, (const OrtContext *, size_t, const OrtValue **)) \
  F(91, OrtStatus *, KernelContext_GetOutput, (OrtContext *, size_t, const int64_t *, size_t, OrtValue **)) \
  F(93, void, ReleaseStatus, (OrtStatus *)) \
  F(94, void, ReleaseMemoryInfo, (OrtMemoryInfo *)) \
  F(96, void, ReleaseValue, (OrtValue *)) \
  F(99, void, ReleaseTensorTypeAndShapeInfo, (OrtShape *)) \
  F(274, OrtStatus *, KernelContext_ParallelFor, (const OrtContext *, void (*)(void *, size_t), size_t total, size_t batches, void *))

#define POINTER(place, result, name, parameters) static result(*name) parameters;
FUNCTIONS(POINTER)

static inline void look_up(void *const *api) {
#define LOOK_UP(place, result, name, parameters) name = (result(*) parameters)api[place];
  FUNCTIONS(LOOK_UP)
}

// failed is the text of a status, which it frees; the next one takes its place.
static inline const char *failed(const char *what, OrtStatus *status) {
  static char problem[300];
  snprintf(problem, sizeof problem, "%s: %s", what, GetErrorMessage(status));
  ReleaseStatus(status);
  return problem;
}

struct OrtCustomOp {
  uint32_t version;
  void *CreateKernel; // of older versions
  const char *(*GetName)(const OrtCustomOp *);
  const char *(*GetExecutionProviderType)(const OrtCustomOp *);
  int (*GetInputType)(const OrtCustomOp *, size_t);
  size_t (*GetInputTypeCount)(const OrtCustomOp *);
  int (*GetOutputType)(const OrtCustomOp *, size_t);
  size_t (*GetOutputTypeCount)(const OrtCustomOp *);
  void *KernelCompute; // of older versions
  void (*KernelDestroy)(void *);
  int (*GetInputCharacteristic)(const OrtCustomOp *, size_t);
  int (*GetOutputCharacteristic)(const OrtCustomOp *, size_t);
  int (*GetInputMemoryType)(const OrtCustomOp *, size_t);
  int (*GetVariadicInputMinArity)(const OrtCustomOp *);
  int (*GetVariadicInputHomogeneity)(const OrtCustomOp *);
  int (*GetVariadicOutputMinArity)(const OrtCustomOp *);
  int (*GetVariadicOutputHomogeneity)(const OrtCustomOp *);
  OrtStatus *(*CreateKernelV2)(const OrtCustomOp *, const void *api, const OrtInfo *, void **);
  OrtStatus *(*KernelComputeV2)(void *, OrtContext *);
  void *InferOutputShapeFn; // may be NULL, as what follows
  int (*GetStartVersion)(const OrtCustomOp *);
  int (*GetEndVersion)(const OrtCustomOp *);
  void *GetMayInplace, *ReleaseMayInplace, *GetAliasMap, *ReleaseAliasMap;
};
