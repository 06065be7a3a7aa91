// SPDX-License-Identifier: GPL-2.0-only
/* Exceptions and NMIs that exit. */
#include <linux/bits.h>

#include <asm/cpufeature.h>
#include <asm/traps.h>

#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/**
 * guest_exception() - an exception exits that the guest raised itself
 * @v: the vCPU, loaded
 * @e: the exception
 *
 * Context: vCPU thread; interrupts may be off.
 * Return: HANDLED: it goes back to the guest; TO_USER with EXCEPTION in the run area.
 */
int guest_exception(struct vcpu *v, const struct exception *e)
{
	if (unlikely(v->vm->config.exceptions & BIT(e->vector & 31)))
		return exception_to_user(v, e);
	vcpu_raise_exception(v, e);
	return HANDLED;
}

/* #DB and #AC may come here only to go back: see EXCEPTIONS in controls.c. */
static int reflect_exception(struct vcpu *v, u32 info)
{
	const struct exception e = exit_exception(v, info);

	return guest_exception(v, &e);
}

/*
 * INT1 comes here as #DB does, but it is an instruction: it goes back as one, and is over when its
 * handler begins. DR6 says nothing of it.
 */
static int reflect_int1(struct vcpu *v, u32 info)
{
	v->events.injected = (struct injected_event){
		.info = info & ~INTR_INFO_RESERVED_MASK, .insn_len = exit_insn_len(v) };
	v->recheck = true;
	return HANDLED;
}

/*
 * What split-lock detection wants of a task that did one may sleep, and ends by allowing the task
 * more, or by a signal: in both cases the instruction comes again.
 */
static int handle_split_lock(struct vcpu *v)
{
	vcpu_assert_may_sleep(v);
	compat_split_lock(vcpu_rip(v));
	return HANDLED;
}

static const struct exit_row split_lock_row = { .handle = handle_split_lock };

/* Is #AC the host's, which watches for locked accesses across cache lines? */
static bool is_split_lock(struct vcpu *v)
{
	return boot_cpu_has(X86_FEATURE_SPLIT_LOCK_DETECT) &&
	       !exception_alignment_checked(vcpu_cpl(v), vmcs_readl(GUEST_CR0), vcpu_rflags(v));
}

/**
 * handle_exception() - exit reason exception or NMI
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off.
 * Return: HANDLED; TO_USER where userspace takes this exception, where nobody asked for it, or
 * where the host must see to a machine check.
 */
int handle_exception(struct vcpu *v)
{
	u32 info = exit_intr_info(v);
	u8 vector = info & INTR_INFO_VECTOR_MASK;

	/* an NMI was given to the host right after the exit */
	if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_NMI_INTR)
		return HANDLED;
	/* IRET unblocked NMIs and then faulted: they are blocked still */
	if ((info & INTR_INFO_UNBLOCK_NMI) && vector != X86_TRAP_DF)
		vcpu_reblock_nmis(v);
	if (vector == X86_TRAP_MC)
		return machine_check(v);
	if ((info & INTR_INFO_TYPE_MASK) == INTR_TYPE_PRIV_SW_EXCEPTION)
		return reflect_int1(v, info);
	if (vector == X86_TRAP_AC && is_split_lock(v))
		return leave_pending(v, &split_lock_row);
	if (unlikely(v->debug.on || v->debug.control))
		return debug_exception(v, info);
	if (vector == X86_TRAP_DB || vector == X86_TRAP_AC ||
	    v->vm->config.exceptions & BIT(vector & 31))
		return reflect_exception(v, info);
	return handle_unexpected(v);
}
