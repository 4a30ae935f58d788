//go:build cgo && !windows

// Vectors of four floats: SSE2 of every x86-64, NEON of every arm64, and what the
// compiler makes of them elsewhere.
#define LANES 4
#if defined(__aarch64__)
#define REGISTERS 32
#else
#define REGISTERS 16
#endif
#define SET binas_portable
#define STREAM(p, v) store(p, v)
#define FENCE() (void)0

#include "set.h"
