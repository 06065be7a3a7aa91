// SPDX-License-Identifier: GPL-2.0-only
/* Control registers of a loaded vCPU: what they hold, and what a write to them does. */
#include <linux/errno.h>
#include <linux/preempt.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"
#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/insn.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* Writing one of these changes how linear addresses are translated, or which entries are global. */
#define CR0_TLB		(X86_CR0_PG)
#define CR4_TLB		(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_PCIDE | X86_CR4_SMEP)
#define CR4_PDPTE	(X86_CR4_PAE | X86_CR4_PGE | X86_CR4_PSE | X86_CR4_SMEP)
#define CR0_PDPTE	(X86_CR0_PG | X86_CR0_CD | X86_CR0_NW)

/**
 * vcpu_cr0() - CR0 as the guest reads it
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held. One VMREAD. SDM: "Guest/Host Masks and Read Shadows ...".
 * Return: CR0.
 */
u64 vcpu_cr0(struct vcpu *v)
{
	return (vmcs_readl(GUEST_CR0) & cr0_owned) | (v->cr0_shadow & ~cr0_owned);
}

/**
 * vcpu_cr4() - CR4 as the guest reads it
 * @v: the vCPU
 *
 * Context: As vcpu_cr0().
 * Return: CR4.
 */
u64 vcpu_cr4(struct vcpu *v)
{
	u64 owned = v->cpuid->cr4_owned;

	return (vmcs_readl(GUEST_CR4) & owned) | (v->cr4_shadow & ~owned);
}

/**
 * cr_write_masks() - write the guest/host masks that the CPUID table asks for
 * @v: the vCPU
 *
 * Context: vCPU loaded, mutex held. After another CPUID table, and at reset.
 */
void cr_write_masks(struct vcpu *v)
{
	vmcs_writel(CR0_GUEST_HOST_MASK, ~cr0_owned);
	vmcs_writel(CR4_GUEST_HOST_MASK, ~v->cpuid->cr4_owned);
}

/**
 * cr_read_state() - gather what the rules look at
 * @v: the vCPU
 * @s: where it goes
 *
 * Context: vCPU loaded, mutex held.
 */
void cr_read_state(struct vcpu *v, struct cr_state *s)
{
	vcpu_assert_loaded(v);
	*s = (struct cr_state){
		.cr0 = vcpu_cr0(v),
		.cr3 = vmcs_readl(GUEST_CR3),
		.cr4 = vcpu_cr4(v),
		.efer = v->efer,
		.cr4_valid = v->cpuid->cr4_valid,
		.efer_valid = v->cpuid->efer_valid,
		.maxphyaddr = v->cpuid->maxphyaddr,
		.cs_l = vmcs_read32(GUEST_CS_AR_BYTES) & VMX_AR_L,
		.tss16 = (vmcs_read32(GUEST_TR_AR_BYTES) & VMX_AR_TYPE_MASK) ==
			 VMX_AR_TYPE_BUSY_16_TSS,
	};
}

/**
 * cr_set_pdptes() - write the PDPTE registers
 * @pdpte: four entries, checked
 *
 * Context: vCPU loaded, mutex held. They count only in PAE paging.
 */
void cr_set_pdptes(const u64 *pdpte)
{
	vmcs_write64(GUEST_PDPTR0, pdpte[0]);
	vmcs_write64(GUEST_PDPTR1, pdpte[1]);
	vmcs_write64(GUEST_PDPTR2, pdpte[2]);
	vmcs_write64(GUEST_PDPTR3, pdpte[3]);
}

/**
 * cr_get_pdptes() - read the PDPTE registers
 * @pdpte: where the four go
 *
 * Context: vCPU loaded, mutex held.
 */
void cr_get_pdptes(u64 *pdpte)
{
	pdpte[0] = vmcs_read64(GUEST_PDPTR0);
	pdpte[1] = vmcs_read64(GUEST_PDPTR1);
	pdpte[2] = vmcs_read64(GUEST_PDPTR2);
	pdpte[3] = vmcs_read64(GUEST_PDPTR3);
}

/* SDM "PDPTE Registers": loaded from memory at CR3; where there is none, the guest gets #GP. */
static int load_pdptes(struct vcpu *v, u64 cr3)
{
	u64 pdpte[4];

	if (vm_read(v->vm, cr3 & 0xffffffe0, pdpte, sizeof(pdpte)))
		return 1;
	if (pdpte_check(pdpte, v->cpuid->maxphyaddr))
		return 1;
	cr_set_pdptes(pdpte);
	return 0;
}

static void flush_linear(struct vcpu *v)
{
	preempt_disable();
	vmx_flush_vpid(v->vpid);
	preempt_enable();
}

static void store_cr0(struct vcpu *v, u64 value)
{
	value |= X86_CR0_ET;
	v->cr0_shadow = value;
	vmcs_writel(CR0_READ_SHADOW, value);
	vmcs_writel(GUEST_CR0, cr0_hardware(value, vmx_caps.cr0_fixed0, vmx_caps.cr0_fixed1));
}

static void store_cr4(struct vcpu *v, u64 value)
{
	v->cr4_shadow = value;
	vmcs_writel(CR4_READ_SHADOW, value);
	vmcs_writel(GUEST_CR4, cr4_hardware(value, vmx_caps.cr4_fixed0));
}

/* The entry control follows the guest's LMA; an entry with the two apart fails. */
static void store_efer(struct vcpu *v, u64 value)
{
	controls_set_entry(v, VM_ENTRY_IA32E_MODE, value & EFER_LMA ? VM_ENTRY_IA32E_MODE : 0);
	v->efer = value;
	vmcs_write64(GUEST_IA32_EFER, value);
	host_syscall_sync(v);
}

/**
 * cr0_set() - write CR0 as MOV would
 * @v: the vCPU
 * @value: the value; reserved bits below 32 are ignored
 *
 * Enabling paging with LME sets LMA, disabling it clears LMA; PAE paging loads the PDPTEs.
 *
 * Context: vCPU loaded, mutex held, IRQs on: guest memory may be read. SDM: "MOV—Move to/from
 *	Control Registers".
 * Return: 0, or 1: #GP(0), and nothing changed.
 */
int cr0_set(struct vcpu *v, u64 value)
{
	struct cr_state s;
	u64 changed, efer;

	cr_read_state(v, &s);
	if (cr0_check(&s, value))
		return 1;

	value &= CR0_DEFINED;
	changed = (s.cr0 ^ value) & (CR0_TLB | CR0_PDPTE);
	efer = s.efer & ~EFER_LMA;
	if (value & X86_CR0_PG && efer & EFER_LME)
		efer |= EFER_LMA;
	if (changed & CR0_PDPTE && cr_pae_paging(value, s.cr4, efer) && load_pdptes(v, s.cr3))
		return 1;

	store_cr0(v, value);
	if (efer != s.efer)
		store_efer(v, efer);
	if (changed & CR0_TLB)
		flush_linear(v);
	return 0;
}

/**
 * cr3_set() - write CR3 as MOV would
 * @v: the vCPU
 * @value: the value
 *
 * Context: As cr0_set().
 * Return: 0, or 1: #GP(0), and nothing changed.
 */
int cr3_set(struct vcpu *v, u64 value)
{
	struct cr_state s;

	cr_read_state(v, &s);
	if (cr3_check(&s, value))
		return 1;
	if (cr_pae_paging(s.cr0, s.cr4, s.efer) && load_pdptes(v, value))
		return 1;

	vmcs_writel(GUEST_CR3, s.cr4 & X86_CR4_PCIDE ? value & ~BIT_ULL(63) : value);
	flush_linear(v);
	return 0;
}

/**
 * cr4_set() - write CR4 as MOV would
 * @v: the vCPU
 * @value: the value
 *
 * Context: As cr0_set().
 * Return: 0, or 1: #GP(0), and nothing changed.
 */
int cr4_set(struct vcpu *v, u64 value)
{
	struct cr_state s;
	u64 changed;

	cr_read_state(v, &s);
	if (cr4_check(&s, value))
		return 1;
	changed = s.cr4 ^ value;
	if (changed & CR4_PDPTE && cr_pae_paging(s.cr0, value, s.efer) && load_pdptes(v, s.cr3))
		return 1;

	store_cr4(v, value);
	if (changed & (X86_CR4_OSXSAVE | X86_CR4_PKE))
		cpuid_refresh(v);
	if (changed & CR4_TLB)
		flush_linear(v);
	return 0;
}

/**
 * efer_set() - write IA32_EFER as WRMSR would
 * @v: the vCPU
 * @value: the value; LMA is ignored
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 * Return: 0, or 1: #GP(0), and nothing changed.
 */
int efer_set(struct vcpu *v, u64 value)
{
	struct cr_state s;

	cr_read_state(v, &s);
	if (efer_check(&s, value))
		return 1;
	store_efer(v, (value & ~EFER_LMA) | (s.efer & EFER_LMA));
	if ((value ^ s.efer) & EFER_NX)
		flush_linear(v);
	return 0;
}

/**
 * cr_force() - write CR0, CR4 and IA32_EFER together
 * @v: the vCPU
 * @cr0: as the guest shall see it
 * @cr4: as the guest shall see it
 * @efer: LMA included; the values were checked to go together
 *
 * Context: vCPU loaded, mutex held.
 */
void cr_force(struct vcpu *v, u64 cr0, u64 cr4, u64 efer)
{
	vcpu_assert_loaded(v);
	cr_write_masks(v);
	store_cr0(v, cr0);
	store_cr4(v, cr4);
	store_efer(v, efer);
	cpuid_refresh(v);
	flush_linear(v);
}
