/* SPDX-License-Identifier: GPL-2.0-only */
/* Times of one clock in another's: exact, also where the product has more than 64 bits. */
#ifndef DEVICES_SCALE_H
#define DEVICES_SCALE_H

#include <stdint.h>

/* @value * @by / @of, rounded down; the quotient is what must have no more than 64 bits. */
static inline uint64_t scale(uint64_t value, uint32_t by, uint32_t of)
{
	return value / of * by + value % of * by / of;
}

/* The same, rounded up. */
static inline uint64_t scale_up(uint64_t value, uint32_t by, uint32_t of)
{
	return value / of * by + (value % of * by + of - 1) / of;
}

#endif /* DEVICES_SCALE_H */
