/* SPDX-License-Identifier: GPL-2.0-only */
/* What the module's shared files take from the kernel's headers, for a process. */
#ifndef NATIVE_LINUX_TYPES_H
#define NATIVE_LINUX_TYPES_H

#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;

#define likely(x)	__builtin_expect(!!(x), 1)
#undef __always_inline
#define __always_inline	inline __attribute__((__always_inline__))

#endif
