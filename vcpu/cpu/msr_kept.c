// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the CPU's own MSRs a guest may be given. Who asks for them may write to any by other
 * means; refused is what would not work, or take the host down behind its back. Pure.
 */
#include <linux/kernel.h>

#include "compat.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"

#define RD	VMXHV_RANGE_READ
#define WR	VMXHV_RANGE_WRITE
#define RDWR	(RD | WR)

/*
 * By number. Those that guests have anyway are in msr_table.def: the module keeps the guest's value
 * there, and the CPU holds the host's, or the guest's without the host expecting a change.
 */
static const struct msr_kept {
	u32 first, last;
	u32 access;
	const char *why;
} kept[] = {
	{ 0x33, 0x33, WR, "split locks are the host's policy" },		/* TEST_CTRL */
	{ 0x48, 0x48, WR, "the host's speculation control is not restored" }, /* SPEC_CTRL */
	{ 0x9b, 0x9b, WR, "system management is the host's" },
	{ 0x8c, 0x8f, WR, "who may launch enclaves is the host's policy" },
	{ 0xc1, 0xc8, WR, "the host's performance counters" },
	{ 0x122, 0x122, WR, "the host's TSX control is not restored" },
	{ 0x140, 0x140, WR, "the host switches it with its threads" }, /* CPUID faulting */
	{ 0x17b, 0x17b, WR, "machine checks are the host's" },
	{ 0x186, 0x18d, WR, "the host's performance counters" },
	{ 0x1c4, 0x1c5, RDWR, "the host switches it with its threads" },	/* XFD */
	{ 0x1cc, 0x1d4, RDWR, "how the host takes events" },		/* FRED */
	{ 0x1f2, 0x1f3, WR, "system management is the host's" },
	{ 0x200, 0x2ff, WR, "memory types are the host's" },
	{ 0x309, 0x30c, WR, "the host's performance counters" },
	{ 0x329, 0x329, WR, "the host's performance counters" },
	{ 0x38d, 0x390, WR, "the host's performance counters" },
	{ 0x3f1, 0x3f2, WR, "the CPU would store to the host's memory" },	/* PEBS */
	{ 0x400, 0x47f, WR, "machine checks are the host's" },
	{ 0x480, 0x493, RDWR, "VMX is hidden from guests" },
	{ 0x4c1, 0x4c8, WR, "the host's performance counters" },
	{ 0x560, 0x587, WR, "the CPU would store to the host's memory" },	/* PT */
	{ 0x600, 0x600, WR, "the CPU would store to the host's memory" },	/* DS_AREA */
	{ 0x6a0, 0x6a8, RDWR, "the host's shadow stacks and branch tracking" },
	{ 0x6e1, 0x6e1, RDWR, "the host's protection keys" },
	{ 0x981, 0x98f, WR, "memory encryption is the host's" },
	{ 0xc8f, 0xc8f, WR, "the host switches it with its threads" },	/* cache class */
	{ 0xd90, 0xd90, RDWR, "guests have no bounds registers" },
	{ 0xda0, 0xda0, RDWR, "guests have no XSAVES: its states are not switched" },
};

static bool meet(u32 first, u32 last, u32 from, u32 to)
{
	return first <= to && last >= from;
}

/**
 * msr_kept_back() - is there an MSR in a range that guests are never given?
 * @first: the first of the range
 * @last: its last
 * @access: VMXHV_RANGE_*
 * @which: the MSR, where there is one
 *
 * Context: Any.
 * Return: why not, in words; NULL: there is none.
 */
const char *msr_kept_back(u32 first, u32 last, u32 access, u32 *which)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kept); i++) {
		if (!(kept[i].access & access) || !meet(first, last, kept[i].first, kept[i].last))
			continue;
		*which = max(first, kept[i].first);
		return kept[i].why;
	}
	for (i = 0; i < msr_policy_count; i++) {
		const struct msr_policy *p = &msr_policies[i];

		if (!p->name || p->flags & MSR_PASS_THROUGH ||
		    !meet(first, last, p->first, p->last))
			continue;
		*which = max(first, p->first);
		return "the guest has one of its own";
	}
	return NULL;
}

VMXHV_EXPORT_FOR_TEST(msr_kept_back);
