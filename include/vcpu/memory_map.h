/* SPDX-License-Identifier: GPL-2.0-only */
/* Which guest-physical ranges there are: an array, sorted, replaced as a whole. Pure logic. */
#ifndef VCPU_MEMORY_MAP_H
#define VCPU_MEMORY_MAP_H

#include <linux/rcupdate.h>
#include <linux/types.h>

#include "vcpu/error.h"
#include "vmxhv.h"

#define MEMORY_MAX_RANGES	512
#define MEMORY_MAX_OPS		64

/**
 * struct memory_range - guest-physical memory backed by one stretch of the caller's
 * @gpa: guest-physical address, 4 KiB aligned as are @length and @hva
 * @length: bytes, not 0
 * @hva: the address in the VM's mm
 * @flags: VMXHV_MEM_READONLY, _NOEXEC, _EXEC_ONLY, _LOG_DIRTY
 */
struct memory_range {
	u64 gpa;
	u64 length;
	u64 hva;
	u32 flags;
};

/**
 * struct memory_map - all ranges of a VM, by rising gpa, none overlapping
 * @rcu: for kvfree_rcu()
 * @count: ranges there are
 * @capacity: ranges there is room for
 * @range: the ranges; neighbours that continue each other are one
 */
struct memory_map {
	struct rcu_head rcu;
	u32 count;
	u32 capacity;
	struct memory_range range[];
};

struct memory_map *memory_map_copy(const struct memory_map *old, u32 ops);
const struct memory_range *memory_map_find(const struct memory_map *map, u64 gpa);
u64 memory_map_covered(const struct memory_map *map, u64 gpa, u64 end, u32 flags);
int memory_map_apply(struct memory_map *map, const struct vmxhv_mem_op *op, u32 index,
		     u32 gpa_bits, struct vmxhv_error *err);

/* refuse() for operation @index of a MEMORY call */
#define refuse_op(err, error, index_, member, seen, want, ...)				\
	refuse(err, error, &(const struct refusal){					\
		.code = VMXHV_ERR_MEM_OP, .index = (index_),				\
		.item = offsetof(struct vmxhv_mem_op, member),				\
		.value = (seen), .wanted = (want) }, __VA_ARGS__)

static inline u64 memory_range_end(const struct memory_range *range)
{
	return range->gpa + range->length;
}

#endif /* VCPU_MEMORY_MAP_H */
