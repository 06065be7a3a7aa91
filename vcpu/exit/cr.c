// SPDX-License-Identifier: GPL-2.0-only
/* Exits by control registers, XCR0 among them. */
#include <asm/processor-flags.h>

#include "vcpu/apic.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/exit.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/vmcs.h"

/* Outside 64-bit mode an operand has 32 bits, whatever the register's upper half holds. */
static u64 cr_operand(struct vcpu *v, unsigned int reg)
{
	u64 value = vcpu_gpr(v, reg);

	return vcpu_is_64bit(v) ? value : (u32)value;
}

static int mov_to_cr8(struct vcpu *v, u64 value)
{
	if (value > 15)
		return 1;
	lapic_set_cr8(v, value);
	return 0;
}

static int mov_to_cr(struct vcpu *v, u32 cr, u64 value)
{
	switch (cr) {
	case 0:
		return cr0_set(v, value);
	case 3:
		return cr3_set(v, value);
	case 4:
		return cr4_set(v, value);
	case 8:
		return mov_to_cr8(v, value);
	}
	return 1;
}

static int mov_from_cr(struct vcpu *v, u32 cr, unsigned int reg)
{
	switch (cr) {
	case 3:
		vcpu_set_gpr(v, reg, vmcs_readl(GUEST_CR3));
		return 0;
	case 8:
		vcpu_set_gpr(v, reg, lapic_cr8(v));
		return 0;
	}
	return 1;
}

/* LMSW writes PE, MP, EM and TS, and cannot clear PE. */
static int lmsw(struct vcpu *v, u16 source)
{
	return cr0_set(v, (vcpu_cr0(v) & ~0xeull) | (source & 0xf));
}

/**
 * handle_cr_access() - exit handler of control-register accesses
 * @v: the vCPU
 *
 * Context: IRQs on, may sleep: enabling PAE paging reads guest memory. SDM: "Exit Qualification
 *	for Control-Register Accesses".
 * Return: HANDLED.
 */
int handle_cr_access(struct vcpu *v)
{
	u64 q = exit_qualification(v);
	int fault = 1;

	switch (CR_ACCESS_TYPE(q)) {
	case CR_ACCESS_MOV_TO:
		fault = mov_to_cr(v, CR_ACCESS_NUMBER(q), cr_operand(v, CR_ACCESS_GPR(q)));
		break;
	case CR_ACCESS_MOV_FROM:
		fault = mov_from_cr(v, CR_ACCESS_NUMBER(q), CR_ACCESS_GPR(q));
		break;
	case CR_ACCESS_CLTS:
		fault = cr0_set(v, vcpu_cr0(v) & ~(u64)X86_CR0_TS);
		break;
	case CR_ACCESS_LMSW:
		fault = lmsw(v, CR_ACCESS_LMSW_SOURCE(q));
		break;
	}
	if (fault)
		return raise_gp(v);
	vcpu_skip_insn(v);
	if (CR_ACCESS_TYPE(q) == CR_ACCESS_LMSW && CR_ACCESS_LMSW_MEMORY(q) && dr_watching(v))
		dr_meet(v, DEBUG_READS, exit_gla(v), sizeof(u16));
	return HANDLED;
}

/**
 * handle_xsetbv() - exit handler of XSETBV
 * @v: the vCPU
 *
 * Context: IRQs on or off. SDM: "XSETBV—Set Extended Control Register".
 * Return: HANDLED.
 */
int handle_xsetbv(struct vcpu *v)
{
	u64 value = vcpu_edx_eax(v);

	if (vcpu_cpl(v))
		return raise_gp(v);
	if ((u32)v->gpr[REG_RCX] || xcr0_check(value, v->cpuid->xcr0_valid))
		return raise_gp(v);
	xstate_set_xcr0(v, value);
	return vcpu_skip_insn(v);
}
