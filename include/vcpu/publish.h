/* SPDX-License-Identifier: GPL-2.0-only */
/* The run area: what RUN reads of it and what an exit writes to it. */
#ifndef VCPU_PUBLISH_H
#define VCPU_PUBLISH_H

#include "vcpu/vcpu.h"

#define VMXHV_GROUPS		(VMXHV_GROUP_GPRS | VMXHV_GROUP_SREGS | VMXHV_GROUP_EVENTS)
#define VMXHV_USER_FLAGS	(VMXHV_USER_WANT_WINDOW | VMXHV_USER_EXIT_HLT | \
				 VMXHV_USER_EXIT_HYPERCALL)

int refuse_run_flags(struct vcpu *v, struct vmxhv_error *err);
int apply_dirty_groups(struct vcpu *v, struct vmxhv_error *err);

/*
 * The exit's member of the union: writes @data there and clears what an earlier, longer exit left
 * behind it.
 */
void publish_union(struct vcpu *v, const void *data, u32 length);

#endif /* VCPU_PUBLISH_H */
