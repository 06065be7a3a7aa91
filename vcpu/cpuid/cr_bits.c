// SPDX-License-Identifier: GPL-2.0-only
/* Which bits of CR4 and IA32_EFER a CPUID table lets the guest set, and which it owns. Pure. */
#include <linux/kernel.h>

#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "compat.h"
#include "vcpu/cpuid.h"
#include "vcpu/x86.h"

enum cr4_owner {
	GUEST,		/* changes without an exit once its CPUID bit is shown */
	HOST,		/* exits */
};

#define NO_FEATURE	0xff	/* the bit needs no CPUID bit */

/* What is not here, the guest cannot set: VMXE, SMXE, LA57, PKE, CET, PKS and later ones. */
static const struct cr4_bit {
	u64 bit;
	u32 leaf;
	u8 reg;
	u8 cpuid_bit;
	u8 owner;
} cr4_bits[] = {
	{ X86_CR4_VME, 1, CPUID_REG_EDX, 1, GUEST },
	{ X86_CR4_PVI, 1, CPUID_REG_EDX, 1, GUEST },
	{ X86_CR4_TSD, 1, CPUID_REG_EDX, 4, GUEST },
	{ X86_CR4_DE, 1, CPUID_REG_EDX, 2, GUEST },
	{ X86_CR4_PSE, 1, CPUID_REG_EDX, 3, GUEST },
	/* enters or leaves PAE paging: PDPTEs */
	{ X86_CR4_PAE, 1, CPUID_REG_EDX, 6, HOST },
	/* stays set in the real register: a clear one turns a machine check into a shutdown */
	{ X86_CR4_MCE, 1, CPUID_REG_EDX, 7, HOST },
	{ X86_CR4_PGE, 1, CPUID_REG_EDX, 13, GUEST },
	{ X86_CR4_PCE, 0, 0, NO_FEATURE, GUEST },	/* RDPMC exits or faults either way */
	{ X86_CR4_OSFXSR, 1, CPUID_REG_EDX, 24, GUEST },
	{ X86_CR4_OSXMMEXCPT, 1, CPUID_REG_EDX, 25, GUEST },
	{ X86_CR4_UMIP, 7, CPUID_REG_ECX, 2, GUEST },
	{ X86_CR4_FSGSBASE, 7, CPUID_REG_EBX, 0, GUEST },
	/* its rule looks at CR3 and LMA, which the CPU has as the guest does */
	{ X86_CR4_PCIDE, 1, CPUID_REG_ECX, 17, GUEST },
	/* shown in CPUID; the guest's XCR0 is switched only while it is set */
	{ X86_CR4_OSXSAVE, 1, CPUID_REG_ECX, 26, HOST },
	{ X86_CR4_SMEP, 7, CPUID_REG_EBX, 7, GUEST },
	{ X86_CR4_SMAP, 7, CPUID_REG_EBX, 20, GUEST },
};

/**
 * cr_masks() - what a CPUID table lets the guest set
 * @table: the table
 * @cr4_valid: bits of CR4
 * @cr4_owned: those of them that need no exit
 * @efer_valid: bits of IA32_EFER
 *
 * Context: Any.
 */
void cr_masks(const struct cpuid_table *table, u64 *cr4_valid, u64 *cr4_owned, u64 *efer_valid)
{
	unsigned int i;

	*cr4_valid = 0;
	*cr4_owned = 0;
	for (i = 0; i < ARRAY_SIZE(cr4_bits); i++) {
		const struct cr4_bit *b = &cr4_bits[i];

		if (b->cpuid_bit != NO_FEATURE &&
		    !cpuid_table_has(table, b->leaf, 0, b->reg, b->cpuid_bit))
			continue;
		*cr4_valid |= b->bit;
		if (b->owner == GUEST)
			*cr4_owned |= b->bit;
	}

	*efer_valid = 0;
	if (cpuid_table_has(table, 0x80000001, 0, CPUID_REG_EDX, 11))
		*efer_valid |= EFER_SCE;
	if (cpuid_table_has(table, 0x80000001, 0, CPUID_REG_EDX, 29))
		*efer_valid |= EFER_LME | EFER_LMA;
	if (cpuid_table_has(table, 0x80000001, 0, CPUID_REG_EDX, 20))
		*efer_valid |= EFER_NX;
}

VMXHV_EXPORT_FOR_TEST(cr_masks);
