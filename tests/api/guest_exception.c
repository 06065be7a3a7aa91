// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions that userspace is told of before the guest gets them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

static struct machine m;
static struct cpu c;

static const struct row {
	const char *name;
	unsigned int entry;
	uint32_t ecx;
	struct vmxhv_exit_exception exit;
	uint32_t rip_len;	/* RIP is that far behind the case's instruction */
	int count;
	uint32_t delivered[6];	/* what the guest reports then */
} rows[] = {
	{ "#UD", UD2, 0, { .vector = 6 }, 0, 4, { 6, 0, 0, 0x55 } },
	{ "#PF", READ_NOWHERE, 0,
	  { .vector = 14, .has_error = 1, .has_payload = 1, .payload = 0x40001234 },
	  0, 4, { 14, 0, 0, 0x40001234 } },
	{ "#GP with a selector", BAD_SELECTOR, 0x58,
	  { .vector = 13, .has_error = 1, .error_code = 0x58 }, 0, 3, { 13, 0x58, 0 } },
	{ "#BP", BREAKPOINT, 0, { .vector = 3 }, 0, 4, { 3, 0, 1, 0x55 } },
	{ "INT3 of three bytes", BREAKPOINT_WIDE, 0, { .vector = 3 }, 0, 4, { 3, 0, 3, 0x55 } },
	{ "#DB", SINGLE_STEP, 0, { .vector = 1, .has_payload = 1, .payload = 0x4000 },
	  0, 4, { 1, 0, 0, 0xffff4ff0 } },
	{ "#NP in the delivery of #PF", NESTED, 0,
	  { .vector = 11, .has_error = 1, .error_code = 14 * 8 + 3 }, 0, 3, { 8, 0, 0 } },
};

static void start(uint32_t exceptions)
{
	configured(&m, &c, &(const struct vmxhv_config){ .exceptions = exceptions }, "config");
}

static void end(void)
{
	cpu_destroy(&c);
	machine_destroy(&m);
}

static bool exits_as(const struct row *r)
{
	const struct vmxhv_exit_exception *e = &c.run->u.exception;
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	int ret;

	prepare(&c, r->entry, r->ecx, 0);
	ret = run_guest(&c);
	if (ret != VMXHV_EXIT_EXCEPTION || c.nr_values)
		return tap_note("%s, %d values", exit_name(ret), c.nr_values), false;
	get_group(&c, VMXHV_STATE_GPRS, &gprs, sizeof(gprs));
	get_group(&c, VMXHV_STATE_SREGS, &sregs, sizeof(sregs));
	if (e->vector != r->exit.vector || e->has_error != r->exit.has_error ||
	    e->has_payload != r->exit.has_payload || e->error_code != r->exit.error_code ||
	    e->payload != r->exit.payload || e->deliver)
		return tap_note("vector %u, error %u: %#x, payload %u: %#llx, deliver %u",
				e->vector, e->has_error, e->error_code, e->has_payload,
				e->payload, e->deliver), false;
	if (gprs.rip != gprs.gpr[14] + r->rip_len ||
	    sregs.cr2 != (r->entry == NESTED ? 0x40001234 : 0))
		return tap_note("RIP %#llx, R14 %#llx, CR2 %#llx", gprs.rip, gprs.gpr[14],
				sregs.cr2), false;
	return true;
}

/* Each alone: the exit, and what the guest sees when it is delivered. */
static void one_by_one(void)
{
	for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++) {
		char what[80];

		start(1u << r->exit.vector);
		tap_ok(exits_as(r), "%s exits", r->name);
		tap_equal(!!(c.run->exit_flags & VMXHV_EXITF_DELIVERY), r->entry == NESTED,
			  "whether it interrupted a delivery");
		c.run->u.exception.deliver = 1;
		snprintf(what, sizeof(what), "%s: delivered", r->name);
		expect_values(&c, what, r->count, r->delivered);
		end();
	}
}

/* The page comes while userspace has the exit; and it goes on at the same instruction. */
static void goes_on(void)
{
	uint64_t *pdpt;

	start(1u << 14);
	pdpt = (uint64_t *)(m.ram + PAGE_TABLES + 0x1000);
	exits_as(&rows[1]);
	tap_equal(run_guest(&c), VMXHV_EXIT_EXCEPTION, "#PF: it comes again if nothing is done");
	*(uint32_t *)(m.ram + 0x1234) = 0x1357;
	pdpt[1] = pdpt[0];
	tap_equal(run_guest(&c), VMXHV_EXIT_NONE, "#PF: not if there is a page now");
	tap_ok(c.nr_values == 2 && c.values[0] == 0x1357 && !c.values[1],
	       "#PF: the guest has not seen any of it");
	end();
}

/* Over the instruction, by new registers. */
static void over_it(void)
{
	start(1u << 6);
	c.run->wanted = VMXHV_GROUP_GPRS;
	exits_as(&rows[0]);
	c.run->gprs.rip += 2;
	c.run->dirty = VMXHV_GROUP_GPRS;
	EXPECT(&c, "#UD: skipped", 0x55);
	end();
}

static int inject(uint8_t vector)
{
	struct vmxhv_inject in = {
		.size = sizeof(in), .vector = vector, .has_error = vector == 13,
	};

	return call(c.fd, VMXHV_INJECT, &in);
}

/* What waits keeps its length when it moves. */
static void through_state(void)
{
	struct vmxhv_events e;

	get_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e));
	tap_equal(e.pending.insn_len, 3, "it waits with its length");
	e.pending.insn_len = 16;
	tap_equal(-set_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)), EINVAL,
		  "16 bytes are refused");
	e.pending.insn_len = 3;
	tap_equal(set_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)), 0, "and can be set so");
}

static void by_inject(void)
{
	start(1u << 3 | 1u << 11);
	exits_as(&rows[3]);
	tap_equal(inject(3), 0, "#BP: INJECT gives it to the guest, too");
	EXPECT(&c, "#BP: injected", 3, 0, 1, 0x55);
	exits_as(&rows[3]);
	tap_equal(inject(13), 0, "#BP: another exception instead");
	EXPECT(&c, "#BP: replaced", 13, 0, 0, 0x55);
	exits_as(&rows[4]);
	tap_equal(inject(3), 0, "INT3 of three bytes: INJECT");
	through_state();
	EXPECT(&c, "INT3 of three bytes: injected as long as it is", 3, 0, 3, 0x55);
	exits_as(&rows[6]);
	tap_equal(-inject(13), EAGAIN, "INJECT: not while an event is being delivered");
	end();
}

static void others(void)
{
	start(1u << 6);
	prepare(&c, BAD_SELECTOR, 0x58, 0);
	EXPECT(&c, "#GP does not exit where #UD does", 13, 0x58, 0);
	end();
}

static void debug(uint32_t control)
{
	struct vmxhv_debug d = { .size = sizeof(d), .control = control };

	tap_equal(call(c.fd, VMXHV_DEBUG, &d), 0, "DEBUG");
}

/* A debugger takes what is its own; the guest's own exceptions exit as without one. */
static void with_debugger(void)
{
	start(1u << 3 | 1u << 6 | 1u << 1);
	prepare(&c, BREAKPOINT, 0, 0);
	debug(VMXHV_DEBUG_INT3);
	tap_equal(run_guest(&c), VMXHV_EXIT_DEBUG, "INT3 is the debugger's if it asked for it");
	debug(0);
	tap_equal(run_guest(&c), VMXHV_EXIT_EXCEPTION, "INT3 exits as #BP if it did not");

	prepare(&c, BREAKPOINT_WIDE, 0, 0);
	debug(VMXHV_DEBUG_INT3);
	tap_equal(run_guest(&c), VMXHV_EXIT_DEBUG, "INT3 of three bytes, too");
	debug(0);
	tap_equal(inject(3), 0, "which gives it to the guest");
	EXPECT(&c, "and it has three bytes", 3, 0, 3, 0x55);

	prepare(&c, UD2, 0, 0);
	debug(VMXHV_DEBUG_STEP);
	do {
		run_guest(&c);
	} while (c.run->exit_reason == VMXHV_EXIT_DEBUG);
	tap_ok(c.run->exit_reason == VMXHV_EXIT_EXCEPTION && c.run->u.exception.vector == 6,
	       "stepping: #UD exits");
	c.run->u.exception.deliver = 1;
	tap_equal(run_guest(&c), VMXHV_EXIT_DEBUG, "stepping: its delivery is a step");
	debug(0);
	EXPECT(&c, "stepping: the guest got it", 6, 0, 0, 0x55);

	prepare(&c, READ_NOWHERE, 0, 0);
	debug(VMXHV_DEBUG_STEP);
	while (run_guest(&c) == VMXHV_EXIT_DEBUG)
		;
	tap_equal(c.nr_values, 4, "stepping: other exceptions are delivered at once");
	end();
}

/* UD2 without an IDT: each exception of the delivery exits, the third makes a triple fault. */
static void shut_down(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	struct vmxhv_events e;
	struct vmxhv_gprs g;
	struct vmxhv_sregs s;
	int exits = 0;

	start(1u << 13);
	prepare(&c, UD2, 0, 0);
	if (get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)) ||
	    get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("GET_STATE");
	memcpy(m.ram + 0x8000, "\x0f\x0b", 2);
	g.rip = 0x8000;
	s.idtr.limit = 0;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)) ||
	    set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("SET_STATE");
	do {
		if (run_guest(&c) != VMXHV_EXIT_EXCEPTION)
			break;
		exits++;
		c.run->u.exception.deliver = 1;
		if (call(c.fd, VMXHV_RUN, &args) ||
		    get_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)))
			tap_bail("COMPLETE_ONLY");
	} while (exits < 3);
	tap_equal(exits, 3, "without an IDT: #GP, #GP, #GP");
	tap_equal(e.activity, VMXHV_SHUTDOWN,
		  "a triple fault that was not reported is in the state");
	tap_equal(set_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)), 0, "and can be set so");
	tap_equal(run_guest(&c), VMXHV_EXIT_SHUTDOWN, "which is reported then");
	e.activity = VMXHV_ACTIVE;
	set_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e));
	prepare(&c, UD2, 0, 0);
	EXPECT(&c, "and over when EVENTS says so", 6, 0, 0, 0x55);
	end();
}

int main(void)
{
	one_by_one();
	shut_down();
	goes_on();
	over_it();
	by_inject();
	others();
	with_debugger();
	return tap_done();
}
