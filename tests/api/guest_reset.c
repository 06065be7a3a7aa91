// SPDX-License-Identifier: GPL-2.0-only
/*
 * What INIT leaves of the processor's state, by the SDM's table "IA-32 and Intel 64 Processor
 * States Following Power-up, Reset, or INIT"; INIT and shutdown; start-up IPIs; and state at an
 * address beyond the lower half.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "machine.h"
#include "refusal.h"
#include "state.h"
#include "tap.h"

enum { TOP = 17, SPIN = 20 };

#define KEPT	1	/* as it was before */
#define XSAVE_SIZE	16384

struct state {
	struct vmxhv_gprs gprs;
	struct vmxhv_sregs sregs;
	struct vmxhv_events events;
	struct vmxhv_debug_regs debug;
	struct vmxhv_lapic lapic;
	uint8_t xsave[XSAVE_SIZE];
};

static struct machine m;
static struct cpu c;
static uint32_t xsave_length = XSAVE_SIZE;

static void inject(uint32_t kind, uint8_t vector)
{
	struct vmxhv_inject in = { .size = sizeof(in), .kind = kind, .vector = vector };

	if (call(c.fd, VMXHV_INJECT, &in))
		tap_bail("INJECT: %.96s", last_error(c.fd).text);
}

static void all(unsigned long command, struct state *s)
{
	struct vmxhv_state_entry entries[] = {
		{ VMXHV_STATE_GPRS, sizeof(s->gprs), (uintptr_t)&s->gprs },
		{ VMXHV_STATE_SREGS, sizeof(s->sregs), (uintptr_t)&s->sregs },
		{ VMXHV_STATE_EVENTS, sizeof(s->events), (uintptr_t)&s->events },
		{ VMXHV_STATE_DEBUG, sizeof(s->debug), (uintptr_t)&s->debug },
		{ VMXHV_STATE_LAPIC, sizeof(s->lapic), (uintptr_t)&s->lapic },
		{ VMXHV_STATE_XSAVE, xsave_length, (uintptr_t)s->xsave },
	};
	struct vmxhv_state state = {
		.size = sizeof(state), .count = ARRAY_SIZE(entries),
		.entries = (uintptr_t)entries,
	};

	if (call(c.fd, command, &state))
		tap_bail("state: %.96s", last_error(c.fd).text);
	xsave_length = entries[5].length;
}

#define GROUP(member, how, wanted)	\
	{ #member, offsetof(struct state, member),						\
	  sizeof(((struct state *)0)->member), how, wanted }

/* A member of up to eight bytes; longer ones are kept, or all zeros. */
static const struct row {
	const char *name;
	size_t at, size;
	int how;
	uint64_t wanted;
} rows[] = {
	GROUP(gprs.rip, 0, 0xfff0),
	GROUP(gprs.rflags, 0, 2),
	GROUP(gprs.gpr[0], 0, 0),
	GROUP(gprs.gpr[1], 0, 0),
	GROUP(gprs.gpr[3], 0, 0),
	GROUP(gprs.gpr[4], 0, 0),
	GROUP(gprs.gpr[7], 0, 0),
	GROUP(gprs.gpr[8], 0, 0),
	GROUP(gprs.gpr[15], 0, 0),
	GROUP(sregs.cr0, 0, 0x10),	/* CD and NW were clear */
	GROUP(sregs.cr2, 0, 0),
	GROUP(sregs.cr3, 0, 0),
	GROUP(sregs.cr4, 0, 0),
	GROUP(sregs.cr8, 0, 0),
	GROUP(sregs.efer, 0, 0),
	GROUP(sregs.xcr0, KEPT, 0),
	GROUP(sregs.apic_base, KEPT, 0),
	GROUP(sregs.cs.selector, 0, 0xf000),
	GROUP(sregs.cs.base, 0, 0xffff0000),
	GROUP(sregs.cs.limit, 0, 0xffff),
	GROUP(sregs.ss.selector, 0, 0),
	GROUP(sregs.ss.limit, 0, 0xffff),
	GROUP(sregs.ds.base, 0, 0),
	GROUP(sregs.fs.base, 0, 0),
	GROUP(sregs.gs.base, 0, 0),
	GROUP(sregs.ldtr.limit, 0, 0xffff),
	GROUP(sregs.ldtr.base, 0, 0),
	GROUP(sregs.tr.base, 0, 0),
	GROUP(sregs.tr.limit, 0, 0xffff),
	GROUP(sregs.gdtr.base, 0, 0),
	GROUP(sregs.gdtr.limit, 0, 0xffff),
	GROUP(sregs.idtr.base, 0, 0),
	GROUP(sregs.idtr.limit, 0, 0xffff),
	GROUP(debug.dr[0], 0, 0),
	GROUP(debug.dr[1], 0, 0),
	GROUP(debug.dr[2], 0, 0),
	GROUP(debug.dr[3], 0, 0),
	GROUP(debug.dr6, 0, 0xffff0ff0),
	GROUP(debug.dr7, 0, 0x400),
	GROUP(events.pending, 0, 0),
	GROUP(events.injected, 0, 0),
	GROUP(events.nmi_pending, 0, 0),
	GROUP(events.nmi_blocked, 0, 0),
	GROUP(events.sti_shadow, 0, 0),
	GROUP(events.movss_shadow, 0, 0),
	GROUP(events.activity, 0, VMXHV_ACTIVE),
	GROUP(lapic.regs[0xf0], 0, 0xff),	/* SVR's low byte */
	GROUP(lapic.regs[0xf1], 0, 0),
	GROUP(lapic.regs[0x80], 0, 0),
	GROUP(xsave, KEPT, 0),
};

/* IA32_MSRs: all but EFER and the segment bases are as they were. */
static const struct msr_row {
	uint32_t index;
	uint64_t before, after;
} msrs[] = {
	{ 0x3b, 0x10000, 0x10000 }, { 0x174, 0x10, 0x10 }, { 0x175, 0x2000, 0x2000 },
	{ 0x176, 0x3000, 0x3000 }, { 0x1d9, 2, 2 }, { 0x200, 6, 6 },
	{ 0x277, 0x0007040600070400, 0x0007040600070400 }, { 0x2ff, 0xc06, 0xc06 },
	{ 0xc0000080, 0x500, 0 }, { 0xc0000081, 0x1234, 0x1234 }, { 0xc0000082, 0x5000, 0x5000 },
	{ 0xc0000084, 0x200, 0x200 }, { 0xc0000100, 0x7000, 0 }, { 0xc0000101, 0x8000, 0 },
	{ 0xc0000102, 0x9000, 0x9000 }, { 0xc0000103, 0x55, 0x55 },
};

/* Something else than INIT leaves, everywhere. */
static void disturb(struct state *s)
{
	cpu_start(&c, MODE_LONG, SPIN);
	for (int i = 0; i < ARRAY_SIZE(msrs); i++)
		set_msr(&c, msrs[i].index, msrs[i].before);
	all(VMXHV_GET_STATE, s);
	for (int i = 0; i < 16; i++)
		s->gprs.gpr[i] = 0x1111111111111111ull * i + 1;
	s->gprs.rflags = 0xad7;
	s->sregs.cr2 = 0xabcdef;
	s->sregs.cr4 |= 0x40000 & (s->sregs.xcr0 == 1 ? 0 : ~0u);
	s->sregs.cr8 = 5;
	s->sregs.ds.base = 0x100;
	for (int i = 0; i < 4; i++)
		s->debug.dr[i] = 0x1000 * (i + 1);
	s->debug.dr6 = 0xffff0fff;
	s->debug.dr7 = 0x4aa;
	s->events.pending.info = 0x80000b0d;
	s->events.nmi_pending = 1;
	s->events.nmi_blocked = 1;
	s->events.movss_shadow = 1;
	s->xsave[160] = 0x77;		/* XMM0 */
	s->xsave[512] |= 2;
	all(VMXHV_SET_STATE, s);
	/* XCR0 with AVX, where there is AVX */
	s->sregs.xcr0 = 7;
	if (set_group(&c, VMXHV_STATE_SREGS, &s->sregs, sizeof(s->sregs)))
		s->sregs.xcr0 = 1;
	all(VMXHV_GET_STATE, s);
}

static bool as_wanted(const struct row *r, const struct state *before, const struct state *after)
{
	const void *is = (const char *)after + r->at, *was = (const char *)before + r->at;
	uint64_t value = 0;

	if (r->how == KEPT)
		return !memcmp(is, was, r->size);
	if (r->size > sizeof(value)) {
		static const uint8_t zero[sizeof(struct vmxhv_event)];

		return !memcmp(is, zero, r->size);
	}
	memcpy(&value, is, r->size);
	if (value != r->wanted)
		tap_note("%s: %#llx, wanted %#llx", r->name, (unsigned long long)value,
			 (unsigned long long)r->wanted);
	return value == r->wanted;
}

static void init(void)
{
	static struct state before, after;

	disturb(&before);
	inject(VMXHV_INJECT_INIT, 0);
	all(VMXHV_GET_STATE, &after);
	for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
		tap_ok(as_wanted(r, &before, &after), "INIT: %s", r->name);
	tap_ok(after.gprs.gpr[2] && after.gprs.gpr[2] >> 32 == 0, "INIT: RDX has the signature");
	for (int i = 0; i < ARRAY_SIZE(msrs); i++) {
		uint64_t value = 0;

		if (get_msr(&c, msrs[i].index, &value))
			tap_bail("MSR %#x", msrs[i].index);
		if (value != msrs[i].after)
			tap_note("%#llx", (unsigned long long)value);
		tap_ok(value == msrs[i].after, "INIT: MSR %#x", msrs[i].index);
	}
	tap_equal(run_guest(&c), VMXHV_EXIT_MMIO, "INIT: the bootstrap processor goes on");
	tap_equal(c.run->u.mmio.gpa, 0xfffffff0, "at the reset vector");
}

/* Alone, as userspace that shares the CPU with it would meet it: behind RUN. */
static void init_while_running(void)
{
	static struct state before, after;

	disturb(&before);
	before.events = (struct vmxhv_events){};
	set_group(&c, VMXHV_STATE_EVENTS, &before.events, sizeof(before.events));
	inject(VMXHV_INJECT_INIT, 0);
	tap_equal(run_guest(&c), VMXHV_EXIT_MMIO, "RUN takes an INIT");
	all(VMXHV_GET_STATE, &after);
	for (const struct row *r = rows; r < rows + ARRAY_SIZE(rows); r++)
		if (!as_wanted(r, &before, &after))
			tap_ok(false, "RUN and INIT: %s", r->name);
	tap_ok(after.debug.dr7 == 0x400, "and it leaves the same");
}

static void triple_fault(void)
{
	struct vmxhv_sregs s;

	cpu_start(&c, MODE_LONG, TOP);
	if (get_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS");
	/* the jump leads to no page, and there is no IDT: lidt is jumped over */
	s.idtr.limit = 0;
	s.cr3 = 0x30000;
	memset(m.ram + 0x30000, 0, 4096);
	if (set_group(&c, VMXHV_STATE_SREGS, &s, sizeof(s)))
		tap_bail("SREGS");
	tap_equal(run_guest(&c), VMXHV_EXIT_SHUTDOWN, "a triple fault is SHUTDOWN");
}

static void ends_by_spinning(const char *name)
{
	cpu_start(&c, MODE_LONG, SPIN);
	tap_equal(-run_guest_for(&c, 1), EINTR, name);
}

/* What is set after an INIT was sent is set after it. */
static void init_before_state(void)
{
	struct vmxhv_gprs g = { .rip = 0x1234, .rflags = 2, .gpr[1] = 0x5678 }, now;

	inject(VMXHV_INJECT_INIT, 0);
	if (set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)) ||
	    get_group(&c, VMXHV_STATE_GPRS, &now, sizeof(now)))
		tap_bail("GPRS");
	tap_ok(!memcmp(&g, &now, sizeof(g)), "registers that are set behind an INIT stay");
}

static void shutdown_and_init(void)
{
	triple_fault();
	tap_equal(run_guest(&c), VMXHV_EXIT_SHUTDOWN, "and stays so");
	inject(VMXHV_INJECT_INIT, 0);
	tap_equal(run_guest(&c), VMXHV_EXIT_MMIO, "INIT ends a shutdown");
	tap_equal(c.run->u.mmio.gpa, 0xfffffff0, "the processor begins anew");
	ends_by_spinning("and state that is set then stays");
	init_before_state();
	triple_fault();
	inject(VMXHV_INJECT_INIT, 0);
	ends_by_spinning("an INIT that nobody ran for is over when state is set");
}

/* Only a processor that waits for one takes it. */
static void start_up_while_active(void)
{
	struct vmxhv_gprs before, after;

	cpu_start(&c, MODE_LONG, SPIN);
	if (get_group(&c, VMXHV_STATE_GPRS, &before, sizeof(before)))
		tap_bail("GPRS");
	inject(VMXHV_INJECT_SIPI, 9);
	tap_equal(-run_guest_for(&c, 1), EINTR, "a start-up IPI, and the guest runs on");
	if (get_group(&c, VMXHV_STATE_GPRS, &after, sizeof(after)))
		tap_bail("GPRS");
	tap_ok(!memcmp(&before, &after, sizeof(before)), "where it was");
}

/* OUT ends where the addresses of the lower half do: RIP is not canonical then, and is state. */
static void top_of_lower_half(void)
{
	struct vmxhv_run_args args = { .size = sizeof(args), .flags = VMXHV_RUN_COMPLETE_ONLY };
	uint64_t *pml4 = (uint64_t *)(m.ram + PAGE_TABLES), *pdpt = pml4 + 512, *pd = pdpt + 512;
	uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	struct vmxhv_gprs g;

	/* the last 2 MiB lead to those from 0: the last page of them */
	page[0xffe] = 0xe6;
	page[0xfff] = PORT_ASK;
	machine_map(&m, 0x1ff000, page, 4096, 0);
	pml4[255] = pml4[0];
	pdpt[511] = pdpt[0];
	pd[511] = 0x87;
	cpu_start(&c, MODE_LONG, TOP);
	tap_equal(run_guest(&c), VMXHV_EXIT_IO, "OUT at the end of the lower half");
	if (call(c.fd, VMXHV_RUN, &args) || get_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)))
		tap_bail("GPRS");
	tap_equal(g.rip, 0x800000000000, "RIP is behind it");
	tap_equal(set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)), 0, "and can be set so");
	g.rip = 0x1000000000000;
	tap_equal(-set_group(&c, VMXHV_STATE_GPRS, &g, sizeof(g)), EINVAL,
		  "but not with bits 63:48 that differ");
}

int main(void)
{
	machine_create(&m, 1 << 20);
	load_guest(&m, "state");
	cpu_create(&m, &c, 0);
	init();
	init_while_running();
	shutdown_and_init();
	start_up_while_active();
	top_of_lower_half();
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
