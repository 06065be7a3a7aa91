// SPDX-License-Identifier: GPL-2.0-only
/* Exits by debug registers: MOV DR, always. */
#include <linux/irqflags.h>
#include <linux/percpu.h>

#include <asm/cpufeature.h>
#include <asm/special_insns.h>
#include <asm/debugreg.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

static int raise_db_bd(struct vcpu *v, u64 dr7)
{
	dr_set7(v, dr7 & ~(u64)DR7_GD);
	vcpu_raise_exception(v, &(const struct exception){
				.vector = X86_TRAP_DB,
				.has_payload = true, .payload = DR6_BD });
	return HANDLED;
}

static u64 read_dr(struct vcpu *v, unsigned int dr)
{
	if (dr < 4)
		return v->dr[dr];
	return dr == 6 ? v->dr6 : vmcs_readl(GUEST_DR7);
}

static int write_dr(struct vcpu *v, unsigned int dr, u64 value)
{
	if (dr >= 6 && value >> 32)
		return 1;
	if (dr < 4)
		v->dr[dr] = value;
	else if (dr == 6)
		v->dr6 = dr6_stored(value);
	else
		dr_set7(v, value);
	if (irqs_disabled())	/* in the middle of a burst: the next entry needs them */
		dr_enter(v);
	return 0;
}

/**
 * handle_dr_access() - exit handler of MOV DR
 * @v: the vCPU
 *
 * The exit comes before the faults that privilege and CR4.DE make (SDM: "Instructions That Cause VM
 * Exits Conditionally").
 *
 * Context: IRQs off in the middle of a burst, or on between two. SDM: "Exit Qualification for MOV
 *	DR", "Debug Registers".
 * Return: HANDLED.
 */
int handle_dr_access(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	unsigned int dr = DR_ACCESS_NUMBER(q), reg = DR_ACCESS_GPR(q);
	u64 dr7 = vmcs_readl(GUEST_DR7);
	bool wide = vcpu_is_64bit(v);
	u64 value;

	if (dr == 4 || dr == 5) {
		if (vcpu_cr4(v) & X86_CR4_DE)
			return raise_ud(v);
		dr += 2;
	}
	if (vcpu_cpl(v))
		return raise_gp(v);
	if (dr7 & DR7_GD)
		return raise_db_bd(v, dr7);

	if (DR_ACCESS_FROM(q)) {
		vcpu_set_gpr(v, reg, read_dr(v, dr));
	} else {
		value = vcpu_gpr(v, reg);
		if (write_dr(v, dr, wide ? value : (u32)value))
			return raise_gp(v);
	}
	return vcpu_skip_insn(v);
}
