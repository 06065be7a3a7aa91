// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features that the guest's CPUID shows or hides, and what makes it true: controls, by which an
 * instruction that is hidden is #UD, whatever the CPU can; and needs of MSRs. Pure.
 */
#include <linux/kernel.h>

#include "compat.h"
#include "vcpu/cpuid.h"
#include "vmx/controls.h"

struct feature {
	u32 leaf;
	u8 reg, bit;
};

/*
 * XSAVES is never shown, and its control is never on.
 *
 * Two features that share a control come and go together. The others that CPUID can hide have
 * instructions that no control governs, or a bit in CR4, EFER or XCR0: see cr_rules.c.
 */
static const struct cpuid_control {
	u32 control;
	bool on_when_shown;
	struct feature feature[2];
} controls[] = {
	{ SECONDARY_EXEC_ENABLE_RDTSCP, true,
	  { { 0x80000001, CPUID_REG_EDX, 27 }, { 7, CPUID_REG_ECX, 22 /* RDPID */ } } },
	{ SECONDARY_EXEC_ENABLE_INVPCID, true, { { 7, CPUID_REG_EBX, 10 } } },
	{ SECONDARY_EXEC_RDRAND_EXITING, false, { { 1, CPUID_REG_ECX, 30 } } },
	{ SECONDARY_EXEC_RDSEED_EXITING, false, { { 7, CPUID_REG_EBX, 18 } } },
};

static bool shows(const struct cpuid_table *table, const struct feature *f)
{
	return f->leaf && cpuid_table_has(table, f->leaf, 0, f->reg, f->bit);
}

/**
 * cpuid_controls() - the secondary controls that a table asks for
 * @table: the table
 * @now: the controls as they are
 * @allowed1: those that the CPU has
 *
 * Context: Any. SDM: "Secondary Processor-Based VM-Execution Controls".
 * Return: the controls as they shall be.
 */
u32 cpuid_controls(const struct cpuid_table *table, u32 now, u32 allowed1)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(controls); i++) {
		const struct cpuid_control *c = &controls[i];
		bool shown = shows(table, &c->feature[0]) || shows(table, &c->feature[1]);

		if (shown == c->on_when_shown)
			now |= c->control & allowed1;
		else
			now &= ~c->control;
	}
	return now;
}

VMXHV_EXPORT_FOR_TEST(cpuid_controls);

/* By enum cpuid_need: one of two features. SDM: "Architectural MSRs" */
static const struct feature needs[NR_NEEDS][2] = {
	[NEEDS_TSC] = { { 1, CPUID_REG_EDX, 4 } },
	[NEEDS_TSC_ADJUST] = { { 7, CPUID_REG_EBX, 1 } },
	[NEEDS_MTRR] = { { 1, CPUID_REG_EDX, 12 } },
	[NEEDS_PAT] = { { 1, CPUID_REG_EDX, 16 } },
	[NEEDS_SEP] = { { 1, CPUID_REG_EDX, 11 } },
	[NEEDS_MCA] = { { 1, CPUID_REG_EDX, 14 } },
	[NEEDS_LM] = { { 0x80000001, CPUID_REG_EDX, 29 } },
	[NEEDS_NX_OR_LM] = { { 0x80000001, CPUID_REG_EDX, 20 },
			     { 0x80000001, CPUID_REG_EDX, 29 } },
	[NEEDS_TSC_AUX] = { { 0x80000001, CPUID_REG_EDX, 27 },
			    { 7, CPUID_REG_ECX, 22 /* RDPID */ } },
};

/**
 * cpuid_unmet_needs() - what MSRs need and a table does not show
 * @table: the table, as userspace gave it
 *
 * Context: Any.
 * Return: bits by enum cpuid_need.
 */
u32 cpuid_unmet_needs(const struct cpuid_table *table)
{
	u32 unmet = 0;
	unsigned int i;

	for (i = NEEDS_NOTHING + 1; i < NR_NEEDS; i++)
		if (!shows(table, &needs[i][0]) && !shows(table, &needs[i][1]))
			unmet |= BIT(i);
	return unmet;
}
