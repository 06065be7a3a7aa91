/* SPDX-License-Identifier: GPL-2.0-only */
/* The end of an instruction: the part that every exit handled in the kernel pays for. */
#ifndef VCPU_RETIRE_H
#define VCPU_RETIRE_H

#include "vcpu/exits.h"
#include "vcpu/regs.h"

/* vcpu/exit/table.c: out of line, the rest */
void retire_cached(struct vcpu *v, u32 len);
void retire_more(struct vcpu *v, u64 old);
void retire_iteration(struct vcpu *v);

static __always_inline bool retire_needs_more(unsigned long old, unsigned long rip,
					      unsigned long shadow, unsigned long rflags)
{
	return (old ^ rip) >> 32 | (shadow & (SHADOW_STI | SHADOW_MOV_SS)) |
	       (rflags & (X86_EFLAGS_RF | X86_EFLAGS_TF));
}

/* Usually nothing has been read, and RIP is all that changes: then all at once is quicker. */
static __always_inline void retire_uncached(struct vcpu *v, unsigned long len)
{
	unsigned long old = vmcs_readl(GUEST_RIP);
	unsigned long shadow = vmcs_vmread(GUEST_INTERRUPTIBILITY_INFO);
	unsigned long rflags = vmcs_readl(GUEST_RFLAGS);

	vmcs_writel(GUEST_RIP, old + len);
	/* not kept: seldom does anything look at them before the next exit */
	if (likely(!retire_needs_more(old, old + len, shadow, rflags)))
		return;
	v->rip = old + len;
	v->reg_avail = CACHE_RIP;
	retire_more(v, old);
}

/**
 * vcpu_retire_insn() - the exiting instruction is done
 * @v: the vCPU, loaded
 * @len: its length in bytes, 1 to 15
 *
 * RIP moves on (within 32 bits outside 64-bit mode), RF and the STI or MOV-SS shadow end, and with
 * TF set the single-step trap follows. SDM: "Blocking by STI", "Single-Step Exception Condition".
 *
 * Context: Interrupts may be off. Costs VMREADs of RIP, interruptibility and RFLAGS as far as they
 * are not cached, and the VMWRITE of RIP.
 */
static __always_inline void vcpu_retire_insn(struct vcpu *v, u32 len)
{
	if (likely(!v->reg_avail))
		retire_uncached(v, len);
	else
		retire_cached(v, len);
}

/**
 * vcpu_skip_insn() - the instruction that exited is done
 * @v: the vCPU, loaded; no exit has come since
 *
 * As vcpu_retire_insn(), with the length that the exit reported: one VMREAD more.
 *
 * Context: Interrupts may be off.
 * Return: HANDLED, so that a handler can end with it.
 */
static __always_inline int vcpu_skip_insn(struct vcpu *v)
{
	if (likely(!v->reg_avail))
		retire_uncached(v, vmcs_vmread(VM_EXIT_INSTRUCTION_LEN));
	else
		retire_cached(v, exit_insn_len(v));
	return HANDLED;
}

#endif /* VCPU_RETIRE_H */
