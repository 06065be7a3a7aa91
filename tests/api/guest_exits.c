// SPDX-License-Identifier: GPL-2.0-only
/*
 * Instructions that exit, or that must not; which privilege they ask for; INT1 and MOV DR.
 *
 * guest_exits misconfigured: with the fault that tests/cases/exits.py plants in the module.
 */
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	NOT_THERE, NOT_FOR_RING_3, PASSES, FEATURES, DESCRIPTOR_TABLES,
	GENERAL_DETECT, DR4_DR5, INT1, INT1_RING_3, PAUSES,
};

#define UD		6, 0, 0
#define GP		13, 0, 0
#define NO_FAULT	0xff

/* What each case reports: see exits.S. A fault: vector, error code, RIP's distance. */
static const struct reports rows[] = {
	{ "what the guest does not have is #UD", NOT_THERE,
	  COUNTED(UD, UD, UD, UD, UD, UD, UD, UD, UD, UD, UD, UD, UD, UD) },
	{ "ring 3 may not, whether there is an exit or not", NOT_FOR_RING_3,
	  COUNTED(GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP, GP,
		  13, 0x402, 0, UD, UD) },
	{ "INVLPG, RDTSC and PAUSE are the guest's own, RDPMC is #GP", PASSES,
	  COUNTED(NO_FAULT, NO_FAULT, NO_FAULT, GP) },
	{ "descriptor tables are the guest's own", DESCRIPTOR_TABLES,
	  COUNTED(0x4f, GDT_BASE, 0xfff, 0x5f, 0, SEL_TSS) },
	{ "DR7.GD: MOV DR is #DB, once", GENERAL_DETECT,
	  COUNTED(1, 0, 0, 0xffff2ff0, 0x400, 1, 0, 0, 0x400) },
	{ "DR4 and DR5: aliases, or #UD with CR4.DE", DR4_DR5, COUNTED(0xffff0ff1, 0x400, UD, UD) },
	{ "INT1 is a trap", INT1, COUNTED(1, 0, 1, 0xffff0ff0, 1, 0, 3) },
	{ "INT1 in ring 3", INT1_RING_3, COUNTED(1, 0, 1, UD) },
	{ "a loop of PAUSE ends", PAUSES, COUNTED(1) },
};

/* What CPUID shows, works. */
static void features(struct cpu *c)
{
	static const char *const names[] = { "RDTSCP", "INVPCID", "RDRAND", "RDSEED" };
	int at = 0;

	cpu_start(c, MODE_LONG, FEATURES);
	if (!tap_equal(run_guest(c), VMXHV_EXIT_NONE, "what CPUID shows"))
		return;
	for (int i = 0; i < ARRAY_SIZE(names); i++) {
		bool shown = c->values[at], works = c->values[at + 1] == NO_FAULT;

		if (shown)
			tap_ok(works, "%s is shown, and works", names[i]);
		else
			tap_skip(names[i], "not shown on this CPU");
		at += works ? 2 : 4;
	}
}

/* The module's own mistake, planted: the VM is dead, and says so. */
static void misconfigured(struct cpu *c)
{
	cpu_start(c, MODE_LONG, PAUSES);
	tap_equal(run(c), 0, "RUN returns 0");
	tap_equal(c->run->exit_reason, VMXHV_EXIT_INTERNAL, "the exit is INTERNAL");
	tap_equal(c->run->hw.reason, 49, "by an EPT misconfiguration");
	tap_equal(run(c), -EIO, "and the VM is dead");
}

static void every_case(struct cpu *c)
{
	for (const struct reports *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		cpu_start(c, MODE_LONG, r->entry);
		expect_values(c, r->name, r->count, r->values);
	}
	features(c);
}

int main(int argc, char **argv)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "exits");
	cpu_create(&m, &c, 0);
	if (argc > 1 && !strcmp(argv[1], "misconfigured"))
		misconfigured(&c);
	else
		every_case(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
