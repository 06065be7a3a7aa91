/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The guest's registers, cached: those in the VMCS are read when first asked for after an exit and
 * written back just before the next entry. Context of all: vCPU loaded, mutex held.
 */
#ifndef VCPU_REGS_H
#define VCPU_REGS_H

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/vcpu.h"
#include "vmx/arch.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"

/* Guest interruptibility state (SDM: "Guest Non-Register State") */
#define SHADOW_STI	BIT(0)
#define SHADOW_MOV_SS	BIT(1)
#define SHADOW_SMI	BIT(2)
#define SHADOW_NMI	BIT(3)

static inline u64 vcpu_rip(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RIP)) {
		v->rip = vmcs_readl(GUEST_RIP);
		v->reg_avail |= CACHE_RIP;
	}
	return v->rip;
}

static inline void vcpu_set_rip(struct vcpu *v, u64 rip)
{
	v->rip = rip;
	v->reg_avail |= CACHE_RIP;
	v->reg_dirty |= CACHE_RIP;
}

static inline u64 vcpu_rsp(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RSP)) {
		v->gpr[REG_RSP] = vmcs_readl(GUEST_RSP);
		v->reg_avail |= CACHE_RSP;
	}
	return v->gpr[REG_RSP];
}

static inline void vcpu_set_rsp(struct vcpu *v, u64 rsp)
{
	v->gpr[REG_RSP] = rsp;
	v->reg_avail |= CACHE_RSP;
	v->reg_dirty |= CACHE_RSP;
}

static inline u64 vcpu_rflags(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_RFLAGS)) {
		v->rflags = vmcs_readl(GUEST_RFLAGS);
		v->reg_avail |= CACHE_RFLAGS;
	}
	return v->rflags;
}

static inline void vcpu_set_rflags(struct vcpu *v, u64 rflags)
{
	v->rflags = rflags;
	v->reg_avail |= CACHE_RFLAGS;
	v->reg_dirty |= CACHE_RFLAGS;
}

static inline u32 vcpu_shadow(struct vcpu *v)
{
	if (!(v->reg_avail & CACHE_SHADOW)) {
		v->shadow = vmcs_read32(GUEST_INTERRUPTIBILITY_INFO);
		v->reg_avail |= CACHE_SHADOW;
	}
	return v->shadow;
}

static inline void vcpu_set_shadow(struct vcpu *v, u32 shadow)
{
	v->shadow = shadow;
	v->reg_avail |= CACHE_SHADOW;
	vmcs_write32(GUEST_INTERRUPTIBILITY_INFO, shadow);
}

/* a general register by its encoding, RSP included */
static inline u64 vcpu_gpr(struct vcpu *v, unsigned int reg)
{
	return reg == REG_RSP ? vcpu_rsp(v) : v->gpr[reg];
}

static inline void vcpu_set_gpr(struct vcpu *v, unsigned int reg, u64 value)
{
	if (reg == REG_RSP)
		vcpu_set_rsp(v, value);
	else
		v->gpr[reg] = value;
}

static inline u32 vcpu_eax(const struct vcpu *v)
{
	return (u32)v->gpr[REG_RAX];
}

static inline u64 vcpu_edx_eax(const struct vcpu *v)
{
	return (u32)v->gpr[REG_RAX] | v->gpr[REG_RDX] << 32;
}

static inline void vcpu_set_edx_eax(struct vcpu *v, u64 value)
{
	v->gpr[REG_RAX] = (u32)value;
	v->gpr[REG_RDX] = value >> 32;
}

/* The guest's privilege level is the DPL of SS (SDM: "Guest Register State"). One VMREAD. */
static inline unsigned int vcpu_cpl(const struct vcpu *v)
{
	return VMX_AR_DPL(vmcs_read32(GUEST_SS_AR_BYTES));
}

/* In 64-bit mode, not compatibility mode? A VMREAD in IA-32e mode. */
static inline bool vcpu_is_64bit(const struct vcpu *v)
{
	return v->efer & EFER_LMA && vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L;
}

/* the exit's fields, read once each */
static inline u64 exit_qualification(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_QUALIFICATION)) {
		v->exit.qualification = vmcs_readl(EXIT_QUALIFICATION);
		v->exit.valid |= EXIT_HAS_QUALIFICATION;
	}
	return v->exit.qualification;
}

static inline u32 exit_insn_len(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INSN_LEN)) {
		v->exit.insn_len = vmcs_read32(VM_EXIT_INSTRUCTION_LEN);
		v->exit.valid |= EXIT_HAS_INSN_LEN;
	}
	return v->exit.insn_len;
}

static inline u32 exit_insn_info(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INSN_INFO)) {
		v->exit.insn_info = vmcs_read32(VMX_INSTRUCTION_INFO);
		v->exit.valid |= EXIT_HAS_INSN_INFO;
	}
	return v->exit.insn_info;
}

static inline u32 exit_intr_info(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_INTR_INFO)) {
		v->exit.intr_info = vmcs_read32(VM_EXIT_INTR_INFO);
		v->exit.intr_error = vmcs_read32(VM_EXIT_INTR_ERROR_CODE);
		v->exit.valid |= EXIT_HAS_INTR_INFO;
	}
	return v->exit.intr_info;
}

static inline u64 exit_gpa(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_GPA)) {
		v->exit.gpa = vmcs_read64(GUEST_PHYSICAL_ADDRESS);
		v->exit.valid |= EXIT_HAS_GPA;
	}
	return v->exit.gpa;
}

static inline u64 exit_gla(struct vcpu *v)
{
	if (!(v->exit.valid & EXIT_HAS_GLA)) {
		v->exit.gla = vmcs_readl(GUEST_LINEAR_ADDRESS);
		v->exit.valid |= EXIT_HAS_GLA;
	}
	return v->exit.gla;
}

#endif /* VCPU_REGS_H */
