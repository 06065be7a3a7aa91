// SPDX-License-Identifier: GPL-2.0-only
/* Exits that take a line or two: nothing to do, an instruction to skip, a fault to raise. */
#include <linux/errno.h>
#include <linux/sched.h>

#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"

/**
 * handle_nothing() - the exit itself was all that was wanted
 * @v: the vCPU, loaded
 *
 * Context: Any that a handler has.
 * Return: HANDLED.
 */
int handle_nothing(struct vcpu *v)
{
	return HANDLED;
}

/**
 * handle_unexpected() - an exit that no control of ours asks for
 * @v: the vCPU, loaded
 *
 * Context: Any that a handler has.
 * Return: TO_USER, with INTERNAL in the run area: the VM is dead.
 */
int handle_unexpected(struct vcpu *v)
{
	return exit_internal(v, "an exit that no control asks for");
}

/**
 * handle_timer() - the preemption timer: the APIC timer's deadline, or a jiffy
 * @v: the vCPU, loaded
 *
 * It is to be loaded again, whichever it was.
 *
 * Context: Interrupts were open since the exit.
 * Return: HANDLED.
 */
int handle_timer(struct vcpu *v)
{
	v->timer_stale = true;
	return HANDLED;
}

/**
 * handle_skip() - an instruction that does nothing here: INVD, WBINVD
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: HANDLED.
 */
int handle_skip(struct vcpu *v)
{
	return vcpu_skip_insn(v);
}

/**
 * handle_ud() - an instruction that the guest's CPU does not have
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: HANDLED; #UD is queued.
 */
int handle_ud(struct vcpu *v)
{
	return raise_ud(v);
}

/**
 * handle_gp() - an instruction whose operand names nothing that the guest has: RDPMC
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: HANDLED; #GP(0) is queued.
 */
int handle_gp(struct vcpu *v)
{
	return raise_gp(v);
}

/**
 * handle_triple_fault() - the guest's processor shuts down
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: HANDLED; RUN then reports SHUTDOWN.
 */
int handle_triple_fault(struct vcpu *v)
{
	vcpu_triple_fault(v);
	return HANDLED;
}

/**
 * handle_hlt() - HLT
 * @v: the vCPU, loaded
 *
 * Context: Interrupts on.
 * Return: HANDLED, and the run loop waits; TO_USER where userspace wants HLT.
 */
int handle_hlt(struct vcpu *v)
{
	vcpu_skip_insn(v);
	if (v->asked.user_flags & VMXHV_USER_EXIT_HLT) {
		exit_to_user(v, VMXHV_EXIT_HLT);
		return TO_USER;
	}
	v->events.activity = VMXHV_HALTED;
	return HANDLED;
}

/**
 * handle_vmcall() - VMCALL
 * @v: the vCPU, loaded
 *
 * Context: Interrupts may be off.
 * Return: HANDLED: there is no such call; TO_USER where userspace takes them.
 */
int handle_vmcall(struct vcpu *v)
{
	if (unlikely(v->asked.user_flags & VMXHV_USER_EXIT_HYPERCALL))
		return hypercall_to_user(v);
	v->gpr[REG_RAX] = NO_SUCH_HYPERCALL;
	return vcpu_skip_insn(v);
}

/**
 * handle_window() - the guest can take an interrupt now
 * @v: the vCPU, loaded
 *
 * Context: Interrupts off.
 * Return: HANDLED: what waits is injected next; TO_USER where userspace asked and nothing waits.
 */
int handle_window(struct vcpu *v)
{
	if ((v->asked.user_flags & VMXHV_USER_WANT_WINDOW) && lapic_pending(v) < 0) {
		exit_to_user(v, VMXHV_EXIT_WINDOW);
		return TO_USER;
	}
	return HANDLED;
}

/**
 * handle_pause() - a loop at CPL 0 waits for another vCPU: perhaps it is that one's turn
 * @v: the vCPU, loaded
 *
 * Context: Process.
 * Return: HANDLED.
 */
int handle_pause(struct vcpu *v)
{
	vcpu_skip_insn(v);
	schedule();
	return HANDLED;
}

/**
 * handle_ept_misconfig() - an EPT entry that means nothing: we write none
 * @v: the vCPU, loaded
 *
 * Context: Interrupts on.
 * Return: TO_USER, with INTERNAL in the run area: the VM is dead.
 */
int handle_ept_misconfig(struct vcpu *v)
{
	return exit_internal(v, "an EPT entry of ours is malformed");
}
