// SPDX-License-Identifier: GPL-2.0-only
/*
 * How often what a guest taught the branch predictors is thrown away, by a module that counts: each
 * time that another vCPU runs on the CPU, also one of the same VM, and not while it is the same.
 */
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "machine.h"

#define COUNTS		"/sys/module/vmxhv/parameters/counts"
#define TURNS		100

/* out %al, $0x80; jmp back */
static const uint8_t program[] = { 0xe6, 0x80, 0xeb, 0xfc };

static unsigned long long barriers(void)
{
	unsigned long long count;
	char line[128];

	if (read_line(COUNTS, line, sizeof(line)) ||
	    sscanf(line, "%*u %*u %*u %llu", &count) != 1)
		tap_bail(COUNTS);
	return count;
}

static void start(struct machine *m, struct cpu *c, uint32_t id)
{
	cpu_create(m, c, id);
	memcpy(m->ram + GUEST_BASE, &(const uint64_t){ GUEST_BASE + 8 }, 8);
	memcpy(m->ram + GUEST_BASE + 8, program, sizeof(program));
	cpu_start(c, MODE_REAL, 0);
}

static unsigned long long take_turns(struct cpu *a, struct cpu *b)
{
	const unsigned long long before = barriers();
	int i, wrong = 0;

	for (i = 0; i < TURNS; i++) {
		wrong += run(a) || a->run->exit_reason != VMXHV_EXIT_IO;
		wrong += run(b) || b->run->exit_reason != VMXHV_EXIT_IO;
	}
	if (wrong)
		tap_bail("%d of %d RUNs failed", wrong, 2 * TURNS);
	return barriers() - before;
}

int main(void)
{
	struct cpu a, b, other;
	struct machine m, n;
	unsigned long long n_same;

	machine_create(&m, 1 << 20);
	machine_tables(&m);
	start(&m, &a, 0);
	start(&m, &b, 1);
	machine_create(&n, 1 << 20);
	machine_tables(&n);
	start(&n, &other, 0);

	take_turns(&a, &a);
	n_same = take_turns(&a, &a);
	tap_equal(n_same, 0, "one vCPU alone: none");
	tap_ok(take_turns(&a, &b) >= 2 * TURNS - 1, "two of one VM: each time");
	tap_ok(take_turns(&a, &other) >= 2 * TURNS - 1, "of two VMs: each time");

	cpu_destroy(&other);
	machine_destroy(&n);
	cpu_destroy(&b);
	cpu_destroy(&a);
	machine_destroy(&m);
	return tap_done();
}
