// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults in the delivery of events: every class of event by every kind of fault, up to #DF and to
 * shutdown. Three times: the CPU does it alone, userspace is told of each exception and has it
 * delivered, and a debugger steps through, so that the module composes what the CPU did before.
 */
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	DIVIDE, TRAP, BREAKPOINT3, INVALID, ABSENT, STACK, PROTECTION, PAGE, ALIGNMENT, SOFTWARE,
	OUTSIDE, IDT,
};

enum {
	DE = 0, DB = 1, NMI = 2, BP = 3, UD = 6, DF = 8, TS = 10, NP = 11, SS = 12, GP = 13,
	PF = 14, AC = 17,
};

enum event_class { BENIGN, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT };

/* What fails in the delivery, and so what comes of it. */
enum obstacle { NO_GATE, NO_CODE, NO_STACK, NO_PAGE, NO_IST, OBSTACLES };

static const uint8_t raises[OBSTACLES] = { NP, GP, SS, PF, TS };
static const char *const obstacle_names[OBSTACLES] = {
	"its gate is absent", "its code segment is none", "its stack is not canonical",
	"its stack is not there", "its stack is beyond the TSS",
};

static const struct first {
	const char *name;
	int entry;
	uint8_t vector;
	enum event_class class;
	bool software;		/* EXT is clear in what its delivery raises */
	bool exits;		/* as EXCEPTION, where userspace asks for them all */
} firsts[] = {
	{ "DE", DIVIDE, DE, CONTRIBUTORY, false, true },
	{ "DB", TRAP, DB, BENIGN, false, true },
	{ "INT3", BREAKPOINT3, BP, BENIGN, true, true },
	{ "UD", INVALID, UD, BENIGN, false, true },
	{ "NP", ABSENT, NP, CONTRIBUTORY, false, true },
	{ "SS", STACK, SS, CONTRIBUTORY, false, true },
	{ "GP", PROTECTION, GP, CONTRIBUTORY, false, true },
	{ "PF", PAGE, PF, PAGE_FAULT, false, true },
	{ "AC", ALIGNMENT, AC, BENIGN, false, true },
	{ "INT n", SOFTWARE, 0x50, BENIGN, true, false },
	{ "an NMI", OUTSIDE, NMI, BENIGN, false, false },
	{ "an interrupt", OUTSIDE, 0x60, BENIGN, false, false },
};

enum how { BY_CPU, BY_USERSPACE, BY_DEBUGGER };

#define ABSENT_SELECTOR	0x50
#define BEYOND_GDT	0x58
#define NOT_CANONICAL	0x8000000000000000ull
#define NOT_THERE	0x40001000ull	/* no page table leads there */
#define IST_STACK	1
#define IST_PAGE	2
#define IST_BEYOND	7

static struct machine m;
static struct cpu c;
static enum how how;
static int exits;		/* as EXCEPTION */

/* ---- what the SDM says: "Interrupt 8 -- Double Fault Exception (#DF)" ------------------------ */

static enum event_class class_of(uint8_t vector)
{
	if (vector == PF)
		return PAGE_FAULT;
	if (vector == DF)
		return DOUBLE_FAULT;
	return vector == DE || (vector >= TS && vector <= GP) ? CONTRIBUTORY : BENIGN;
}

/* 0: the second one; 8: #DF; -1: shutdown. The second one is never benign here. */
static const int8_t outcomes[4][4] = {
	[BENIGN] = { [CONTRIBUTORY] = 0, [PAGE_FAULT] = 0 },
	[CONTRIBUTORY] = { [CONTRIBUTORY] = DF, [PAGE_FAULT] = 0 },
	[PAGE_FAULT] = { [CONTRIBUTORY] = DF, [PAGE_FAULT] = DF },
	[DOUBLE_FAULT] = { [CONTRIBUTORY] = -1, [PAGE_FAULT] = -1 },
};

static int outcome(enum event_class first, uint8_t second)
{
	int what = outcomes[first][class_of(second)];

	return what ? what : second;
}

static uint32_t error_code(enum obstacle o, uint8_t vector, bool software)
{
	const uint32_t ext = !software;

	switch (o) {
	case NO_GATE:
		return vector * 8 + 2 + ext;
	case NO_CODE:
		return BEYOND_GDT | ext;
	case NO_IST:
		return SEL_TSS | ext;
	case NO_PAGE:
		return 2;
	default:
		return ext;
	}
}

/* ---- what the guest is given ----------------------------------------------------------------- */

static uint8_t *gate(uint8_t vector)
{
	uint64_t idt;

	memcpy(&idt, m.ram + GUEST_BASE + 8 * IDT, 8);
	return m.ram + idt + 16 * vector;
}

static void obstruct(uint8_t vector, enum obstacle o)
{
	static const uint8_t ist[OBSTACLES] = {
		[NO_STACK] = IST_STACK, [NO_PAGE] = IST_PAGE, [NO_IST] = IST_BEYOND,
	};
	uint8_t *g = gate(vector);

	g[4] = ist[o];
	if (o == NO_GATE)
		g[5] = 0x0e;
	if (o == NO_CODE)
		g[2] = BEYOND_GDT;
}

static void lay_tables(void)
{
	const uint64_t absent = 0x00cf13000000ffff, stacks[] = { NOT_CANONICAL, NOT_THERE };

	machine_tables(&m);
	memcpy(m.ram + GDT_BASE + ABSENT_SELECTOR, &absent, 8);
	memcpy(m.ram + TSS_BASE + 0x24, stacks, sizeof(stacks));
}

static void start(const struct first *f)
{
	struct vmxhv_sregs s;

	cpu_start(&c, MODE_LONG, f->entry);
	if (get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS");
	s.gdtr.limit = ABSENT_SELECTOR + 7;
	s.tr.limit = 0x24 + 8 * (IST_BEYOND - 1) - 1;
	s.cr2 = 0;
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS: %.96s", last_error(c.fd).text);
	exits = 0;
}

/* The guest asks for the event from outside. */
static void send(const struct first *f)
{
	struct vmxhv_inject nmi = { .size = sizeof(nmi), .kind = VMXHV_INJECT_NMI };
	struct vmxhv_events e;

	if (f->vector == NMI) {
		if (call(c.fd, VMXHV_INJECT, &nmi))
			tap_bail("INJECT");
		return;
	}
	if (get_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)))
		tap_bail("EVENTS");
	e.injected.info = 0x80000000 | f->vector;
	if (set_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)))
		tap_bail("EVENTS: %.96s", last_error(c.fd).text);
}

static int run_to_end(const struct first *f)
{
	int ret;

	for (;;) {
		ret = run_guest(&c);
		if (ret == VMXHV_EXIT_EXCEPTION) {
			exits++;
			c.run->u.exception.deliver = 1;
		} else if (ret == VMXHV_EXIT_IO && c.run->u.io.port == 0xf0) {
			send(f);
		} else if (ret != VMXHV_EXIT_DEBUG) {
			return ret;
		}
	}
}

/* ---- what must come of it -------------------------------------------------------------------- */

/* @vector arrives, with the error code, or -1: nothing does. */
static bool arrives(const struct first *f, int vector, uint32_t error, int exceptions)
{
	struct vmxhv_sregs s = {};
	bool good;
	int ret;

	start(f);
	ret = run_to_end(f);
	get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s));
	if (how == BY_USERSPACE && exits != exceptions)
		return tap_note("%d exceptions exited, wanted %d", exits, exceptions), false;
	if (vector < 0) {
		if (ret != VMXHV_EXIT_SHUTDOWN)
			tap_note("exit %s, wanted SHUTDOWN", exit_name(ret));
		return ret == VMXHV_EXIT_SHUTDOWN;
	}
	/* a stack that is not canonical has no selector; the emulated CPU names that of SS */
	if (vector == SS)
		c.values[1] &= 1;
	good = ret == VMXHV_EXIT_NONE && c.nr_values == 3 && c.values[0] == (uint32_t)vector &&
	       c.values[1] == error && !c.values[2];
	if (vector == PF)
		good = good && s.cr2 == NOT_THERE - 8;
	if (!good)
		tap_note("exit %s, %d values: %u, %#x, %#x, wanted %u, %#x; CR2 %#llx",
			 exit_name(ret), c.nr_values, c.values[0], c.values[1], c.values[2],
			 vector, error, s.cr2);
	return good;
}

static void fresh(void)
{
	load_guest(&m, "nested");
	lay_tables();
}

/* One obstacle before the first event; where that makes #DF, each before that one too. */
static bool one_obstacle(const struct first *f, enum obstacle o)
{
	const int what = outcome(f->class, raises[o]);
	int wrong = 0;

	fresh();
	obstruct(f->vector, o);
	wrong += !arrives(f, what, what == DF ? 0 : error_code(o, f->vector, f->software),
			  f->exits + 1);
	for (enum obstacle p = 0; what == DF && p < OBSTACLES; p++) {
		fresh();
		obstruct(f->vector, o);
		obstruct(DF, p);
		if (!arrives(f, -1, 0, f->exits + 2)) {
			tap_note("... where for #DF %s", obstacle_names[p]);
			wrong++;
		}
	}
	if (wrong)
		tap_note("%s: %s", f->name, obstacle_names[o]);
	return !wrong;
}

/* And one before what comes of the first: the second class decides about the third. */
static bool two_obstacles(const struct first *f, enum obstacle o)
{
	int wrong = 0;

	for (enum obstacle p = 0; f->class == BENIGN && p < OBSTACLES; p++) {
		int what = outcome(class_of(raises[o]), raises[p]);

		fresh();
		obstruct(f->vector, o);
		obstruct(raises[o], p);
		if (arrives(f, what, what == DF ? 0 : error_code(p, raises[o], false),
			    f->exits + 2))
			continue;
		tap_note("%s: %s, and then for vector %u: %s", f->name, obstacle_names[o],
			 raises[o], obstacle_names[p]);
		wrong++;
	}
	return !wrong;
}

static void all(const char *name)
{
	for (const struct first *f = firsts; f < firsts + ARRAY_SIZE(firsts); f++) {
		int one = 0, two = 0;

		for (enum obstacle o = 0; o < OBSTACLES; o++) {
			one += one_obstacle(f, o);
			two += two_obstacles(f, o);
		}
		tap_ok(one == OBSTACLES, "%s: %s, a fault in its delivery", name, f->name);
		if (f->class == BENIGN)
			tap_ok(two == OBSTACLES, "%s: %s, a fault in that one's", name, f->name);
	}
}

static void with_exceptions(uint32_t exceptions)
{
	configured(&m, &c, &(const struct vmxhv_config){ .exceptions = exceptions }, "nested");
}

static void end(void)
{
	cpu_destroy(&c);
	machine_destroy(&m);
}

int main(void)
{
	struct vmxhv_debug step = { .size = sizeof(step), .control = VMXHV_DEBUG_STEP };

	with_exceptions(0);
	all("by the CPU");
	how = BY_DEBUGGER;
	if (call(c.fd, VMXHV_DEBUG, &step))
		tap_bail("DEBUG: %.96s", last_error(c.fd).text);
	all("under a debugger");
	end();
	how = BY_USERSPACE;
	with_exceptions(~(1u << NMI | 1u << 18));
	all("by userspace");
	end();
	return tap_done();
}
