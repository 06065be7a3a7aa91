/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's own page tables, walked in software (SDM: "Paging"). */
#ifndef VCPU_WALK_H
#define VCPU_WALK_H

#include <linux/bits.h>
#include <linux/types.h>

struct vcpu;

/* An access, and rights; VMXHV_ACCESS_* are the same. What neither writes nor fetches reads. */
#define WALK_READ	BIT(0)
#define WALK_WRITE	BIT(1)
#define WALK_FETCH	BIT(2)
#define WALK_USER	BIT(3)	/* a user-mode access: CPL is 3, and not WALK_IMPLICIT */
#define WALK_IMPLICIT	BIT(4)	/* the CPU's own, to GDT, IDT, TSS: AC does not count */

/* What a page fault pushes (SDM: "Page-Fault Exceptions") */
#define PAGE_FAULT_PRESENT	BIT(0)
#define PAGE_FAULT_WRITE	BIT(1)
#define PAGE_FAULT_USER		BIT(2)
#define PAGE_FAULT_RESERVED	BIT(3)
#define PAGE_FAULT_FETCH	BIT(4)

/**
 * struct walk_mode - all that a walk depends on, so that it can be tested on any CPU
 * @cr0: as the guest sees it
 * @cr3: as it is
 * @cr4: as the guest sees it
 * @efer: LMA included
 * @rflags: AC, for SMAP
 * @pdpte: the four PDPTEs of PAE paging, as they were loaded
 * @maxphyaddr: physical-address width in bits: entries' bits from there on are reserved
 * @page_1g: the CPU has 1 GiB pages; without, that bit is reserved
 * @read: reads a paging-structure entry of @length bytes at @gpa; 0 or -errno
 * @update: puts @new where @old is, atomically; 0, 1 if something else was there, or -errno.
 *	NULL: leave accessed and dirty flags alone
 * @ctx: for @read and @update
 */
struct walk_mode {
	u64 cr0, cr3, cr4, efer;
	u64 rflags;
	u64 pdpte[4];
	u8 maxphyaddr;
	bool page_1g;
	int (*read)(void *ctx, u64 gpa, void *to, u32 length);
	int (*update)(void *ctx, u64 gpa, u64 old, u64 new, u32 length);
	void *ctx;
};

struct walk_result {
	u64 gpa;		/* or, when a table cannot be read, the address of its entry */
	u64 page_size;		/* bytes */
	u32 rights;		/* WALK_* that the mapping allows to accesses of this privilege */
	u32 fault_error;	/* the #PF error code, when the walk returns 1 ... */
	u64 linear;		/* ... and what CR2 gets */
};

/* 0: translated; 1: #PF with result->fault_error; -errno: see the definition */
int walk_page_tables(const struct walk_mode *mode, u64 gva, u32 access, struct walk_result *out);

/* of a loaded vCPU; may sleep */
int vcpu_translate(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);
int vcpu_probe(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);

/* where an access that began at @from has come to: 32 bits wide outside 64-bit mode */
u64 vcpu_wrap_gva(struct vcpu *v, u64 from, u64 at);

/*
 * Copies to and from guest-linear memory, page by page, as an access of @access would.
 * 0; 1 with result->fault_error and *fault_address: the guest gets #PF; -EFAULT: not memory
 * @done says how many bytes were copied before that.
 */
int vcpu_copy_gva(struct vcpu *v, u64 gva, void *buf, u32 length, u32 access, u32 *done,
		  u64 *fault_address, struct walk_result *out);

#endif /* VCPU_WALK_H */
