/* SPDX-License-Identifier: GPL-2.0-only */
/* Control registers: the rules as functions of values, and what the CPUID table asks for. */
#ifndef VCPU_CR_H
#define VCPU_CR_H

#include <linux/types.h>
#include <asm/processor-flags.h>

struct cpuid_table;
struct vcpu;

/* Every bit that CR0 has. The kernel's CR0_STATE is only what Linux itself boots with. */
#define CR0_DEFINED	(X86_CR0_PE | X86_CR0_MP | X86_CR0_EM | X86_CR0_TS | X86_CR0_ET | \
			 X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_NW | X86_CR0_CD | \
			 X86_CR0_PG)

/**
 * struct cr_state - what the rules for control registers look at
 * @cr0: as the guest sees it
 * @cr3: as the guest sees it
 * @cr4: as the guest sees it
 * @efer: IA32_EFER, LMA included
 * @cr4_valid: bits of CR4 that the guest's CPUID has
 * @efer_valid: bits of IA32_EFER that the guest's CPUID has
 * @maxphyaddr: the guest's physical-address width
 * @cs_l: CS.L: with LMA, 64-bit mode
 * @tss16: TR holds a 16-bit TSS
 */
struct cr_state {
	u64 cr0, cr3, cr4, efer;
	u64 cr4_valid, efer_valid;
	u8 maxphyaddr;
	bool cs_l;
	bool tss16;
};

/* vcpu/x86/cr_rules.c: pure. 0, or 1 where MOV or WRMSR raises #GP(0) */
int cr0_check(const struct cr_state *s, u64 value);
int cr3_check(const struct cr_state *s, u64 value);
int cr4_check(const struct cr_state *s, u64 value);
int efer_check(const struct cr_state *s, u64 value);
int pdpte_check(const u64 *pdpte, u8 maxphyaddr);
int xcr0_check(u64 value, u64 valid);
u64 cr0_hardware(u64 guest, u64 fixed0, u64 fixed1);
u64 cr4_hardware(u64 guest, u64 fixed0);

/* CR0's bits that the guest changes without an exit; the reasons are in vcpu/x86/cr_rules.c */
extern const u64 cr0_owned;

bool cr_pae_paging(u64 cr0, u64 cr4, u64 efer);

/* vcpu/cpu/cr.c: vCPU loaded, mutex held */
void cr_write_masks(struct vcpu *v);
void cr_read_state(struct vcpu *v, struct cr_state *s);
void cr_set_pdptes(const u64 *pdpte);
void cr_get_pdptes(u64 *pdpte);

#endif /* VCPU_CR_H */
