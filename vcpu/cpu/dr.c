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
#include "vcpu/cpu_state.h"
#include "vcpu/dr.h"
#include "vcpu/exits.h"
#include "vcpu/regs.h"
#include "vcpu/retire.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

#define DR6_SETTABLE	(DR_TRAP0 | DR_TRAP1 | DR_TRAP2 | DR_TRAP3 | BIT(13) | DR_STEP | BIT(15))
#define DR7_RESERVED	0xffffffff0000dc00ull	/* 63:32, 15, 14, 12, 11 (no RTM), and 10 reads 1 */
#define DR7_ENABLES	0xffull

/**
 * dr6_stored() - DR6 after a write
 * @value: what is written; its upper half is zero
 *
 * Context: Any. SDM: "Debug Status Register (DR6)".
 * Return: the value with the fixed bits as they read.
 */
u64 dr6_stored(u64 value)
{
	return (value & DR6_SETTABLE) | DR6_RESET;
}

VMXHV_EXPORT_FOR_TEST(dr6_stored);

/**
 * dr7_stored() - DR7 after a write
 * @value: what is written; its upper half is zero
 *
 * Context: Any. SDM: "Debug Control Register (DR7)".
 * Return: the value with the fixed bits as they read.
 */
u64 dr7_stored(u64 value)
{
	return (value & ~DR7_RESERVED) | DR7_RESET;
}

VMXHV_EXPORT_FOR_TEST(dr7_stored);

/**
 * dr_enter() - before a burst of VM entries: the guest's breakpoints
 * @v: the vCPU
 *
 * What the host had there comes back by hw_breakpoint_restore() after the burst.
 *
 * Context: IRQs off.
 */
void dr_enter(struct vcpu *v)
{
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
	value = dr7_stored(value);
	v->dr_loaded = value & DR7_ENABLES;
	vmcs_writel(GUEST_DR7, value);
}

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
	bool long_mode = v->efer & EFER_LMA && vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L;
	u64 value;

	if (dr == 4 || dr == 5) {
		if (vcpu_cr4(v) & X86_CR4_DE)
			return raise_ud(v);
		dr += 2;
	}
	if (VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES)))
		return raise_gp(v);
	if (dr7 & DR7_GD)
		return raise_db_bd(v, dr7);

	if (DR_ACCESS_FROM(q)) {
		vcpu_set_gpr(v, reg, read_dr(v, dr));
	} else {
		value = vcpu_gpr(v, reg);
		if (write_dr(v, dr, long_mode ? value : (u32)value))
			return raise_gp(v);
	}
	return vcpu_skip_insn(v);
}
