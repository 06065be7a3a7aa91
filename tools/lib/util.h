/* SPDX-License-Identifier: GPL-2.0-only */
/* What the kernel has and the C library has not; and what library and launcher both need. */
#ifndef TOOLS_UTIL_H
#define TOOLS_UTIL_H

#include <stdbool.h>
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

#define LINEAR_BITS_LA48	48	/* 4-level paging, the only one that guests have */

/*
 * Is a linear address canonical? For an access by the width of the paging; what is loaded into a
 * descriptor-table register goes by the CPU's, whatever CR4.LA57 is (SDM: "System Registers
 * Containing Linear Addresses").
 */
static inline bool linear_canonical(uint64_t address, unsigned int width)
{
	return (uint64_t)((int64_t)(address << (64 - width)) >> (64 - width)) == address;
}

#endif /* TOOLS_UTIL_H */
