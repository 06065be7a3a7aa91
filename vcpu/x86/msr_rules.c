// SPDX-License-Identifier: GPL-2.0-only
/* What may stand in an MSR. Pure. */
#include <linux/bits.h>
#include <linux/kernel.h>

#include "compat.h"
#include "vcpu/vcpu.h"
#include "vcpu/x86.h"

#define MTRR_PHYS_FIRST		0x200
#define MTRR_PHYS_LAST		0x20f
#define MTRR_FIX64K		0x250
#define MTRR_FIX16K_FIRST	0x258
#define MTRR_FIX16K_LAST	0x259
#define MTRR_FIX4K_FIRST	0x268
#define MTRR_FIX4K_LAST		0x26f
#define MTRR_DEF_TYPE		0x2ff

/* SDM "Memory Types That Can Be Encoded": by number; MTRRs lack UC-, which is 7 */
#define MTRR_TYPES	(BIT(0) | BIT(1) | BIT(4) | BIT(5) | BIT(6))

/* Eight bytes, each a memory type of an MTRR. */
static bool types_valid(u64 value)
{
	int i;

	for (i = 0; i < 64; i += 8) {
		u8 type = value >> i;

		if (type > 7 || !(MTRR_TYPES & BIT(type)))
			return false;
	}
	return true;
}

static bool is_mtrr_type(u8 type)
{
	return type < 7 && MTRR_TYPES & BIT(type);
}

/**
 * msr_mtrr_valid() - may this stand in an MTRR?
 * @msr: one of those that msr_mtrr_slot() knows
 * @value: the value
 * @maxphyaddr: the guest's physical-address width
 *
 * Context: Any. SDM: "Memory Type Range Registers (MTRRs)".
 * Return: true if no reserved bit is set and the types are memory types.
 */
bool msr_mtrr_valid(u32 msr, u64 value, u8 maxphyaddr)
{
	if (msr == MTRR_DEF_TYPE)
		return !(value & ~0xcffull) && is_mtrr_type(value);
	if (msr < MTRR_PHYS_FIRST || msr > MTRR_PHYS_LAST)
		return types_valid(value);
	if (value >> maxphyaddr)
		return false;
	if (msr & 1)	/* a mask */
		return !(value & 0x7ff);
	return !(value & 0xf00) && is_mtrr_type(value);
}

VMXHV_EXPORT_FOR_TEST(msr_mtrr_valid);

/**
 * msr_mtrr_slot() - where an MTRR is stored
 * @msrs: the guest's MSRs
 * @msr: the MSR
 *
 * Context: Any.
 * Return: the place, or NULL if @msr is not an MTRR.
 */
u64 *msr_mtrr_slot(struct guest_msrs *msrs, u32 msr)
{
	switch (msr) {
	case MTRR_PHYS_FIRST ... MTRR_PHYS_LAST:
		return &msrs->mtrr_var[msr & 15];
	case MTRR_FIX64K:
		return &msrs->mtrr_fixed[0];
	case MTRR_FIX16K_FIRST ... MTRR_FIX16K_LAST:
		return &msrs->mtrr_fixed[1 + (msr & 1)];
	case MTRR_FIX4K_FIRST ... MTRR_FIX4K_LAST:
		return &msrs->mtrr_fixed[3 + (msr & 7)];
	case MTRR_DEF_TYPE:
		return &msrs->mtrr_def_type;
	}
	return NULL;
}

VMXHV_EXPORT_FOR_TEST(msr_mtrr_slot);
