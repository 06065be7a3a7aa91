// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of CR0, CR3, CR4, IA32_EFER and XCR0: which values raise #GP, which bits the guest
 * owns, and what stands in the real register. Pure: values in, values out.
 */
#include <linux/bits.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <asm/page_types.h>
#include <asm/fpu/types.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vcpu/x86.h"

/*
 * A control-register bit that the guest owns changes without an exit, and the CPU applies its own
 * rules to it. The host owns a bit when the real register must differ from what the guest sees, or
 * when something of ours follows from it.
 *
 * CR0, guest's: PE (unrestricted guest: the CPU can do real mode), MP, EM, TS, WP, AM.
 * CR0, host's: NE (fixed to 1 in VMX operation), ET (reads 1), CD and NW (VM entry does not switch
 * them: a guest would turn the real CPU's caches off), PG (LMA, the entry control "IA-32e mode
 * guest", PDPTEs and the TLB follow), and what is reserved (it raises #GP or reads as 0).
 */
const u64 cr0_owned = X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_WP | X86_CR0_AM;
VMXHV_EXPORT_FOR_TEST(cr0_owned);

/**
 * cr_pae_paging() - do these values select PAE paging, which has PDPTE registers?
 * @cr0: CR0
 * @cr4: CR4
 * @efer: IA32_EFER; LMA decides, which is the guest's and never the host's
 *
 * Context: Any. SDM: "Paging-Mode Enabling".
 * Return: true if they do.
 */
bool cr_pae_paging(u64 cr0, u64 cr4, u64 efer)
{
	return cr0 & X86_CR0_PG && cr4 & X86_CR4_PAE && !(efer & EFER_LMA);
}

VMXHV_EXPORT_FOR_TEST(cr_pae_paging);

/**
 * cr0_check() - would MOV to CR0 raise #GP?
 * @s: the registers before
 * @value: what is written
 *
 * Reserved bits of the low half are ignored, not refused.
 *
 * Context: Any. SDM: "MOV—Move to/from Control Registers", "Switching to ... IA-32e Mode".
 * Return: 0, or 1 for #GP(0).
 */
int cr0_check(const struct cr_state *s, u64 value)
{
	bool enabling = value & X86_CR0_PG && !(s->cr0 & X86_CR0_PG);
	bool disabling = !(value & X86_CR0_PG) && s->cr0 & X86_CR0_PG;

	if (value >> 32)
		return 1;
	if (value & X86_CR0_NW && !(value & X86_CR0_CD))
		return 1;
	if (value & X86_CR0_PG && !(value & X86_CR0_PE))
		return 1;
	if (enabling && s->efer & EFER_LME &&
	    (!(s->cr4 & X86_CR4_PAE) || s->cs_l || s->tss16))
		return 1;
	if (disabling && (s->cr4 & X86_CR4_PCIDE || (s->efer & EFER_LMA && s->cs_l)))
		return 1;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(cr0_check);

/**
 * cr3_check() - would MOV to CR3 raise #GP, PDPTEs aside?
 * @s: the registers before
 * @value: what is written; bit 63 with CR4.PCIDE is not part of it
 *
 * Context: Any. SDM: "MOV—Move to/from Control Registers".
 * Return: 0, or 1 for #GP(0).
 */
int cr3_check(const struct cr_state *s, u64 value)
{
	if (s->cr4 & X86_CR4_PCIDE)
		value &= ~BIT_ULL(63);
	if (s->maxphyaddr < 64 && value >> s->maxphyaddr)
		return 1;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(cr3_check);

/**
 * cr4_check() - would MOV to CR4 raise #GP, PDPTEs aside?
 * @s: the registers before
 * @value: what is written
 *
 * Context: Any. SDM: "MOV—Move to/from Control Registers".
 * Return: 0, or 1 for #GP(0).
 */
int cr4_check(const struct cr_state *s, u64 value)
{
	if (value & ~s->cr4_valid)
		return 1;
	if (s->efer & EFER_LMA && !(value & X86_CR4_PAE))
		return 1;
	if (value & X86_CR4_PCIDE && !(s->cr4 & X86_CR4_PCIDE) &&
	    (!(s->efer & EFER_LMA) || s->cr3 & 0xfff))
		return 1;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(cr4_check);

/**
 * efer_check() - would WRMSR of IA32_EFER raise #GP?
 * @s: the registers before
 * @value: what is written; LMA is read-only and ignored
 *
 * Context: Any. SDM: "Extended Feature Enable Register".
 * Return: 0, or 1 for #GP(0).
 */
int efer_check(const struct cr_state *s, u64 value)
{
	value &= ~EFER_LMA;
	if (value & ~s->efer_valid)
		return 1;
	return s->cr0 & X86_CR0_PG && (value ^ s->efer) & EFER_LME;
}

VMXHV_EXPORT_FOR_TEST(efer_check);

/**
 * pdpte_check() - may these four be loaded into the PDPTE registers?
 * @pdpte: four entries
 * @maxphyaddr: the guest's physical-address width
 *
 * Context: Any. SDM: "PDPTE Registers".
 * Return: 0, or 1 for #GP(0): a present one has a reserved bit set.
 */
int pdpte_check(const u64 *pdpte, u8 maxphyaddr)
{
	u64 reserved = GENMASK_ULL(8, 5) | GENMASK_ULL(2, 1);
	int i;

	if (maxphyaddr < 64)
		reserved |= GENMASK_ULL(63, maxphyaddr);
	for (i = 0; i < 4; i++)
		if (pdpte[i] & 1 && pdpte[i] & reserved)
			return 1;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(pdpte_check);

/**
 * xcr0_check() - would XSETBV of XCR0 raise #GP?
 * @value: what is written
 * @valid: bits that the guest's CPUID.DH shows
 *
 * Context: Any. SDM: "XSETBV—Set Extended Control Register".
 * Return: 0, or 1 for #GP(0).
 */
int xcr0_check(u64 value, u64 valid)
{
	u64 bound = XFEATURE_MASK_BNDREGS | XFEATURE_MASK_BNDCSR;

	if (!(value & XFEATURE_MASK_FP) || value & ~valid)
		return 1;
	if (value & XFEATURE_MASK_YMM && !(value & XFEATURE_MASK_SSE))
		return 1;
	if (value & bound && (value & bound) != bound)
		return 1;
	if (value & XFEATURE_MASK_AVX512 &&
	    ((value & XFEATURE_MASK_AVX512) != XFEATURE_MASK_AVX512 ||
	     !(value & XFEATURE_MASK_YMM)))
		return 1;
	return 0;
}

VMXHV_EXPORT_FOR_TEST(xcr0_check);

/**
 * cr0_hardware() - what stands in the real CR0 for a guest's
 * @guest: the guest's CR0
 * @fixed0: IA32_VMX_CR0_FIXED0: bits that must be 1
 * @fixed1: IA32_VMX_CR0_FIXED1: bits that may be 1
 *
 * PE and PG are the guest's own: unrestricted guest lifts them from the fixed bits. CD and NW are
 * not loaded by VM entry and stay clear here.
 *
 * Context: Any. SDM: "VMX-Fixed Bits in CR0", "Loading Guest Control Registers ...".
 * Return: the value for the VMCS.
 */
u64 cr0_hardware(u64 guest, u64 fixed0, u64 fixed1)
{
	u64 must = fixed0 & ~(u64)(X86_CR0_PE | X86_CR0_PG);

	guest &= ~(u64)(X86_CR0_CD | X86_CR0_NW);
	return (guest | must) & fixed1;
}

VMXHV_EXPORT_FOR_TEST(cr0_hardware);

/**
 * cr4_hardware() - what stands in the real CR4 for a guest's
 * @guest: the guest's CR4, checked
 * @fixed0: IA32_VMX_CR4_FIXED0: bits that must be 1
 *
 * Context: Any. SDM: "VMX-Fixed Bits in CR4".
 * Return: the value for the VMCS.
 */
u64 cr4_hardware(u64 guest, u64 fixed0)
{
	return guest | fixed0 | X86_CR4_VMXE | X86_CR4_MCE;
}

VMXHV_EXPORT_FOR_TEST(cr4_hardware);
