// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often vmxhv touches the VMCS and MSRs for one operation: by a module that counts. Two runs of
 * a case that differ in nothing but the number of operations: what comes once a run cancels out.
 */
#include <stdio.h>

#include "side.h"

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

static struct counts counts_of(void (*operation)(const void *, uint32_t), const void *of,
			       uint32_t count)
{
	struct counts before = counts_now(), after;

	operation(of, count);
	after = counts_now();
	return (struct counts){ after.reads - before.reads, after.writes - before.writes,
				after.msrs - before.msrs };
}

void count_row(const char *name, void (*operation)(const void *, uint32_t), const void *of,
	       uint32_t count)
{
	struct counts few, many;
	double n;

	operation(of, count);
	few = counts_of(operation, of, count / 2);
	many = counts_of(operation, of, count);
	n = count - count / 2;
	printf("count %s %.2f %.2f %.2f\n", name, (many.reads - few.reads) / n,
	       (many.writes - few.writes) / n, (many.msrs - few.msrs) / n);
}
