// SPDX-License-Identifier: GPL-2.0-only
/*
 * What RUN does first: the exit that userspace was asked about is completed with its answer.
 */
#include "vcpu/exits.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"

static int complete_msr(struct vcpu *v, bool read)
{
	u32 fault = READ_ONCE(v->run->u.msr.fault);
	u64 value = READ_ONCE(v->run->u.msr.value);

	if (fault)
		return raise_gp(v);
	if (read)
		vcpu_set_edx_eax(v, value);
	return vcpu_skip_insn(v);
}

static int complete_intack(struct vcpu *v)
{
	v->recheck = true;
	v->events.extint_waiting = false;
	if (READ_ONCE(v->run->intack_spurious))
		return HANDLED;
	v->events.extint_answered = true;
	v->events.extint_vector = READ_ONCE(v->run->intack_vector);
	return HANDLED;
}

static int complete_hypercall(struct vcpu *v)
{
	v->gpr[REG_RAX] = READ_ONCE(v->run->u.hypercall.result);
	return vcpu_skip_insn(v);
}

static int complete_cpuid(struct vcpu *v)
{
	const struct vmxhv_exit_cpuid *answer = &v->run->u.cpuid;

	v->gpr[REG_RAX] = READ_ONCE(answer->eax);
	v->gpr[REG_RBX] = READ_ONCE(answer->ebx);
	v->gpr[REG_RCX] = READ_ONCE(answer->ecx);
	v->gpr[REG_RDX] = READ_ONCE(answer->edx);
	return vcpu_skip_insn(v);
}

static int complete_exception(struct vcpu *v)
{
	v->recheck = true;
	if (READ_ONCE(v->run->u.exception.deliver))
		vcpu_raise_exception(v, &v->reported);
	else
		vcpu_keep_trap_pending(v);
	return HANDLED;
}

/**
 * complete_exit() - take userspace's answer to the last exit
 * @v: the vCPU, loaded
 * @err: detail of a refusal
 *
 * Context: Process; may sleep.
 * Return: HANDLED; -EINVAL for an answer that makes no sense.
 */
int complete_exit(struct vcpu *v, struct vmxhv_error *err)
{
	enum pending_completion what = v->completion;

	v->completion = COMPLETE_NONE;
	switch (what) {
	case COMPLETE_NONE:
		return HANDLED;
	case COMPLETE_IO:
		return complete_io(v);
	case COMPLETE_MMIO:
		return complete_mmio(v, err);
	case COMPLETE_MSR_READ:
	case COMPLETE_MSR_WRITE:
		return complete_msr(v, what == COMPLETE_MSR_READ);
	case COMPLETE_HYPERCALL:
		return complete_hypercall(v);
	case COMPLETE_INTACK:
		return complete_intack(v);
	case COMPLETE_CPUID:
		return complete_cpuid(v);
	case COMPLETE_EXCEPTION:
		return complete_exception(v);
	}
	return HANDLED;
}
