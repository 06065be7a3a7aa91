// SPDX-License-Identifier: GPL-2.0-only
/*
 * A debugger in userspace: the guest goes step by step and does not notice; breakpoints and
 * watchpoints of both; what DEBUG refuses. Each guest case runs without a debugger first.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libvmxhv.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	PLAIN, FLAGS, FRAMES, SYSCALL, OWN_TRAP, OWN_TRAP_STI, OWN_POINT, EXITS, NMI, SHADOWS,
	REPEAT, MMIO, PAGE_FAULT, DEBUGCTL, REAL, PROTECTED, HALT, LOOP, STORE, INT3,
	REPEAT_IO, FULL, CASES
};

#define MAX_STOPS	1000

static struct machine m;
static struct cpu c;
static struct vmxhv_exit_debug stops[MAX_STOPS];
static int nr_stops;
static bool saw_tf;		/* in the registers of a stop */

/* What a case reports, with and without a debugger. */
static const struct {
	const char *name;
	int entry, count;
	uint32_t values[8];
} rows[] = {
	{ "plain instructions", PLAIN, 1, { 2 } },
	{ "PUSHF and POPF", FLAGS, 3, { 0, 0x40ed7, 0 } },
	{ "frames of INT, faults and INT3", FRAMES, 8, { 0, 1, 0, 2, 3, 0, 1, 3 } },
	{ "SYSCALL and SYSRET", SYSCALL, 3, { 0, 0, 0 } },
	{ "the guest's own TF", OWN_TRAP, 4, { 1, 0, 1, 0xffff4ff0 } },
	{ "the guest's own TF, and STI", OWN_TRAP_STI, 4, { 1, 0, 1, 0xffff4ff0 } },
	{ "the guest's own watchpoint", OWN_POINT, 5, { 1, 0, 11, 0xffff0ff1, 0xd0402 } },
	{ "instructions that exit", EXITS, 2, { 0x1234, 0x400 } },
	{ "an NMI", NMI, 4, { 2, 0, 0, 4 } },
	{ "STI and MOV SS", SHADOWS, 1, { 0 } },
	{ "a repeated instruction", REPEAT, 1, { 0 } },
	{ "a repeated instruction that exits", REPEAT_IO, 1, { 0 } },
	{ "MMIO", MMIO, 1, { 0 } },
	{ "a page fault", PAGE_FAULT, 4, { 14, 0, 0, 0x40000123 } },
	{ "DEBUGCTL", DEBUGCTL, 5, { 2, 13, 0, 0, 0 } },
	{ "real mode", REAL, 2, { 0, 0x99 } },
	{ "protected mode", PROTECTED, 2, { 0, 0 } },
};

static void debug(struct vmxhv_debug d)
{
	int ret;

	d.size = sizeof(d);
	ret = call(c.fd, VMXHV_DEBUG, &d);
	if (ret)
		tap_bail("DEBUG: %s: %.96s", strerror(-ret), last_error(c.fd).text);
}

static void stop_debugging(void)
{
	debug((struct vmxhv_debug){});
}

/* What the guest asks the host for. */
static bool answered(int ret)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };

	if (ret == VMXHV_EXIT_MMIO) {
		c.run->u.mmio.completion = VMXHV_MMIO_RETIRE;
		c.run->u.mmio.retire_len = 2;
		return true;
	}
	if (ret != VMXHV_EXIT_IO)
		return false;
	if (c.run->u.io.port == 0xf0)
		return !call(c.fd, VMXHV_INJECT, &nmi);
	if (c.run->u.io.port == 0xf1)
		c.run->u.io.data = 0x1234;
	return c.run->u.io.port == 0xf1;
}

/* Runs on to the end of the case or to what is not the debugger's; all stops are noted. */
static int run_debugged(void)
{
	int ret;

	nr_stops = 0;
	saw_tf = false;
	c.run->wanted = VMXHV_GROUP_GPRS;
	do {
		ret = run_guest(&c);
		if (ret == VMXHV_EXIT_DEBUG && nr_stops < MAX_STOPS) {
			stops[nr_stops++] = c.run->u.debug;
			saw_tf |= c.run->gprs.rflags & 0x100;
		}
	} while ((ret == VMXHV_EXIT_DEBUG && nr_stops < MAX_STOPS) || answered(ret));
	return ret;
}

static bool as_wanted(int ret, int row)
{
	bool good = ret == VMXHV_EXIT_NONE && c.nr_values == rows[row].count &&
		    !memcmp(c.values, rows[row].values, 4 * rows[row].count);

	if (ret < 0)
		tap_note("RUN: %s: %.96s", strerror(-ret), last_error(c.fd).text);
	else if (ret)
		note_exit(&c);
	for (int i = 0; !good && i < c.nr_values; i++)
		tap_note("value %d: %#x", i, c.values[i]);
	return good;
}

/* The addresses at which a case stops, as the image lists them; the first is where it begins. */
static const uint64_t *listed(int entry)
{
	uint64_t at;

	memcpy(&at, m.ram + GUEST_BASE + 8 * (CASES + entry), 8);
	return at ? (const uint64_t *)(m.ram + at) : NULL;
}

static bool stopped_as_listed(int entry)
{
	const uint64_t *list = listed(entry);
	bool good = true;
	int i;

	for (i = 0; list && i < nr_stops; i++)
		good = good && list[i + 1] && stops[i].pc == list[i + 1];
	good = good && (!list || !list[i + 1]);
	for (i = 0; i < nr_stops && list && !good; i++)
		tap_note("stop %d at %#llx", i, stops[i].pc);
	for (i = 0; i < nr_stops; i++)
		if (stops[i].kind != VMXHV_DEBUG_STEP || stops[i].dr6 != 0x4000)
			return false;
	return good;
}

static enum cpu_mode mode_of(int entry)
{
	return entry == REAL ? MODE_REAL : entry == PROTECTED ? MODE_PROTECTED : MODE_LONG;
}

static void all_cases(void)
{
	for (int i = 0; i < ARRAY_SIZE(rows); i++) {
		enum cpu_mode mode = mode_of(rows[i].entry);
		bool own_tf = rows[i].entry == OWN_TRAP || rows[i].entry == OWN_TRAP_STI;

		cpu_start(&c, mode, rows[i].entry);
		tap_ok(as_wanted(run_debugged(), i), "%s: alone", rows[i].name);
		cpu_start(&c, mode, rows[i].entry);
		debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_STEP });
		tap_ok(as_wanted(run_debugged(), i), "%s: step by step", rows[i].name);
		tap_note("%d steps", nr_stops);
		tap_ok(nr_stops >= 3 && stopped_as_listed(rows[i].entry), "%s: where it stops",
		       rows[i].name);
		tap_ok(saw_tf == own_tf, "%s: whose TF it is", rows[i].name);
		stop_debugging();
	}
}

/* HLT is a step; then the guest sleeps until something comes, and that is the next. */
static void halted(void)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };
	const uint64_t *list = listed(HALT);
	struct vmxhv_events events = {};

	cpu_start(&c, MODE_LONG, HALT);
	debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_STEP });
	run_guest(&c);
	tap_equal(run_guest(&c), VMXHV_EXIT_DEBUG, "HLT: a step");
	tap_equal(c.run->u.debug.pc, list[2], "HLT: behind it");
	get_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events));
	tap_equal(events.activity, VMXHV_HALTED, "HLT: the guest sleeps");
	stop_debugging();
	kick(&c);
	tap_equal(run_guest(&c), VMXHV_EXIT_INTR, "HLT: and still does when run");
	debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_STEP });
	tap_equal(call(c.fd, VMXHV_INJECT, &nmi), 0, "HLT: an NMI");
	tap_equal(run_guest(&c), VMXHV_EXIT_DEBUG, "HLT: its delivery is a step");
	tap_ok(c.run->u.debug.pc != list[2], "HLT: to its handler");
	stop_debugging();
}

/* What comes in STI's shadow waits for the step that ends it, and is the next one. */
static void in_the_shadow(void)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };
	const uint64_t *list = listed(SHADOWS);
	struct vmxhv_events events = {};
	int i;

	c.run->wanted = VMXHV_GROUP_GPRS;
	cpu_start(&c, MODE_LONG, SHADOWS);
	debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_STEP });
	/* behind STI, whose shadow this CPU does not keep over a step */
	for (i = 0; i < 20 && !(i && c.run->gprs.rflags & 0x200); i++)
		run_guest(&c);
	get_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events));
	events.sti_shadow = 1;
	tap_equal(set_group(&c, VMXHV_STATE_EVENTS, &events, sizeof(events)), 0,
		  "STI: its shadow");
	tap_equal(call(c.fd, VMXHV_INJECT, &nmi), 0, "STI: an NMI in its shadow");
	tap_equal(run_guest_for(&c, 5), VMXHV_EXIT_DEBUG, "STI: the next instruction is a step");
	tap_equal(c.run->u.debug.pc, list[i + 1], "STI: behind it");
	tap_equal(run_guest_for(&c, 5), VMXHV_EXIT_DEBUG, "STI: the NMI's delivery is one");
	tap_ok(c.run->u.debug.pc != list[i + 2], "STI: to its handler");
	stop_debugging();
}

/* A debugger that goes in the middle. */
static void goes_away(void)
{
	cpu_start(&c, MODE_LONG, FLAGS);
	debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_STEP });
	for (int i = 0; i < 5; i++)
		run_guest(&c);
	stop_debugging();
	tap_ok(as_wanted(run_debugged(), FLAGS) && !nr_stops, "one that goes leaves nothing");
}

static bool stop_is(int i, uint32_t kind, uint64_t dr6, uint64_t pc)
{
	if (i < nr_stops && stops[i].kind == kind && stops[i].dr6 == dr6 && stops[i].pc == pc)
		return true;
	tap_note("stop %d of %d: kind %#x dr6 %#llx pc %#llx, wanted %#x %#llx %#llx", i,
		 nr_stops, stops[i].kind, stops[i].dr6, stops[i].pc, kind,
		 (unsigned long long)dr6, (unsigned long long)pc);
	return false;
}

static void one_breakpoint(void)
{
	uint64_t at = listed(LOOP)[0];
	int ret;

	cpu_start(&c, MODE_LONG, LOOP);
	debug((struct vmxhv_debug){ .point[2] = { at, VMXHV_POINT_EXEC, 1, {} } });
	ret = run_debugged();
	tap_ok(ret == VMXHV_EXIT_NONE && nr_stops == 3, "a breakpoint stops each time, once");
	for (int i = 0; i < 3; i++)
		tap_ok(stop_is(i, VMXHV_DEBUG_POINT, 4, at), "time %d", i + 1);
	stop_debugging();
	cpu_start(&c, MODE_LONG, LOOP);
	ret = run_debugged();
	tap_ok(ret == VMXHV_EXIT_NONE && !nr_stops, "and not when it is gone");
}

static void two_watchpoints(void)
{
	const uint64_t *at = listed(STORE);
	int ret;

	cpu_start(&c, MODE_LONG, STORE);
	debug((struct vmxhv_debug){
		.point[0] = { DATA_BASE, VMXHV_POINT_WRITE, 4, {} },
		.point[1] = { DATA_BASE, VMXHV_POINT_ACCESS, 8, {} },
	});
	ret = run_debugged();
	tap_ok(ret == VMXHV_EXIT_NONE && nr_stops == 4, "watchpoints: as often as accessed");
	tap_ok(stop_is(0, VMXHV_DEBUG_POINT, 3, at[0]), "both, behind a write");
	tap_ok(stop_is(1, VMXHV_DEBUG_POINT, 2, at[1]), "one, behind a read");
	tap_ok(stop_is(2, VMXHV_DEBUG_POINT, 3, at[2]), "both, by one byte");
	tap_ok(stop_is(3, VMXHV_DEBUG_POINT, 2, at[3]), "the longer one only");

	cpu_start(&c, MODE_LONG, OWN_POINT);
	debug((struct vmxhv_debug){ .point[0] = { DATA_BASE + 8, VMXHV_POINT_WRITE, 8, {} } });
	ret = run_debugged();
	tap_ok(as_wanted(ret, OWN_POINT) && nr_stops == 1, "the guest's own beside it");
	stop_debugging();
}

/* The guest's own come first: the debugger hears which of its points that leaves without one. */
static void no_register(void)
{
	const struct vmxhv_debug_regs full = { .dr = { 0x6000, 0x6000, 0x6000, 0x6000 },
					       .dr6 = 0xffff0ff0, .dr7 = 0x4ff };
	const struct vmxhv_debug_regs none = { .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	const uint64_t *at = listed(FULL);
	const struct vmxhv_debug two = {
		.point[2] = { at[1], VMXHV_POINT_EXEC, 1, {} },
		.point[3] = { DATA_BASE, VMXHV_POINT_WRITE, 4, {} },
	};

	cpu_start(&c, MODE_LONG, FULL);
	debug(two);
	tap_equal(run_debugged(), VMXHV_EXIT_NONE, "a guest that takes all registers");
	tap_equal(nr_stops, 2, "stops twice");
	tap_ok(stop_is(0, VMXHV_DEBUG_UNWATCHED, 0xc, at[0]), "when it has taken them");
	tap_ok(stop_is(1, VMXHV_DEBUG_POINT, 4, at[1]), "at the point, with one given back");

	cpu_start(&c, MODE_LONG, LOOP);
	set_group(&c, VMXHV_STATE_DEBUG, &full, sizeof(full));
	debug(two);
	tap_ok(run_guest(&c) == VMXHV_EXIT_DEBUG &&
	       c.run->u.debug.kind == VMXHV_DEBUG_UNWATCHED && c.run->u.debug.dr6 == 0xc,
	       "DEBUG when the guest has them already");
	tap_equal(run_guest(&c), VMXHV_EXIT_NONE, "told once");
	set_group(&c, VMXHV_STATE_DEBUG, &none, sizeof(none));
	stop_debugging();
}

static void by_library(void)
{
	const struct vmxhv_debug step = { .control = VMXHV_DEBUG_STEP };
	struct vmxhv_vcpu vcpu = { .fd = c.fd };
	char wanted[80], text[80];

	cpu_start(&c, MODE_LONG, PLAIN);
	tap_equal(vmxhv_vcpu_debug(&vcpu, &step), 0, "the library's call");
	run_guest(&c);
	vmxhv_exit_describe(c.run, text, sizeof(text));
	snprintf(wanted, sizeof(wanted), "stopped at %#llx: a step (DR6 0x4000)",
		 (unsigned long long)listed(PLAIN)[1]);
	if (strcmp(text, wanted))
		tap_note("'%s'", text);
	tap_ok(!strcmp(text, wanted), "and its words");
	stop_debugging();
}

static void int3(void)
{
	struct vmxhv_inject bp = { .size = sizeof(bp), .vector = 3 };
	uint64_t at = listed(INT3)[0];
	int ret;

	cpu_start(&c, MODE_LONG, INT3);
	EXPECT(&c, "INT3 without a debugger", 3, 0, 1, 5);
	cpu_start(&c, MODE_LONG, INT3);
	debug((struct vmxhv_debug){ .control = VMXHV_DEBUG_INT3 });
	ret = run_guest(&c);
	stops[0] = c.run->u.debug;
	nr_stops = ret == VMXHV_EXIT_DEBUG;
	tap_ok(stop_is(0, VMXHV_DEBUG_INT3, 0, at), "INT3 exits, and is not done yet");
	tap_equal(call(c.fd, VMXHV_INJECT, &bp), 0, "INJECT gives it to the guest");
	EXPECT(&c, "which sees it behind the instruction", 3, 0, 1, 5);
	stop_debugging();
}

static void refusals(void)
{
#define POINT(field)	.at = offsetof(struct vmxhv_debug, point[1].field),			\
			.bytes = sizeof(((struct vmxhv_debug_point *)0)->field),		\
			.code = VMXHV_ERR_ARGUMENT,						\
			.item = offsetof(struct vmxhv_debug, point[1].field)
	static const struct poke pokes[] = {
		{ "DEBUG: reserved", POKE_ARG(vmxhv_debug, reserved), 1, EINVAL, "reserved" },
		{ "DEBUG: control", POKE_ARG(vmxhv_debug, control), 4, EINVAL, "control" },
		{ "DEBUG: kind", POINT(kind), .value = 4, .error = EINVAL, .text = "kind" },
		{ "DEBUG: a length, but no point",
		  .at = offsetof(struct vmxhv_debug, point[1].kind), .bytes = 1, .value = 0,
		  .error = EINVAL, .code = VMXHV_ERR_ARGUMENT,
		  .item = offsetof(struct vmxhv_debug, point[1].length) },
		{ "DEBUG: length 3", POINT(length), .value = 3, .error = EINVAL },
		{ "DEBUG: length 0", POINT(length), .value = 0, .error = EINVAL },
		{ "DEBUG: length 16", POINT(length), .value = 16, .error = EINVAL },
		{ "DEBUG: not aligned", POINT(address), .value = 0x1002, .error = EINVAL,
		  .text = "multiple" },
		{ "DEBUG: point reserved", .at = offsetof(struct vmxhv_debug, point[1].reserved),
		  .bytes = 1, .value = 1, .error = EINVAL, .code = VMXHV_ERR_ARGUMENT,
		  .item = offsetof(struct vmxhv_debug, point[1].reserved) },
	};
	struct vmxhv_debug d = {
		.size = sizeof(d), .point[1] = { 0x1000, VMXHV_POINT_WRITE, 4, {} },
	};

	expect_struct_rules(c.fd, VMXHV_DEBUG, &d, sizeof(d), "DEBUG");
	expect_refused(c.fd, VMXHV_DEBUG, &d, &d, pokes, ARRAY_SIZE(pokes));
	d.point[1].kind = VMXHV_POINT_EXEC;
	expect_error(c.fd, call(c.fd, VMXHV_DEBUG, &d), EINVAL, VMXHV_ERR_ARGUMENT,
		     offsetof(struct vmxhv_debug, point[1].length), "length",
		     "DEBUG: EXEC of 4 bytes");
	stop_debugging();
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "debug");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, PLAIN);
	refusals();
	all_cases();
	halted();
	in_the_shadow();
	goes_away();
	one_breakpoint();
	two_watchpoints();
	no_register();
	int3();
	by_library();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
