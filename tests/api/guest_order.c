// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several events at once, in the order of the SDM's "Priority Among Concurrent Events"; shadows of
 * STI, MOV SS and POP SS; traps and breakpoints at instructions that exit.
 */
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

enum {
	TOGETHER, WITH_TRAP, IPI_WITH_TRAP, INJECTED, STI_LOAD, STI_AGAIN_LOAD, MOVSS_LOAD,
	MOVSS_LOAD_TRAP, POPSS_LOAD, MOVSS_TRAPS, MOVSS_WATCHED, NESTED_CLASSES,
	POINT_CPUID, POINT_OUT, POINT_LOAD, POINT_OUTS, TRAP_OUTS, BRANCH_TRAP,
};

enum {
	HERE = 1, THERE, HANDLER, IS_NMI = 0x22, IS_DB = 0xdb, IS_UD = 0x66, IS_IRQ = 0x60,
	END = 0x55,
};

#define BS	0xffff4ff0	/* DR6 */
#define B0	0xffff0ff1
#define LOADED	0x1234

/* What the host sends when the guest asks, or when it has exited for want of a page. */
enum { NMI = 1, IRQ = 2, HIGHER_IRQ = 4, EXTINT = 8, UD = 16 };
enum shadow { UNSEEN, NONE, STI, MOV_SS };

static const struct row {
	const char *name;
	int entry;
	unsigned int sent;
	enum shadow shadow;	/* at the exit for want of a page */
	uint32_t values[16];
	int count;
} rows[] = {
	{ "NMI, ExtINT, two classes of the APIC's", TOGETHER,
	  NMI | EXTINT | IRQ | HIGHER_IRQ, UNSEEN,
	  COUNTED(IS_NMI, HERE, 0x140, 0x191, IS_IRQ, HERE, END) },
	{ "a trap, then what is from outside", WITH_TRAP, NMI | IRQ, UNSEEN,
	  COUNTED(IS_NMI, HANDLER, IS_DB, HERE, BS, IS_IRQ, HERE, END) },
	{ "a trap, then the interrupt that the instruction sent", IPI_WITH_TRAP, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, BS, IS_IRQ, HERE, END) },
	{ "a fault, then what is from outside", INJECTED, UD | NMI | IRQ, UNSEEN,
	  COUNTED(IS_NMI, HANDLER, IS_UD, HERE, IS_IRQ, HERE, END) },
	{ "in the shadow of STI", STI_LOAD, NMI | IRQ, STI,
	  COUNTED(IS_NMI, HERE, IS_IRQ, HERE, LOADED, END) },
	{ "STI with interrupts on has none", STI_AGAIN_LOAD, NMI | IRQ, NONE,
	  COUNTED(IS_NMI, THERE, IS_IRQ, THERE, LOADED, END) },
	{ "in the shadow of MOV SS", MOVSS_LOAD, NMI | IRQ, MOV_SS,
	  COUNTED(IS_NMI, HERE, IS_IRQ, HERE, LOADED, END) },
	{ "in the shadow of MOV SS, with TF", MOVSS_LOAD_TRAP, NMI | IRQ, MOV_SS,
	  COUNTED(IS_NMI, HANDLER, IS_DB, HERE, BS, IS_IRQ, HERE, LOADED, END) },
	{ "in the shadow of POP SS", POPSS_LOAD, NMI | IRQ, MOV_SS,
	  COUNTED(IS_NMI, HERE, IS_IRQ, HERE, LOADED, END) },
	{ "MOV SS with TF: one trap behind two instructions", MOVSS_TRAPS, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, BS, IS_DB, HERE, BS, END) },
	{ "MOV SS from where the guest watches", MOVSS_WATCHED, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, B0, IS_DB, HERE, B0, END) },
	{ "a handler that is interrupted by higher classes only", NESTED_CLASSES, 0, UNSEEN,
	  COUNTED(1, 2, 0x161, 3, 0x50, 0x158, 0x141, 4, END) },
	{ "a breakpoint on CPUID", POINT_CPUID, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, IS_DB, HERE, END) },
	{ "a breakpoint on OUT", POINT_OUT, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, IS_DB, HERE, END) },
	{ "a breakpoint on a load that exits twice", POINT_LOAD, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, IS_DB, HERE, END) },
	{ "a breakpoint on REP OUTS in two pages", POINT_OUTS, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, IS_DB, HERE, END) },
	{ "TF over REP OUTS: a trap behind each iteration", TRAP_OUTS, 0, UNSEEN,
	  COUNTED(IS_DB, HERE, IS_DB, HERE, IS_DB, THERE, 0, END) },
};

static struct machine m;
static struct cpu c;
static uint32_t *page;
static bool mapped;
static bool no_rf;	/* the CPU has lost it */

static int inject(uint32_t kind, uint8_t vector)
{
	struct vmxhv_inject in = { .size = sizeof(in), .kind = kind, .vector = vector };

	return call(c.fd, VMXHV_INJECT, &in);
}

static void extint(uint32_t level)
{
	struct vmxhv_extint line = { .size = sizeof(line), .level = level };

	if (call(c.fd, VMXHV_EXTINT, &line))
		tap_bail("EXTINT");
}

static void msi(uint32_t vector)
{
	struct vmxhv_msi a = { .size = sizeof(a), .address = 0xfee00000, .data = vector };

	if (call(m.vm, VMXHV_SIGNAL_MSI, &a))
		tap_bail("SIGNAL_MSI");
}

/* As firmware leaves it: the PIC's line comes through LINT0. */
static void virtual_wire(void)
{
	struct vmxhv_lapic_access lint0 = {
		.size = sizeof(lint0), .offset = 0x350, .length = 4, .write = 1, .value = 0x700,
	};

	if (call(c.fd, VMXHV_LAPIC_ACCESS, &lint0))
		tap_bail("LAPIC_ACCESS: %.96s", last_error(c.fd).text);
}

/* The last to come is the first to be taken. */
static void send(unsigned int what)
{
	virtual_wire();
	if (what & IRQ)
		msi(IS_IRQ);
	if (what & HIGHER_IRQ)
		msi(0x91);
	if (what & EXTINT)
		extint(1);
	if (((what & NMI) && inject(VMXHV_INJECT_NMI, 0)) ||
	    ((what & UD) && inject(VMXHV_INJECT_EXCEPTION, 6)))
		tap_bail("INJECT: %.96s", last_error(c.fd).text);
}

static bool shadow_is(enum shadow wanted)
{
	const bool sti = wanted == STI, mov_ss = wanted == MOV_SS;
	struct vmxhv_events e;

	if (wanted == UNSEEN)
		return true;
	get_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e));
	if (e.sti_shadow == sti && e.movss_shadow == mov_ss)
		return true;
	tap_note("shadows: STI %u, MOV SS %u", e.sti_shadow, e.movss_shadow);
	return false;
}

/* A breakpoint on the instruction is done with: without RF it would be hit again. */
static bool rf_is_set(void)
{
	struct vmxhv_gprs g;

	get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g));
	return g.rflags & 0x10000;
}

/* The second time that there is no memory, it comes. */
static bool give_page(const struct row *r)
{
	static bool again;

	again = !again;
	if (again) {
		no_rf = r->entry == POINT_LOAD && !rf_is_set();
		return shadow_is(r->shadow);
	}
	send(r->sent);
	machine_map(&m, PAGED_BASE, page, 4096, 0);
	mapped = true;
	return shadow_is(r->shadow);
}

/* False: this exit ends the case. */
static bool answered(int ret, const struct row *r)
{
	switch (ret) {
	case VMXHV_EXIT_INTACK:
		extint(0);
		c.run->intack_spurious = 0;
		c.run->intack_vector = 0x40;
		return true;
	case VMXHV_EXIT_MMIO:
		return give_page(r);
	case VMXHV_EXIT_IO:
		if (c.run->u.io.port == 0xf0)
			send(r->sent);
		return c.run->u.io.port >= 0xf0;
	default:
		return false;
	}
}

static void one(const struct row *r)
{
	bool good;
	int ret;

	load_guest(&m, "order");
	cpu_start(&c, MODE_LONG, r->entry);
	do {
		ret = run_guest(&c);
	} while (answered(ret, r));
	good = ret == VMXHV_EXIT_NONE && c.nr_values == r->count &&
	       !memcmp(c.values, r->values, 4 * r->count);
	if (!good && ret)
		note_exit(&c);
	if (no_rf)
		tap_skip(r->name, "this CPU saves RF as 0 where memory is missing");
	for (int i = 0; !good && !no_rf && i < c.nr_values; i++)
		tap_note("value %d: %#x, wanted %#x", i, c.values[i], r->values[i]);
	if (!no_rf)
		tap_ok(good, "%s", r->name);
	no_rf = false;
	if (mapped)
		machine_unmap(&m, PAGED_BASE, 4096);
	mapped = false;
}

/* The trap of the OUT, as it waits to be delivered. */
static bool trap_waits(int entry)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	struct vmxhv_events e = {};

	load_guest(&m, "order");
	cpu_start(&c, MODE_LONG, entry);
	if (run_guest(&c) != VMXHV_EXIT_IO || c.run->u.io.port != 0xf0)
		tap_bail("the guest did not ask");
	if (call(c.fd, VMXHV_RUN, &args) || get_group(&c, VMXHV_STATE_EVENTS, &e, sizeof(e)))
		tap_bail("COMPLETE_ONLY, EVENTS");
	return e.pending.info == 0x80000301;
}

/* Where the trap comes the emulated CPU does not know: it has no BTF. */
static void branches(void)
{
	tap_ok(trap_waits(WITH_TRAP), "TF: OUT traps");
	tap_ok(!trap_waits(BRANCH_TRAP), "TF with BTF: it does not");
	tap_ok(run_guest(&c) == VMXHV_EXIT_NONE && c.nr_values == 5 && c.values[0] == IS_DB &&
	       !c.values[3], "and the trap behind a branch clears BTF");
}

int main(void)
{
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	page[2] = LOADED;
	machine_create(&m, 1 << 20);
	load_guest(&m, "order");
	cpu_create(&m, &c, 0);
	for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
		one(r);
	branches();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
