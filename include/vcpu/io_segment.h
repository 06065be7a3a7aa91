/* SPDX-License-Identifier: GPL-2.0-only */
/* What a segment says to the units of a string instruction. Pure logic. */
#ifndef VCPU_IO_SEGMENT_H
#define VCPU_IO_SEGMENT_H

#include <linux/types.h>

#include "vmxhv.h"

/**
 * struct io_segment - a segment, and how it is used
 * @mode: of the guest
 * @access: access rights, as the VMCS holds them
 * @limit: in bytes, granularity applied
 * @write: the instruction stores
 */
struct io_segment {
	enum vmxhv_cpu_mode mode;
	u32 access;
	u32 limit;
	bool write;
};

u64 io_segment_units(const struct io_segment *s, u64 offset, u64 mask, u32 width);

#endif /* VCPU_IO_SEGMENT_H */
