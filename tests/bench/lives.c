// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ticks of making and ending VMs. What a life leaves to be freed later is let out of the way before
 * the next sample begins; what a call waits for is its own.
 */
#include <stdbool.h>
#include <unistd.h>
#include <x86intrin.h>

#include "side.h"

#define SETTLE_US	20000	/* a grace period and what hangs on it */

static const struct side *side;
static int vm, vcpu;

static void vm_create(void)
{
	vm = side->vm_create();
}

static void vm_with_apic(void)
{
	vm_create();
	side->apic(vm);
}

static void vm_destroy(void)
{
	close(vm);
}

static void vcpu_create(void)
{
	vcpu = side->vcpu_create(vm);
}

static void both_destroy(void)
{
	close(vcpu);
	close(vm);
}

static void life(void)
{
	side->life(CASE_LIFE);
}

static const struct life_row {
	const char *name, *first_name;	/* beside another VM, and without one */
	void (*before)(void);
	void (*measured)(void);
	void (*after)(void);
} rows[] = {
	{ "vm-create", "vm-create-cold", NULL, vm_create, vm_destroy },
	{ "vm-destroy", "vm-destroy-cold", vm_create, vm_destroy, NULL },
	{ "vcpu-create", NULL, vm_with_apic, vcpu_create, both_destroy },
	{ "life", "life-cold", NULL, life, NULL },
};

static double once(const struct life_row *r)
{
	uint64_t start, end;

	if (r->before)
		r->before();
	usleep(SETTLE_US);
	await_tick();
	start = __rdtsc();
	r->measured();
	end = __rdtsc();
	if (r->after)
		r->after();
	return end - start;
}

void lives(const struct side *which, bool first)
{
	double ticks[MAX_SAMPLES];

	side = which;
	for (int row = 0; row < ARRAY_SIZE(rows); row++) {
		const char *name = first ? rows[row].first_name : rows[row].name;

		if (!name)
			continue;
		once(&rows[row]);
		for (int i = 0; i < samples; i++)
			ticks[i] = once(&rows[row]);
		report(side, name, figure(ticks));
	}
}

static void again_and_again(const void *row, uint32_t count)
{
	while (count--)
		once(row);
}

/* What comes before and after an operation is counted with it. */
void lives_count(const struct side *which)
{
	side = which;
	for (int row = 0; row < ARRAY_SIZE(rows); row++)
		count_row(rows[row].name, again_and_again, &rows[row], 4);
}
