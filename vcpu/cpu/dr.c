// SPDX-License-Identifier: GPL-2.0-only
/*
 * Debug registers. MOV DR always exits and works on the values in struct vcpu; DR7 is in the VMCS.
 * The guest's DR0 to DR3 go into the CPU only while its DR7 enables a breakpoint, burst by burst;
 * its DR6 never does: every #DB exits, and says in the exit qualification what DR6 would.
 */
#include <linux/bits.h>
#include <linux/irqflags.h>
#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

#define DR7_ENABLES	0xffull

/**
 * dr_enter() - before a burst of VM entries: the guest's breakpoints
 * @v: the vCPU
 *
 * What the host had there comes back by hw_breakpoint_restore() after the burst; until then its DR7
 * enables nothing: host_burst_begin().
 *
 * Context: IRQs off.
 */
void dr_enter(struct vcpu *v)
{
	vcpu_assert_burst(v);
	if (likely(!v->dr_loaded))
		return;
	set_debugreg(v->dr[0], 0);
	set_debugreg(v->dr[1], 1);
	set_debugreg(v->dr[2], 2);
	set_debugreg(v->dr[3], 3);
}

/**
 * dr_set7() - change the guest's DR7
 * @v: the vCPU
 * @value: the value
 *
 * Context: vCPU loaded, mutex held.
 */
void dr_set7(struct vcpu *v, u64 value)
{
	vcpu_assert_loaded(v);
	value = dr7_stored(value);
	v->dr_loaded = value & DR7_ENABLES;
	vmcs_writel(GUEST_DR7, value);
}

static void raise_trap(struct vcpu *v, u64 hits)
{
	struct exception *e = &v->events.exception;

	/* the single-step trap of the same instruction is the same #DB */
	if (e->pending && e->vector == X86_TRAP_DB && e->has_payload)
		e->payload |= hits;
	else
		vcpu_raise_exception(v, &(const struct exception){
			.vector = X86_TRAP_DB, .has_payload = true, .payload = hits });
}

/* With a debugger the registers are shared: whose was it? */
static u64 sort_hits(struct vcpu *v, u64 hits)
{
	const struct debug_slots *slots = &v->debug.slots;
	u64 guest = 0;
	int i;

	for (i = 0; i < DEBUG_POINTS; i++) {
		if (!(hits & BIT(i)))
			continue;
		if (slots->owner[i] == OWNER_GUEST)
			guest |= BIT(i);
		else if (slots->owner[i] >= OWNER_POINT)
			debug_say(v, VMXHV_DEBUG_POINT, BIT(slots->owner[i] - OWNER_POINT));
	}
	return guest;
}

/**
 * dr_meet() - an access that was done in software meets the breakpoints that the CPU would have met
 * @v: the vCPU, loaded; the instruction, or an iteration of it, has retired
 * @access: what was done
 * @at: the linear address, or the port
 * @length: bytes
 *
 * The guest's are traps behind the instruction; a debugger's are reported.
 *
 * Context: vCPU thread; interrupts may be off. SDM: "Data Memory and I/O Breakpoint Exception
 *	Conditions".
 */
void dr_meet(struct vcpu *v, enum debug_access access, u64 at, u32 length)
{
	const struct debug_slots *slots = &v->debug.slots;
	const bool io_points = vcpu_cr4(v) & X86_CR4_DE;
	u64 hits;

	vcpu_assert_loaded(v);
	if (v->debug.on)
		hits = sort_hits(v, debug_hits(slots->dr, slots->dr7, io_points, access, at,
					       length));
	else
		hits = debug_hits(v->dr, vmcs_readl(GUEST_DR7), io_points, access, at, length);
	if (hits)
		raise_trap(v, hits);
}
