// SPDX-License-Identifier: GPL-2.0-only
/* Exits by RDMSR and WRMSR. */
#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"

/* Out of line for the sake of those that are plain fields. */
static noinline int rdmsr_by_call(struct vcpu *v, const struct msr_policy *p)
{
	/* not on the stack, which the compiler would have to guard */
	u64 *value = &v->msr_value;

	if (!p->read || p->read(v, (u32)v->gpr[REG_RCX], value))
		return raise_gp(v);
	vcpu_set_edx_eax(v, *value);
	return vcpu_skip_insn(v);
}

/**
 * handle_rdmsr() - exit handler of RDMSR
 * @v: the vCPU
 *
 * Context: IRQs off. SDM: "RDMSR—Read From Model Specific Register".
 * Return: HANDLED.
 */
int handle_rdmsr(struct vcpu *v)
{
	const struct msr_policy *p = msr_policy_of((u32)v->gpr[REG_RCX]);

	if (unlikely(!p->offset))
		return rdmsr_by_call(v, p);
	vcpu_set_edx_eax(v, *(u64 *)((char *)v + p->offset));
	return vcpu_skip_insn(v);
}

VMXHV_EXPORT_FOR_TEST(handle_rdmsr);

/**
 * handle_wrmsr() - exit handler of WRMSR
 * @v: the vCPU
 *
 * Context: IRQs off. SDM: "WRMSR—Write to Model Specific Register".
 * Return: HANDLED.
 */
int handle_wrmsr(struct vcpu *v)
{
	if (unlikely(msr_write(v, (u32)v->gpr[REG_RCX], vcpu_edx_eax(v), false)))
		return raise_gp(v);
	return vcpu_skip_insn(v);
}

VMXHV_EXPORT_FOR_TEST(handle_wrmsr);
