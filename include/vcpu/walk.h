/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's own page tables, walked in software (SDM: "Paging"). */
#ifndef VCPU_WALK_H
#define VCPU_WALK_H

#include <linux/types.h>

struct vcpu;

#define WALK_WRITE	(1u << 0)
#define WALK_USER	(1u << 1)
#define WALK_FETCH	(1u << 2)

/* All that a walk depends on, so that it can be tested on any CPU. */
struct walk_mode {
	u64 cr0, cr3, cr4, efer;
	u64 rflags;		/* AC, for SMAP */
	u64 pdpte[4];		/* PAE paging */
	u8 maxphyaddr;
	/* reads (or with write, sets bits in) a paging-structure entry; 0 or -errno */
	int (*read)(void *ctx, u64 gpa, void *to, u32 length);
	int (*write)(void *ctx, u64 gpa, const void *from, u32 length);
	void *ctx;
};

struct walk_result {
	u64 gpa;
	u64 page_size;		/* bytes */
	u32 rights;		/* WALK_* that the mapping allows */
	u32 fault_error;	/* the #PF error code, when the walk returns 1 */
};

/* 0: translated; 1: #PF with result->fault_error; -errno: an entry could not be read */
int walk_page_tables(const struct walk_mode *mode, u64 gva, u32 access, struct walk_result *out);

/* of a loaded vCPU; may sleep */
void vcpu_walk_mode(struct vcpu *v, struct walk_mode *mode);
int vcpu_translate(struct vcpu *v, u64 gva, u32 access, struct walk_result *out);

/*
 * Copies to and from guest-linear memory, page by page, as an access of @access would.
 * 0; 1 with result->fault_error and *fault_address: the guest gets #PF; -EFAULT: not memory
 * @done says how many bytes were copied before that.
 */
int vcpu_copy_gva(struct vcpu *v, u64 gva, void *buf, u32 length, u32 access, u32 *done,
		  u64 *fault_address, struct walk_result *out);

#endif /* VCPU_WALK_H */
