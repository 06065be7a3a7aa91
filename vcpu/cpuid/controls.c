// SPDX-License-Identifier: GPL-2.0-only
/*
 * Features that the guest's CPUID shows or hides, and the controls that make it true: an
 * instruction that is hidden is #UD, whatever the CPU can. Pure.
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
