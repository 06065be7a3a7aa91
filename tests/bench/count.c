// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often vmxhv touches the VMCS and MSRs for one operation: by a module that counts. Two runs of
 * a case that differ in nothing but the number of operations: what comes once a run cancels out.
 */
#include <stdio.h>

#include "side.h"

#define RUNS		3
#define COUNTS		"/sys/module/vmxhv/parameters/counts"

struct counts {
	unsigned long long reads, writes, msrs;
};

static struct counts counts_now(void)
{
	struct counts c;
	FILE *f = fopen(COUNTS, "re");

	if (!f || fscanf(f, "%llu %llu %llu", &c.reads, &c.writes, &c.msrs) != 3)
		die(COUNTS);
	fclose(f);
	return c;
}

static unsigned long long least(unsigned long long a, unsigned long long b)
{
	return a < b ? a : b;
}

/* The least of some runs: an interrupt of the host's can only add to one. */
static struct counts counts_of(void (*operation)(const void *, uint32_t), const void *of,
			       uint32_t count)
{
	struct counts c = { -1ull, -1ull, -1ull };

	for (int i = 0; i < RUNS; i++) {
		struct counts before = counts_now(), after;

		operation(of, count);
		after = counts_now();
		c.reads = least(c.reads, after.reads - before.reads);
		c.writes = least(c.writes, after.writes - before.writes);
		c.msrs = least(c.msrs, after.msrs - before.msrs);
	}
	return c;
}

static double each(unsigned long long many, unsigned long long few, uint32_t count)
{
	return ((double)many - (double)few) / count;
}

void count_row(const char *name, void (*operation)(const void *, uint32_t), const void *of,
	       uint32_t count)
{
	const uint32_t half = count / 2, rest = count - half;
	struct counts few, many;

	operation(of, count);
	few = counts_of(operation, of, half);
	many = counts_of(operation, of, count);
	printf("count %s %.2f %.2f %.2f\n", name, each(many.reads, few.reads, rest),
	       each(many.writes, few.writes, rest), each(many.msrs, few.msrs, rest));
}
