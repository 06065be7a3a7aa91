// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory types as firmware leaves them. Where MTRRs are off, Linux takes them for broken, and does
 * without a page attribute table as well.
 */
#include "machine.h"

/* IA32_MTRR_*; a fixed one holds the types of eight blocks of equal size */
#define MTRR_PHYSBASE0		0x200
#define MTRR_PHYSMASK0		0x201
#define MTRR_FIX64K		0x250	/* from 0 */
#define MTRR_FIX16K_80000	0x258
#define MTRR_FIX16K_A0000	0x259
#define MTRR_FIX4K_C0000	0x268	/* the first of eight, to 1 MiB */
#define MTRR_DEF_TYPE		0x2ff

#define UNCACHEABLE		0ull
#define WRITE_PROTECT		5ull
#define WRITE_BACK		6ull
#define ALL(type)		((type) * 0x0101010101010101ull)
#define VALID			BIT_ULL(11)	/* of a variable range */
#define ENABLE			BIT_ULL(11)	/* of MTRR_DEF_TYPE */
#define ENABLE_FIXED		BIT_ULL(10)

#define ROM_BLOCKS		8

static unsigned int fixed_ranges(struct vmxhv_msr_entry *msrs)
{
	unsigned int i, count = 0;

	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_FIX64K, .value = ALL(WRITE_BACK) };
	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_FIX16K_80000, .value = ALL(WRITE_BACK) };
	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_FIX16K_A0000, .value = ALL(UNCACHEABLE) };
	for (i = 0; i < ROM_BLOCKS; i++)
		msrs[count++] = (struct vmxhv_msr_entry){ MTRR_FIX4K_C0000 + i,
							  .value = ALL(WRITE_PROTECT) };
	return count;
}

void mtrr_setup(struct machine *machine, unsigned int phys_bits)
{
	const uint64_t devices = MEM_4G - MEM_3G;
	struct vmxhv_msr_entry msrs[3 + ROM_BLOCKS + 3];
	unsigned int count = fixed_ranges(msrs);
	int done;

	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_PHYSBASE0, .value = MEM_3G | UNCACHEABLE };
	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_PHYSMASK0,
		.value = ((BIT_ULL(phys_bits) - 1) & ~(devices - 1)) | VALID };
	msrs[count++] = (struct vmxhv_msr_entry){ MTRR_DEF_TYPE,
		.value = WRITE_BACK | ENABLE | ENABLE_FIXED };
	done = vmxhv_vcpu_set_msrs(&machine->vcpu, msrs, count);
	if (done != (int)count)
		die(STATUS_HOST, "%s", vmxhv_message(&machine->vcpu.fail));
}
