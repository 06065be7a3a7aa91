/* SPDX-License-Identifier: GPL-2.0-only */
/* How much memory the kernel uses, and what of it is still there afterwards. */
#ifndef TESTS_TRACE_H
#define TESTS_TRACE_H

#include <stdbool.h>

#define MAX_CACHES	512

struct slab {
	char name[48];
	long objects;
};

struct trace {
	long free_kib, vmalloc_kib, percpu_kib;
	int caches;
	struct slab slab[MAX_CACHES];
};

void trace_look(struct trace *t);
void trace_settle(struct trace *t);	/* looks when nothing more is freed */
void trace_report(const struct trace *before, const struct trace *after);
/* Less than @kib more of anything, and of no cache @objects more. */
bool trace_gone(const struct trace *before, const struct trace *after, long kib, long objects);

#endif /* TESTS_TRACE_H */
