/* SPDX-License-Identifier: GPL-2.0-only */
/* MSRs: the policy table, and the values that may stand in them. */
#ifndef VCPU_MSR_H
#define VCPU_MSR_H

#include <linux/bits.h>
#include <linux/nospec.h>
#include <linux/types.h>

struct vcpu;

#define MSR_IN_LIST		BIT(0)	/* saved and restored by userspace */
#define MSR_PASS_THROUGH	BIT(1)	/* the guest reads and writes it without an exit */

/**
 * struct msr_policy - what an MSR, or a range of them, does
 * @name: the SDM's name
 * @first: the first of the range
 * @last: the last of it
 * @flags: MSR_*
 * @offset: in struct vcpu, of a u64 that is the value; 0: @read gives it
 * @read: 0, or 1: #GP. NULL with no offset: not readable
 * @write: 0, or 1: #GP. NULL: not writable; from_user: by SET_MSRS, which may set what WRMSR cannot
 */
struct msr_policy {
	const char *name;
	u32 first, last;
	u32 flags;
	u32 offset;
	int (*read)(struct vcpu *v, u32 msr, u64 *value);
	int (*write)(struct vcpu *v, u32 msr, u64 value, bool from_user);
};

/* Indexes of policies by MSR, for the two ranges that are dense */
#define MSR_LOW_END		0x400
#define MSR_HIGH_FIRST		0xc0000080u
#define MSR_HIGH_COUNT		0x90

extern const struct msr_policy msr_policies[];
extern const u8 msr_low_index[MSR_LOW_END], msr_high_index[MSR_HIGH_COUNT];
extern const unsigned int msr_policy_count;

const struct msr_policy *msr_find(u32 msr);		/* NULL: no such MSR */
const struct msr_policy *msr_policy_beyond(u32 msr);
void msr_bitmap_fill(u8 *bitmap);			/* one page; pure */

/* vcpu/x86/msr_rules.c: pure */
bool msr_canonical(u64 address);
bool msr_mtrr_valid(u32 msr, u64 value, u8 maxphyaddr);
u64 *msr_mtrr_slot(struct vcpu *v, u32 msr);

/* IA32_PAT after reset: WB, WT, UC-, UC, twice */
#define MSR_PAT_RESET		0x0007040600070406ull
#define MSR_MTRR_CAP_VALUE	0x508ull	/* write combining, fixed ranges, 8 variable ones */
#define MSR_FEATURE_CONTROL_VALUE 1ull		/* locked, VMX off */

/**
 * msr_pat_valid() - may this stand in IA32_PAT?
 * @value: the value
 *
 * Context: Any. SDM: "IA32_PAT MSR".
 * Return: true if each byte is a memory type.
 */
static inline bool msr_pat_valid(u64 value)
{
	const u64 each_byte = 0x0101010101010101ull;
	const u64 two = value & 2 * each_byte, four = value & 4 * each_byte;

	/* of 0 to 7, the types 2 and 3 do not exist: bit 1 comes with bit 2 only */
	return !(value & 0xf8 * each_byte) && !(two & ~(four >> 1));
}

/**
 * msr_policy_of() - the policy of an MSR
 * @msr: its number, which the guest chooses
 *
 * Context: Any.
 * Return: its row; one with neither name nor functions where there is no such MSR.
 */
static __always_inline const struct msr_policy *msr_policy_of(u32 msr)
{
	u32 high = msr - MSR_HIGH_FIRST;

	if (msr < MSR_LOW_END)
		return &msr_policies[msr_low_index[array_index_nospec(msr, MSR_LOW_END)]];
	if (high < MSR_HIGH_COUNT)
		return &msr_policies[msr_high_index[array_index_nospec(high, MSR_HIGH_COUNT)]];
	return msr_policy_beyond(msr);
}

/**
 * msr_write() - msr_set(), inline
 * @v: the vCPU
 * @msr: the MSR
 * @value: its value
 * @from_user: as msr_set()
 *
 * Context: vCPU loaded, mutex held; IRQs may be off.
 * Return: 0, or 1: no such MSR, or not this value.
 */
static __always_inline int msr_write(struct vcpu *v, u32 msr, u64 value, bool from_user)
{
	const struct msr_policy *p = msr_policy_of(msr);

	return p->write ? p->write(v, msr, value, from_user) : 1;
}

#endif /* VCPU_MSR_H */
