// SPDX-License-Identifier: GPL-2.0-only
/* Modes, rings and gates; code that changes; breakpoints of two guests on one CPU. */
#include <string.h>

#include "machine.h"
#include "tap.h"

enum {
	COMPATIBILITY, CHANGING_CODE, WRITTEN_CODE, BREAKPOINTS,
	CALL_GATE, EXCEPTIONS, ALIGNMENT, STACK_FAULT, PAE,
};

/* What each case reports: see modes.S. A fault: vector, error code, distance. */
static const struct row {
	const char *name;
	enum cpu_mode mode;
	int entry;
	uint32_t values[MAX_VALUES];
	int count;
} rows[] = {
	{ "compatibility mode", MODE_LONG, COMPATIBILITY,
	  COUNTED(4, SEL_CODE32, 0x150, 6, 0, 0, 0x12345678, SEL_CODE64) },
	{ "code that changes itself", MODE_LONG, CHANGING_CODE,
	  COUNTED(0x100, 0x101, 0x102, 0x77) },
	{ "a page of code written anew", MODE_LONG, WRITTEN_CODE,
	  COUNTED(0xabc0, 0xabc1, 0xabc2) },
	{ "a call gate to ring 0, its parameters, and back", MODE_PROTECTED, CALL_GATE,
	  COUNTED(SEL_CODE32, SEL_DATA, 0x2222, 0x1111, 0x4b, 0, 13, 0, 0) },
	{ "exceptions of protected mode", MODE_PROTECTED, EXCEPTIONS,
	  COUNTED(0, 0, 0, 3, 0, 1, 4, 0, 1, 5, 0, 0, 6, 0, 0, 11, 0x58, 0, 12, 0x58, 0,
		  13, 0x50, 0, 13, 0x202, 0, 13, 0x58, 0) },
	{ "#AC, in ring 3 only", MODE_PROTECTED, ALIGNMENT, COUNTED(1, 17, 0, 0) },
	{ "PAE paging: PDPTEs are loaded with CR3", MODE_PROTECTED, PAE,
	  COUNTED(0x1234, 0x1234, 14, 0, 0, 0x4000a000, 13, 0, 0) },
};

/* what a guest puts into DR0 to DR3 and DR7, and should read back; DR0 0: where it will be hit */
static const uint64_t breakpoints[2][5] = {
	{ 0, 0x11111, 0x22222, 0x33333, 0x401 },
	{ 0xfff0, 0x44444, 0x55555, 0x66666, 0x4ff },
};

static void expect_hits(const struct cpu *c, int hits, const char *name)
{
	static const uint32_t hit[] = { 1, 0, 0 };
	bool good = c->nr_values == hits * ARRAY_SIZE(hit);

	for (int i = 0; good && i < c->nr_values; i++)
		good = c->values[i] == hit[i % ARRAY_SIZE(hit)];
	if (!good)
		tap_note("%d values, wanted %d", c->nr_values, hits * ARRAY_SIZE(hit));
	tap_ok(good, "%s", name);
}

/* One turn, which ends where the guest asks for the other one's. False: it has ended, or worse. */
static bool turn(struct cpu *c)
{
	int ret = run_guest(c);

	return ret == VMXHV_EXIT_IO && c->run->u.io.port == 0xf0;
}

static void take_turns(struct cpu *cpus)
{
	int turns[2] = {};
	bool go[2] = { true, true };

	for (int i = 0; i < 2; i++) {
		memcpy(cpus[i].m->ram + DATA_BASE, breakpoints[i], sizeof(breakpoints[i]));
		cpu_start(&cpus[i], MODE_LONG, BREAKPOINTS);
	}
	while (go[0] || go[1]) {
		for (int i = 0; i < 2; i++) {
			go[i] = go[i] && turn(&cpus[i]);
			turns[i] += go[i];
		}
	}
	tap_ok(turns[0] == 4 && turns[1] == 4, "two guests took turns");
	expect_hits(&cpus[0], 4, "the first one's breakpoint is hit each time");
	expect_hits(&cpus[1], 0, "the second one's is not");
	for (int i = 0; i < 2; i++) {
		const uint8_t *seen = cpus[i].m->ram + DATA_BASE + 0x1000;

		tap_ok(!memcmp(seen + 8, &breakpoints[i][1], 4 * 8),
		       "guest %d: DR1 to DR3 and DR7 are as they were", i);
	}
}

int main(void)
{
	struct machine m[2];
	struct cpu c[2];

	two_guests_create(m, c, "modes");
	for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		load_guest(&m[0], "modes");
		cpu_start(&c[0], r->mode, r->entry);
		expect_values(&c[0], r->name, r->count, r->values);
	}
	cpu_start(&c[0], MODE_PROTECTED, STACK_FAULT);
	tap_ok(run_guest(&c[0]) == VMXHV_EXIT_SHUTDOWN && c[0].nr_values == 1,
	       "a fault on a full stack is a shutdown");
	take_turns(c);
	two_guests_destroy(m, c);
	return tap_done();
}
