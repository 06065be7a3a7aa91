/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has and the C library has not; and what library and launcher both need. */
#ifndef TOOLS_UTIL_H
#define TOOLS_UTIL_H

#include <stdint.h>

#define BIT(n)		(1u << (n))
#define BIT_ULL(n)	(1ull << (n))
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define __printf(f, first)	__attribute__((__format__(printf, f, first)))
#define __noreturn	__attribute__((__noreturn__))

/* The bits of a value of @width bytes. */
static inline uint64_t width_mask(unsigned int width)
{
	return width >= 8 ? ~0ull : (1ull << (8 * width)) - 1;
}

#endif /* TOOLS_UTIL_H */
