/* SPDX-License-Identifier: GPL-2.0-only */
/* What the benchmarks' guest and its hosts agree on, beside guest.h. */
#ifndef TESTS_GUEST_BENCH_H
#define TESTS_GUEST_BENCH_H

#define BENCH_TICKS	(DATA_BASE)	/* 64 bits, out */
#define BENCH_COUNT	(DATA_BASE + 8)	/* 32 bits, in */
#define BENCH_PORT	0x300
#define BENCH_MMIO	0x20000040	/* no memory there */
#define BENCH_MMIO_LEN	2		/* of the instruction that writes there */
#define BENCH_TOUCH	0x1000000	/* the pages to touch */
#define BENCH_PAGES	512
#define BENCH_APART	16	/* pages: as far as a fault maps around */
#define BENCH_HUGE	0x8000000	/* large pages to touch */
#define BENCH_HUGE_SIZE	0x200000
#define BENCH_HUGE_PAGES 8
#define BENCH_VECTOR	0x40	/* of the IPIs to itself */
#define BENCH_AHEAD	20000	/* ticks: longer than it takes to set the timer */

#endif /* TESTS_GUEST_BENCH_H */
