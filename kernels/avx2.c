//go:build cgo && !windows

#if defined(__x86_64__)

#define LANES 8
#define REGISTERS 16
#define SET binas_avx2

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define STREAM(p, v) __builtin_nontemporal_store(v, (vf *)(p))
#else
#pragma GCC target("avx2,fma")
#define STREAM(p, v) __builtin_ia32_movntps256(p, v)
#endif
#define FENCE() __builtin_ia32_sfence()

#include "set.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
