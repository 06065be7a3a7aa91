// SPDX-License-Identifier: GPL-2.0-only
/*
 * FAIL_ENTRY: fail_entry NAME, where NAME is the fault that tests/cases/fail_entry.py planted in
 * the module. Entries in long mode fail, in other modes they do not: so it can be seen that a
 * failed entry costs the vCPU nothing.
 */
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

/**
 * struct row - what a fault must be reported as
 * @insn_error: VM-instruction error, or 0
 * @reason: exit reason, or 0
 * @qualification: exit qualification: of an MSR that could not be loaded, which one
 * @rule: of the entry checker
 * @field: VMCS encoding
 * @mask: bits of the field that are looked at: the rest depends on the CPU
 * @value: these bits as they were ...
 * @wanted: ... and as they should be
 */
struct row {
	const char *name;
	uint32_t insn_error, reason, qualification, rule, field;
	uint64_t mask, value, wanted;
	const char *text;
};

static const struct row rows[] = {
	{ "bad-control", 7, 0, 0, 101, 0x4000, 1 << 7, 1 << 7, 0,
	  "PIN_BASED_VM_EXEC_CONTROL: not as this CPU allows: PIN_BASED_POSTED_INTR" },
	{ "bad-host", 8, 0, 0, 211, 0x0c02, ~0ull, 0x13, 0x10,
	  "HOST_CS_SELECTOR: host CS: RPL and TI must be 0" },
	{ "bad-guest", 0, 0x80000021, 0, 310, 0x6824, ~0ull, 1ull << 63, 0,
	  "GUEST_SYSENTER_ESP: guest SYSENTER_ESP is not canonical" },
	{ "bad-msr", 0, 0x80000022, 1, 0, 0, ~0ull, 0, 0, "MSR_LOAD_FAIL" },
};

static struct machine m;
static struct cpu c;

static const struct row *row_of(const char *name)
{
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	}
	tap_bail("no fault is named %s", name);
}

static void fails(const struct row *want)
{
	const struct vmxhv_exit_fail_entry *fail = &c.run->u.fail_entry;
	uint64_t sequence = c.run->sequence;

	memset(&c.run->u, 0xee, sizeof(c.run->u));
	tap_equal(run(&c), 0, "RUN returns 0");
	tap_equal(c.run->exit_reason, VMXHV_EXIT_FAIL_ENTRY, "the exit is FAIL_ENTRY");
	tap_equal(c.run->sequence, sequence + 1, "one exit more");
	tap_equal(c.run->exit_flags, 0, "nothing is left to complete");
	tap_equal(fail->insn_error, want->insn_error, "VM-instruction error");
	tap_equal(fail->reason, want->reason, "exit reason");
	tap_equal(fail->qualification, want->qualification, "exit qualification");
	tap_equal(fail->rule, want->rule, "rule");
	tap_equal(fail->field, want->field, "field");
	tap_equal(fail->value & want->mask, want->value, "value");
	tap_equal(fail->wanted & want->mask, want->wanted, "value wanted");
	if (strcmp(fail->text, want->text))
		tap_note("seen '%.96s', wanted '%s'", fail->text, want->text);
	tap_ok(!strcmp(fail->text, want->text), "the sentence");
}

/* An event that was to be delivered with the entry waits for one that works. */
static void keeps_the_event(void)
{
	struct vmxhv_inject ud = {
		.size = sizeof(ud), .kind = VMXHV_INJECT_EXCEPTION, .vector = 6 };
	struct vmxhv_events events;

	tap_equal(call(c.fd, VMXHV_INJECT, &ud), 0, "an exception for the next entry");
	for (int i = 0; i < 2; i++) {
		tap_equal(run(&c), 0, "RUN returns 0");
		tap_equal(c.run->exit_reason, VMXHV_EXIT_FAIL_ENTRY, "the exit is FAIL_ENTRY");
		tap_equal(c.run->exit_flags, VMXHV_EXITF_DELIVERY, "an event was on its way");
		get_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events));
		tap_equal(events.injected.info, 0x80000306, "it is still there");
	}
}

/* The state that failed is the state that is there: it can be read, and mended. */
static void mended(void)
{
	struct vmxhv_sregs sregs;
	struct vmxhv_gprs gprs;
	uint64_t rip;

	memcpy(&rip, m.ram + GUEST_BASE, 8);
	tap_equal(get_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs)), 0, "GET_STATE");
	tap_equal(sregs.efer, 0x500, "the guest is still in long mode");
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	tap_equal(gprs.rip, rip, "at the instruction where it was to begin");
	cpu_start(&c, MODE_PROTECTED, 0);
	EXPECT(&c, "the same vCPU runs in protected mode", 0x1234);
}

int main(int argc, char **argv)
{
	const struct row *want = row_of(argc > 1 ? argv[1] : "");

	machine_create(&m, 1 << 20);
	load_guest(&m, "plain");
	cpu_create(&m, &c, 0);
	/* on a VMCS that was never entered, again without a change, and on one that was */
	cpu_start(&c, MODE_LONG, 0);
	fails(want);
	fails(want);
	mended();
	cpu_start(&c, MODE_LONG, 0);
	fails(want);
	keeps_the_event();
	mended();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
