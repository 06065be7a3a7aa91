// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest page walk in userspace: 4-level, PAE and 32-bit paging, without protection keys. It is
 * for the second operand of an instruction that already faulted as MMIO; the first is done.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "util.h"

#define CR0_WP		BIT_ULL(16)
#define CR0_PG		BIT_ULL(31)
#define CR4_PSE		BIT_ULL(4)
#define CR4_PAE		BIT_ULL(5)
#define CR4_LA57	BIT_ULL(12)
#define EFER_LMA	BIT_ULL(10)

#define PTE_PRESENT	0x1u
#define PTE_WRITE	0x2u
#define PTE_USER	0x4u
#define PTE_LARGE	0x80u
#define PTE_FRAME	0x000ffffffffff000ull

#define PF_PRESENT	0x1u
#define PF_WRITE	0x2u
#define PF_USER		0x4u

struct walk {
	unsigned int levels;	/* still to look up */
	unsigned int index_bits;
	unsigned int entry_size;
	uint64_t table;
};

static struct walk walk_start(const struct vmxhv_sregs *sregs, uint64_t gva)
{
	if (sregs->efer & EFER_LMA)
		return (struct walk){
			.levels = sregs->cr4 & CR4_LA57 ? 5 : 4, .index_bits = 9, .entry_size = 8,
			.table = sregs->cr3 & PTE_FRAME,
		};
	/* The PDPTEs were loaded with CR3; the table in memory may have changed since. */
	if (sregs->cr4 & CR4_PAE)
		return (struct walk){
			.levels = 2, .index_bits = 9, .entry_size = 8,
			.table = sregs->pdpte[gva >> 30 & 3],
		};
	return (struct walk){
		.levels = 2, .index_bits = 10, .entry_size = 4,
		.table = sregs->cr3 & 0xfffff000u,
	};
}

static int is_leaf(const struct vmxhv_sregs *sregs, unsigned int level, uint64_t entry)
{
	if (level == 1)
		return 1;
	if (!(entry & PTE_LARGE) || level > 3)
		return 0;
	return (sregs->cr4 & CR4_PAE) || (sregs->cr4 & CR4_PSE);
}

int vmxhv_walk(const struct vmxhv_sregs *sregs, const struct vmxhv_mmio_ops *ops, void *opaque,
	       uint64_t gva, int write, uint64_t *gpa, uint32_t *pf_error)
{
	const int user = (sregs->ss.access >> 5 & 3) == 3;
	uint64_t rights = PTE_WRITE | PTE_USER, entry = 0;
	struct walk walk;
	unsigned int shift;

	*gpa = gva;
	if (!(sregs->cr0 & CR0_PG))
		return 0;
	walk = walk_start(sregs, gva);
	*pf_error = (write ? PF_WRITE : 0) | (user ? PF_USER : 0);
	if (walk.entry_size == 8 && !(sregs->efer & EFER_LMA)) {
		if (!(walk.table & PTE_PRESENT))
			return -EFAULT;
		walk.table &= PTE_FRAME;
	}
	for (;; walk.levels--) {
		uint64_t index;
		const void *at;

		shift = 12 + walk.index_bits * (walk.levels - 1);
		index = gva >> shift & ((1u << walk.index_bits) - 1);
		at = ops->ram ? ops->ram(opaque, walk.table + index * walk.entry_size,
					 walk.entry_size) : NULL;
		if (!at)
			return -EIO;
		entry = 0;
		memcpy(&entry, at, walk.entry_size);
		if (!(entry & PTE_PRESENT))
			return -EFAULT;
		rights &= entry;
		if (is_leaf(sregs, walk.levels, entry))
			break;
		walk.table = entry & PTE_FRAME;
	}
	*pf_error |= PF_PRESENT;
	if (user && !(rights & PTE_USER))
		return -EFAULT;
	if (write && !(rights & PTE_WRITE) && (user || sregs->cr0 & CR0_WP))
		return -EFAULT;
	*gpa = (entry & PTE_FRAME & ~((1ull << shift) - 1)) | (gva & ((1ull << shift) - 1));
	return 0;
}
