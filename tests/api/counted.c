// SPDX-License-Identifier: GPL-2.0-only
/*
 * What leaves no trace but its cost, by a module that counts. What a guest taught the branch
 * predictors is thrown away each time that another vCPU runs on the CPU, also one of the same VM,
 * and not while it is the same. The host's IA32_DEBUGCTL, which perf changes by IPI at any time, is
 * read in each burst of entries.
 */
#include <stdio.h>
#include <string.h>

#include "host.h"
#include "machine.h"

#define COUNTS		"/sys/module/vmxhv/parameters/counts"
#define TURNS		100

/* out %al, $0x80; jmp back */
static const uint8_t program[] = { 0xe6, 0x80, 0xeb, 0xfc };

/* mov $100, %cx; each: mov %cr0, %eax; xor $1 << 30, %eax; mov %eax, %cr0; loop each; out; jmp */
static const uint8_t changes_cr0[] = {
	0xb9, TURNS, 0,
	0x0f, 0x20, 0xc0, 0x66, 0x35, 0, 0, 0, 0x40, 0x0f, 0x22, 0xc0, 0xe2, 0xf2,
	0xe6, 0x80, 0xeb, 0xfc,
};

struct counts {
	unsigned long long msrs, barriers;
};

static struct counts counts(void)
{
	struct counts c;
	char line[128];

	if (read_line(COUNTS, line, sizeof(line)) ||
	    sscanf(line, "%*u %*u %llu %llu", &c.msrs, &c.barriers) != 2)
		tap_bail(COUNTS);
	return c;
}

static void start(struct machine *m, struct cpu *c, uint32_t id)
{
	cpu_create(m, c, id);
	load_code(m, program, sizeof(program));
	cpu_start(c, MODE_REAL, 0);
}

static unsigned long long take_turns(struct cpu *a, struct cpu *b)
{
	const unsigned long long before = counts().barriers;
	int i, wrong = 0;

	for (i = 0; i < TURNS; i++) {
		wrong += run(a) || a->run->exit_reason != VMXHV_EXIT_IO;
		wrong += run(b) || b->run->exit_reason != VMXHV_EXIT_IO;
	}
	if (wrong)
		tap_bail("%d of %d RUNs failed", wrong, 2 * TURNS);
	return counts().barriers - before;
}

int main(void)
{
	struct cpu a, b, other;
	struct machine m, n;
	struct counts before;

	machine_create(&m, 1 << 20);
	machine_tables(&m);
	start(&m, &a, 0);
	start(&m, &b, 1);
	machine_create(&n, 1 << 20);
	machine_tables(&n);
	start(&n, &other, 0);

	take_turns(&a, &a);
	tap_equal(take_turns(&a, &a), 0, "one vCPU alone: none");
	tap_ok(take_turns(&a, &b) >= 2 * TURNS - 1, "two of one VM: each time");
	tap_ok(take_turns(&a, &other) >= 2 * TURNS - 1, "of two VMs: each time");

	/* CR0.CD is the module's: an exit each, and a burst */
	load_code(&m, changes_cr0, sizeof(changes_cr0));
	cpu_start(&a, MODE_REAL, 0);
	before = counts();
	tap_ok(!run(&a) && a.run->exit_reason == VMXHV_EXIT_IO, "a hundred bursts");
	tap_ok(counts().msrs - before.msrs >= TURNS, "each reads IA32_DEBUGCTL");

	cpu_destroy(&other);
	machine_destroy(&n);
	cpu_destroy(&b);
	cpu_destroy(&a);
	machine_destroy(&m);
	return tap_done();
}
