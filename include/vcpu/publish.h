/* SPDX-License-Identifier: GPL-2.0-only */
/* The run area: what RUN reads of it and what an exit writes to it. */
#ifndef VCPU_PUBLISH_H
#define VCPU_PUBLISH_H

#include "vcpu/vcpu.h"

#define VMXHV_GROUPS		(VMXHV_GROUP_GPRS | VMXHV_GROUP_SREGS | VMXHV_GROUP_EVENTS)
#define VMXHV_USER_FLAGS	(VMXHV_USER_WANT_WINDOW | VMXHV_USER_EXIT_HLT | \
				 VMXHV_USER_EXIT_HYPERCALL)

/* A run-area group: its bit, its state group, and where it lies. */
struct run_area_group {
	u32 bit;
	u32 group;
	u32 offset;
	u32 size;
};

#define RUN_AREA_GROUPS	3
extern const struct run_area_group run_area_groups[RUN_AREA_GROUPS];

int refuse_run_flags(struct vcpu *v, struct vmxhv_error *err);
int apply_dirty_groups(struct vcpu *v, struct vmxhv_error *err);

void publish_done(struct vcpu *v);

/**
 * publish_union() - write the exit's own part
 * @v: the vCPU
 * @data: the member of the union
 * @length: its bytes, a constant
 *
 * To be called after exit_to_user(). What an earlier, longer one left behind it publish_done()
 * clears.
 */
static __always_inline void publish_union(struct vcpu *v, const void *data, u32 length)
{
	__builtin_memcpy(v->run->u.raw, data, length);
	v->union_used = length;
}

#endif /* VCPU_PUBLISH_H */
