// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of an instruction: what the inlined part in the header leaves to be done out of line.
 */
#include <linux/percpu.h>

#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/msr-index.h>
#include <asm/traps.h>

#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"

/* Outside 64-bit mode RIP has 32 bits. */
static u64 wrap_rip(struct vcpu *v, u64 rip)
{
	return vcpu_is_64bit(v) ? rip : (u32)rip;
}

/* With BTF set only a taken branch traps, and none exits (SDM: "Single-Stepping on Branches"). */
static bool traps(struct vcpu *v)
{
	return (vcpu_rflags(v) & X86_EFLAGS_TF) &&
	       !(vcpu_debugctl(v) & DEBUGCTLMSR_BTF);
}

/* Between two instructions, or two iterations: the shadow ends, and with TF set a trap follows. */
static void retire_boundary(struct vcpu *v)
{
	u32 shadow = vcpu_shadow(v);

	if (shadow & (SHADOW_STI | SHADOW_MOV_SS))
		vcpu_set_shadow(v, shadow & ~(SHADOW_STI | SHADOW_MOV_SS));
	if (traps(v))
		vcpu_raise_exception(v, &(const struct exception){
			.vector = X86_TRAP_DB, .has_payload = true, .payload = DR_STEP });
}

/**
 * retire_more() - what else ends with an instruction
 * @v: the vCPU, loaded; RIP is cached, and behind the instruction
 * @old: RIP before
 *
 * Context: Interrupts may be off.
 */
void retire_more(struct vcpu *v, u64 old)
{
	u64 rflags = vcpu_rflags(v);

	if ((old ^ v->rip) >> 32)
		vcpu_set_rip(v, wrap_rip(v, v->rip));
	if (rflags & X86_EFLAGS_RF)
		vcpu_set_rflags(v, rflags & ~X86_EFLAGS_RF);
	retire_boundary(v);
}

/**
 * retire_iteration() - an iteration of a repeated instruction is done, and more are to come
 * @v: the vCPU, loaded
 *
 * RIP stays, and RF is set: the guest's breakpoint on the instruction was hit before the first one,
 * and an exit by an instruction has saved RF as 0 (SDM: "Saving RIP, RSP, RFLAGS, and SSP").
 *
 * Context: Interrupts may be off.
 */
void retire_iteration(struct vcpu *v)
{
	vcpu_set_rflags(v, vcpu_rflags(v) | X86_EFLAGS_RF);
	retire_boundary(v);
	if (unlikely(v->debug.on))
		debug_iteration(v);
}

/**
 * retire_cached() - end an instruction after some registers have been read
 * @v: the vCPU, loaded
 * @len: its length in bytes
 *
 * RIP may have been read too, and written: then it goes to the VMCS with the rest.
 *
 * Context: Interrupts may be off.
 */
void retire_cached(struct vcpu *v, u32 len)
{
	bool lazy = v->reg_avail & CACHE_RIP;
	u64 old = vcpu_rip(v);

	v->rip = old + len;
	if (lazy)
		v->reg_dirty |= CACHE_RIP;
	else
		vmcs_writel(GUEST_RIP, old + len);
	if (unlikely(retire_needs_more(old, v->rip, vcpu_shadow(v), vcpu_rflags(v))))
		retire_more(v, old);
}
