// SPDX-License-Identifier: GPL-2.0-only
/* GET_STATE and SET_STATE: each refusal, and that what was refused changed nothing. */
#include <errno.h>
#include <string.h>

#include "machine.h"
#include "refusal.h"
#include "tap.h"

#define GROUP(type, member)	POKE_AT(type, member, VMXHV_ERR_STATE)
#define SREG(member)		GROUP(vmxhv_sregs, member)

/* into SREGS in long mode */
static const struct poke sregs_pokes[] = {
	{ "CR0: PG without PE", SREG(cr0), 0x80010032, EINVAL },
	{ "CR0: NW without CD", SREG(cr0), 0xa0010033, EINVAL },
	{ "CR0: high half", SREG(cr0), 0x180010033, EINVAL },
	{ "CR4: VMXE", SREG(cr4), 0x2620, EINVAL },
	{ "CR4: reserved bit", SREG(cr4), 0x80000620, EINVAL },
	{ "CR4: no PAE in long mode", SREG(cr4), 0x600, EINVAL },
	{ "CR3: beyond the CPU's width", SREG(cr3), 1ull << 52, EINVAL },
	{ "CR8: 16", SREG(cr8), 16, EINVAL },
	{ "EFER: reserved bit", SREG(efer), 0x100000500, EINVAL },
	{ "EFER: LMA without LME", SREG(efer), 0x400, EINVAL },
	{ "XCR0: no x87", SREG(xcr0), 2, EINVAL },
	{ "APIC_BASE: reserved bit", SREG(apic_base), 0xfee00901, EINVAL },
	{ "FS base not canonical", SREG(fs.base), 1ull << 63, EINVAL },
	{ "TR base not canonical", SREG(tr.base), 1ull << 63, EINVAL },
	{ "GDTR base not canonical", SREG(gdtr.base), 1ull << 63, EINVAL },
	{ "IDTR base not canonical", SREG(idtr.base), 1ull << 63, EINVAL },
	{ "CS: not code", SREG(cs.access), 0xa092, EINVAL },
	{ "CS: L and D", SREG(cs.access), 0xe09b, EINVAL },
	{ "SS: reserved access bits", SREG(ss.access), 0xfc093, EINVAL },
	{ "TR: unusable", SREG(tr.access), 0x1008b, EINVAL },
	{ "TR: not busy", SREG(tr.access), 0x89, EINVAL },
	{ "DS: limit without granularity", SREG(ds.access), 0x4093, EINVAL },
	{ "segment reserved", SREG(es.reserved), 1, EINVAL },
	{ "table reserved", .at = offsetof(struct vmxhv_sregs, gdtr.reserved), .bytes = 2,
	  .code = VMXHV_ERR_STATE, .item = ANY, .value = 1, .error = EINVAL },
	{ "PDPTE without PAE paging", .at = offsetof(struct vmxhv_sregs, pdpte), .bytes = 8,
	  .code = VMXHV_ERR_STATE, .item = ANY, .value = 1, .error = EINVAL },
};

static const struct poke gprs_pokes[] = {
	{ "RFLAGS: bit 1 is 1", GROUP(vmxhv_gprs, rflags), 0, EINVAL },
	{ "RFLAGS: bit 3 is 0", GROUP(vmxhv_gprs, rflags), 0xa, EINVAL },
	{ "RFLAGS: VM in long mode", GROUP(vmxhv_gprs, rflags), 0x20002, EINVAL },
	{ "RIP not canonical", GROUP(vmxhv_gprs, rip), 1ull << 63, EINVAL },
};

static const struct poke events_pokes[] = {
	{ "activity 4", GROUP(vmxhv_events, activity), 4, EINVAL },
	{ "three NMIs", GROUP(vmxhv_events, nmi_pending), 3, EINVAL },
	{ "nmi_blocked 2", GROUP(vmxhv_events, nmi_blocked), 2, EINVAL },
	{ "SMI", GROUP(vmxhv_events, smi), 1, EINVAL },
	{ "sti_shadow 2", GROUP(vmxhv_events, sti_shadow), 2, EINVAL },
	{ "STI shadow without IF", GROUP(vmxhv_events, sti_shadow), 1, EINVAL },
	{ "sipi_pending 2", GROUP(vmxhv_events, sipi_pending), 2, EINVAL },
	{ "extint_line 2", GROUP(vmxhv_events, extint_line), 2, EINVAL },
	{ "extint_answered 2", GROUP(vmxhv_events, extint_answered), 2, EINVAL },
	{ "a vector without an answer", GROUP(vmxhv_events, extint_vector), 0x40, EINVAL },
	{ "reserved", GROUP(vmxhv_events, reserved), 1, EINVAL },
	{ "injected: reserved type", GROUP(vmxhv_events, injected.info), 0x80000120, EINVAL },
	{ "injected: not valid but not 0", GROUP(vmxhv_events, injected.info), 0x20, EINVAL },
	{ "pending: an interrupt", GROUP(vmxhv_events, pending.info), 0x80000020, EINVAL },
	{ "pending: no error code has #UD", GROUP(vmxhv_events, pending.info), 0x80000b06,
	  EINVAL },
};

static const struct poke debug_pokes[] = {
	{ "DR7: high half", GROUP(vmxhv_debug_regs, dr7), 0x100000400, EINVAL },
	{ "DR6: high half", GROUP(vmxhv_debug_regs, dr6), 0x1ffff0ff0, EINVAL },
};

static const struct poke xsave_pokes[] = {
	{ "XSTATE_BV: unknown component", .at = 512, .bytes = 8, .code = VMXHV_ERR_STATE,
	  .item = 512, .value = 1ull << 62, .error = EINVAL },
	{ "XCOMP_BV: compacted", .at = 520, .bytes = 8, .code = VMXHV_ERR_STATE,
	  .item = 520, .value = 1ull << 63, .error = EINVAL },
	{ "header reserved", .at = 528, .bytes = 8, .code = VMXHV_ERR_STATE,
	  .item = 528, .value = 1, .error = EINVAL },
	{ "MXCSR: reserved bit", .at = 24, .bytes = 4, .code = VMXHV_ERR_STATE,
	  .item = 24, .value = 0x80001f80, .error = EINVAL },
};

static const struct poke lapic_pokes[] = {
	{ "another APIC id", .at = 0x20, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0x20,
	  .value = 5u << 24, .error = EINVAL },
	{ "another version", .at = 0x30, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0x30,
	  .value = 1, .error = EINVAL },
	{ "vector 0 pending", .at = 0x200, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0x200,
	  .value = 1, .error = EINVAL },
	{ "between registers", .at = 0x84, .bytes = 4, .code = VMXHV_ERR_STATE, .item = ANY,
	  .value = 1, .error = EINVAL },
};

static uint8_t image[0x10000], before[0x10000], after[0x10000];

static struct vmxhv_state_entry entry = { .data = (uintptr_t)image };
static struct vmxhv_state state = {
	.size = sizeof(state), .count = 1, .entries = (uintptr_t)&entry,
};

static uint32_t group_length(struct cpu *c, uint32_t group)
{
	struct vmxhv_state_entry e = { .group = group };
	struct vmxhv_state s = { .size = sizeof(s), .count = 1, .entries = (uintptr_t)&e };

	tap_equal(-call(c->fd, VMXHV_GET_STATE, &s), ENOSPC, "GET with no room: ENOSPC");
	return e.length;
}

static void group(struct cpu *c, uint32_t number, const struct poke *rows, int count)
{
	uint32_t length = group_length(c, number);

	get_group(c, number, before, length);
	memcpy(image, before, length);
	entry.group = number;
	entry.length = length;
	tap_equal(call(c->fd, VMXHV_SET_STATE, &state), 0, "SET of what GET gave");
	expect_refused(c->fd, VMXHV_SET_STATE, &state, image, rows, count);
	get_group(c, number, after, length);
	tap_ok(!memcmp(before, after, length), "refused means unchanged");
}

/* A good group beside a bad one is not applied either, in any order. */
static void transaction(struct cpu *c)
{
	struct vmxhv_gprs gprs, now;
	struct vmxhv_debug_regs debug;
	struct vmxhv_state_entry e[2] = {
		{ VMXHV_STATE_GPRS, sizeof(gprs), (uintptr_t)&gprs },
		{ VMXHV_STATE_DEBUG, sizeof(debug), (uintptr_t)&debug },
	};
	struct vmxhv_state s = { .size = sizeof(s), .count = 2, .entries = (uintptr_t)e };
	struct vmxhv_state_entry swap = e[0];
	int ret;

	tap_equal(call(c->fd, VMXHV_GET_STATE, &s), 0, "two groups in one call");
	gprs.gpr[3] = 0x1234;
	debug.dr7 = 1ull << 40;
	ret = call(c->fd, VMXHV_SET_STATE, &s);
	expect_error(c->fd, ret, EINVAL, VMXHV_ERR_STATE, offsetof(struct vmxhv_debug_regs, dr7),
		     NULL, "a good group before a bad one");
	tap_equal(last_error(c->fd).index, VMXHV_STATE_DEBUG, "GET_ERROR names the group");
	e[0] = e[1];
	e[1] = swap;
	tap_equal(-call(c->fd, VMXHV_SET_STATE, &s), EINVAL, "and behind it");
	get_group(c, VMXHV_STATE_GPRS, &now, sizeof(now));
	tap_ok(now.gpr[3] != 0x1234, "was not applied");
}

static void entry_rules(struct cpu *c)
{
	static const struct poke arg_pokes[] = {
		{ "reserved", POKE_ARG(vmxhv_state, reserved), 1, EINVAL },
		{ "8 entries", POKE_ARG(vmxhv_state, count), 8, EINVAL },
		{ "bad pointer", POKE_ADDRESS(vmxhv_state, entries), 8, EFAULT },
	};
	static const struct poke entry_pokes[] = {
		{ "unknown group", .at = 0, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0,
		  .value = VMXHV_STATE_GROUPS, .error = EINVAL },
		{ "bad data pointer", POKE_ADDRESS(vmxhv_state_entry, data), 8, EFAULT },
		{ "too long", .at = 4, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0,
		  .value = 0x10001, .error = E2BIG },
	};
	static const struct poke set_pokes[] = {
		{ "SET: too short", .at = 4, .bytes = 4, .code = VMXHV_ERR_STATE, .item = 0,
		  .value = sizeof(struct vmxhv_gprs) - 8, .error = EINVAL },
	};
	struct vmxhv_state_entry twice[2];
	struct vmxhv_state s = { .size = sizeof(s), .count = 2, .entries = (uintptr_t)twice };

	entry = (struct vmxhv_state_entry){ VMXHV_STATE_GPRS, sizeof(struct vmxhv_gprs),
					    (uintptr_t)image };
	tap_equal(call(c->fd, VMXHV_GET_STATE, &state), 0, "GET");
	for (int i = 0; i < 2; i++) {
		unsigned long command = i ? VMXHV_SET_STATE : VMXHV_GET_STATE;

		expect_struct_rules(c->fd, command, &state, sizeof(state), i ? "SET" : "GET");
		expect_refused(c->fd, command, &state, &state, arg_pokes, ARRAY_SIZE(arg_pokes));
		expect_refused(c->fd, command, &state, &entry, entry_pokes,
			       ARRAY_SIZE(entry_pokes));
	}
	expect_refused(c->fd, VMXHV_SET_STATE, &state, &entry, set_pokes, ARRAY_SIZE(set_pokes));
	twice[0] = entry;
	twice[1] = entry;
	expect_error(c->fd, call(c->fd, VMXHV_SET_STATE, &s), EINVAL, VMXHV_ERR_STATE, 0, "twice",
		     "a group twice");
	entry.length += 16;
	tap_equal(call(c->fd, VMXHV_SET_STATE, &state), 0, "SET with a zero tail");
	image[entry.length - 1] = 1;
	tap_equal(-call(c->fd, VMXHV_SET_STATE, &state), E2BIG, "SET with a tail that is not");
	tap_equal(call(c->fd, VMXHV_GET_STATE, &state), 0, "GET with room to spare");
	tap_equal(entry.length, sizeof(struct vmxhv_gprs), "says how much there is");
	tap_equal(image[entry.length + 15], 0, "and zeroes the rest");
}

int main(void)
{
	struct machine m;
	struct cpu c;

	machine_create(&m, 1 << 20);
	load_guest(&m, "spin");
	cpu_create(&m, &c, 0);
	cpu_start(&c, MODE_LONG, 0);
	entry_rules(&c);
	group(&c, VMXHV_STATE_GPRS, gprs_pokes, ARRAY_SIZE(gprs_pokes));
	group(&c, VMXHV_STATE_SREGS, sregs_pokes, ARRAY_SIZE(sregs_pokes));
	group(&c, VMXHV_STATE_EVENTS, events_pokes, ARRAY_SIZE(events_pokes));
	group(&c, VMXHV_STATE_DEBUG, debug_pokes, ARRAY_SIZE(debug_pokes));
	group(&c, VMXHV_STATE_XSAVE, xsave_pokes, ARRAY_SIZE(xsave_pokes));
	group(&c, VMXHV_STATE_LAPIC, lapic_pokes, ARRAY_SIZE(lapic_pokes));
	transaction(&c);
	cpu_destroy(&c);
	machine_destroy(&m);
	return tap_done();
}
