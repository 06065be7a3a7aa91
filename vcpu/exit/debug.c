// SPDX-License-Identifier: GPL-2.0-only
/* Exits while there is a debugger, and what it is told. */
#include <linux/bits.h>
#include <linux/percpu.h>
#include <linux/string.h>

#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/traps.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* With BTF the guest's own trap comes behind a taken branch: it leads farther than any length. */
static bool guest_traps(struct vcpu *v)
{
	const struct vcpu_debug *d = &v->debug;

	if (d->plan != PLAN_TRAP)
		return true;
	if (!d->guest_tf)
		return false;
	return !d->guest_btf || vcpu_rip(v) - d->rip - 1 >= 15;
}

static void point_hit(struct vcpu *v, int point)
{
	struct vcpu_debug *d = &v->debug;

	debug_say(v, VMXHV_DEBUG_POINT, BIT(point));
	if (d->point[point].kind != VMXHV_POINT_EXEC)
		return;
	d->resume = true;
	d->resume_rip = vcpu_rip(v);
}

/* Whose is it? What is left for the guest is the payload of its own #DB. */
static u64 sort_out(struct vcpu *v, u64 qualification)
{
	const struct debug_slots *slots = &v->debug.slots;
	u64 guest = qualification & DR6_BD;
	bool done = false;
	int i;

	for (i = 0; i < DEBUG_POINTS; i++) {
		if (!(qualification & BIT(i)))
			continue;
		if (slots->owner[i] == OWNER_GUEST)
			guest |= BIT(i);
		else if (slots->owner[i] == OWNER_STEP)
			done = true;
		else if (slots->owner[i] >= OWNER_POINT)
			point_hit(v, slots->owner[i] - OWNER_POINT);
	}
	if (qualification & DR_STEP) {
		done |= v->debug.plan != PLAN_NONE;
		if (guest_traps(v))
			guest |= DR_STEP;
	}
	if (done)
		debug_step_done(v);
	return guest;
}

static bool is_exception(u32 info, u8 vector, u32 type)
{
	return (info & (INTR_INFO_VECTOR_MASK | INTR_INFO_TYPE_MASK)) == (vector | type);
}

/**
 * debug_exception() - an exception exit, while there is a debugger
 * @v: the vCPU
 * @info: VM-exit interruption information; not an NMI, not #MC
 *
 * Context: Interrupts off. SDM: "Debug Exceptions", "Exit Qualification for Debug Exceptions".
 * Return: HANDLED: what the guest gets is queued, what the debugger gets is noted; TO_USER:
 * userspace decides first whether the guest gets it.
 */
int debug_exception(struct vcpu *v, u32 info)
{
	struct exception e = exit_exception(v, info);

	if (is_exception(info, X86_TRAP_DB, INTR_TYPE_HARD_EXCEPTION)) {
		if (v->debug.on)
			e.payload = sort_out(v, exit_qualification(v));
		if (!e.payload)
			return HANDLED;
	}
	if (is_exception(info, X86_TRAP_BP, INTR_TYPE_SOFT_EXCEPTION) &&
	    (v->debug.control & VMXHV_DEBUG_INT3)) {
		v->debug.plan = PLAN_NONE;
		debug_say(v, VMXHV_DEBUG_INT3, 0);
		return HANDLED;
	}
	return guest_exception(v, &e);
}

/* TO_USER, or HANDLED: there is nothing to tell. */
static int report(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;
	struct vmxhv_exit_debug what;

	/* an instruction that exited and was done by the module or by userspace has moved RIP */
	if (debug_stepping(v) && (d->plan == PLAN_TRAP || d->plan == PLAN_BREAK) &&
	    vcpu_rip(v) != d->rip)
		debug_step_done(v);
	what = d->report;
	if (!what.kind)
		return HANDLED;
	d->report = (struct vmxhv_exit_debug){};
	d->plan = PLAN_NONE;
	what.pc = debug_linear(v, vcpu_rip(v));
	exit_to_user(v, VMXHV_EXIT_DEBUG);
	publish_union(v, &what, sizeof(what));
	return TO_USER;
}

/* The guest has taken a register: a point that is not watched any more must not go unnoticed. */
static void find_unwatched(struct vcpu *v)
{
	struct vcpu_debug *d = &v->debug;
	struct debug_slots slots;

	debug_share(v->dr, vmcs_readl(GUEST_DR7), d->point, NULL, &slots);
	if (slots.unwatched & ~d->unwatched)
		debug_say(v, VMXHV_DEBUG_UNWATCHED, slots.unwatched);
	d->unwatched = slots.unwatched;
}

/**
 * debug_serve() - REQ_DEBUG: tell the debugger what happened since the last entry, or go on
 * @v: the vCPU, loaded
 *
 * While there is a debugger, vcpu->burst.outside stays set: nothing is entered without coming here
 * first, whatever else held the entry up.
 *
 * Context: Process; may sleep.
 * Return: TO_USER with DEBUG in the run area, or HANDLED.
 */
int debug_serve(struct vcpu *v)
{
	vcpu_assert_may_sleep(v);
	if (report(v) == TO_USER)
		return TO_USER;
	if (debug_has_points(&v->debug)) {
		find_unwatched(v);
		if (report(v) == TO_USER)
			return TO_USER;
	}
	clear_bit(REQ_DEBUG, &v->requests);
	if (v->debug.on) {
		v->burst.outside = true;
		debug_arm(v);
	}
	return HANDLED;
}

/**
 * debug_set() - what the debugger wants from now on
 * @v: the vCPU
 * @debug: checked
 *
 * An instruction that userspace is still to complete is the first step.
 *
 * Context: vCPU loaded, mutex held.
 */
void debug_set(struct vcpu *v, const struct vmxhv_debug *debug)
{
	struct vcpu_debug *d = &v->debug;
	u32 exceptions = 0;

	vcpu_assert_loaded(v);
	d->control = debug->control;
	memcpy(d->point, debug->point, sizeof(d->point));
	d->on = debug_stepping(v) || debug_has_points(d);
	/* no row is plain: what the entry was lent is taken back before anything is handled */
	v->burst.plain_row = d->on ? ~0u : ROW_IRQS_OFF;
	d->report.kind = 0;
	d->unwatched = 0;
	d->plan = v->completion != COMPLETE_NONE ? PLAN_TRAP : PLAN_NONE;
	d->rip = vcpu_rip(v);
	set_bit(REQ_DEBUG, &v->requests);
	v->lapic->controls_stale = true;
	if (debug_stepping(v))
		exceptions = ~0u;
	else if (d->control & VMXHV_DEBUG_INT3)
		exceptions = BIT(X86_TRAP_BP);
	controls_set_exceptions(v, exceptions);
}
