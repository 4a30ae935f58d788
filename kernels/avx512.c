//go:build cgo && !windows

#if defined(__x86_64__)

#define LANES 16
#define REGISTERS 32
#define SET binas_avx512

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma"))), apply_to = function)
#define STREAM(p, v) __builtin_nontemporal_store(v, (vf *)(p))
#else
#pragma GCC target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma,prefer-vector-width=512")
#define STREAM(p, v) __builtin_ia32_movntps512(p, v)
#endif
#define FENCE() __builtin_ia32_sfence()
#define GET_FIRST(p, left) __builtin_ia32_loadups512_mask(p, (vf){0}, (1 << (left)) - 1)
#define PUT_FIRST(p, v, left) __builtin_ia32_storeups512_mask(p, v, (1 << (left)) - 1)

#include "set.h"

#if defined(__clang__)
#pragma clang attribute pop
#endif
#endif
