// SPDX-License-Identifier: GPL-2.0-only
/*
 * The algebra of a VM's memory map. A change works on a copy that nobody else sees, operation by
 * operation; the first one refused throws the copy away.
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"

#define PROTECT_FLAGS	(VMXHV_MEM_READONLY | VMXHV_MEM_NOEXEC | VMXHV_MEM_EXEC_ONLY)
#define RANGE_FLAGS	(PROTECT_FLAGS | VMXHV_MEM_LOG_DIRTY)
#define PAGE_BITS	(PAGE_SIZE - 1)

/**
 * memory_map_copy() - a map to be changed
 * @old: what it begins with; NULL is an empty map
 * @ops: how many operations it must have room for
 *
 * Context: Process; may sleep.
 * Return: the map, to be freed by kvfree() or, once published, kvfree_rcu(); NULL without memory.
 */
struct memory_map *memory_map_copy(const struct memory_map *old, u32 ops)
{
	u32 count = old ? old->count : 0;
	u32 capacity = count + 2 * ops;		/* an operation adds two ranges at most */
	struct memory_map *map;

	map = kvmalloc(struct_size(map, range, capacity), GFP_KERNEL_ACCOUNT);
	if (!map)
		return NULL;
	map->count = count;
	map->capacity = capacity;
	if (count)
		memcpy(map->range, old->range, count * sizeof(map->range[0]));
	return map;
}

VMXHV_EXPORT_FOR_TEST(memory_map_copy);

/* the first range that ends above @gpa, or map->count */
static u32 first_above(const struct memory_map *map, u64 gpa)
{
	u32 low = 0, high = map->count;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (memory_range_end(&map->range[middle]) > gpa)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/**
 * memory_map_find() - the range that holds an address
 * @map: the map
 * @gpa: guest-physical address in bytes
 *
 * Context: Any; the caller keeps @map alive (RCU, or the lock under which it is replaced).
 * Return: the range, or NULL.
 */
const struct memory_range *memory_map_find(const struct memory_map *map, u64 gpa)
{
	u32 i = first_above(map, gpa);

	return i < map->count && map->range[i].gpa <= gpa ? &map->range[i] : NULL;
}

VMXHV_EXPORT_FOR_TEST(memory_map_find);

static void insert_at(struct memory_map *map, u32 i, const struct memory_range *range)
{
	memmove(&map->range[i + 1], &map->range[i], (map->count - i) * sizeof(*range));
	map->range[i] = *range;
	map->count++;
}

static void remove_at(struct memory_map *map, u32 i, u32 n)
{
	map->count -= n;
	memmove(&map->range[i], &map->range[i + n], (map->count - i) * sizeof(map->range[0]));
}

/* make @gpa a boundary between ranges, if it lies inside one */
static void split_at(struct memory_map *map, u64 gpa)
{
	u32 i = first_above(map, gpa);
	struct memory_range tail;
	u64 head;

	if (i == map->count || map->range[i].gpa >= gpa)
		return;
	head = gpa - map->range[i].gpa;
	tail = map->range[i];
	tail.gpa += head;
	tail.hva += head;
	tail.length -= head;
	map->range[i].length = head;
	insert_at(map, i + 1, &tail);
}

static bool continues(const struct memory_range *a, const struct memory_range *b)
{
	return memory_range_end(a) == b->gpa && a->hva + a->length == b->hva &&
	       a->flags == b->flags;
}

/* join neighbours from the range before @gpa to the one that begins at or after @end */
static void merge_around(struct memory_map *map, u64 gpa, u64 end)
{
	u32 i = first_above(map, gpa ? gpa - 1 : 0);

	while (i + 1 < map->count && map->range[i].gpa <= end) {
		if (continues(&map->range[i], &map->range[i + 1])) {
			map->range[i].length += map->range[i + 1].length;
			remove_at(map, i + 1, 1);
		} else {
			i++;
		}
	}
}

/**
 * memory_map_covered() - how far ranges go without a hole
 * @map: the map
 * @gpa: guest-physical address in bytes
 * @end: where it ends to be of interest
 * @flags: VMXHV_MEM_* that the ranges have
 *
 * Context: Any; the caller keeps @map alive.
 * Return: the first address from @gpa on that no range with @flags holds, at most @end.
 */
u64 memory_map_covered(const struct memory_map *map, u64 gpa, u64 end, u32 flags)
{
	u32 i;

	for (i = first_above(map, gpa); i < map->count && map->range[i].gpa <= gpa; i++) {
		if ((map->range[i].flags & flags) != flags)
			break;
		gpa = memory_range_end(&map->range[i]);
		if (gpa >= end)
			return end;
	}
	return gpa;
}

static int check_aligned(const struct vmxhv_mem_op *op, u32 index, struct vmxhv_error *err)
{
	if (op->gpa & PAGE_BITS)
		return refuse_op(err, -EINVAL, index, gpa, op->gpa, op->gpa & ~PAGE_BITS,
				 "gpa is not a multiple of 4096");
	if (op->length & PAGE_BITS)
		return refuse_op(err, -EINVAL, index, length, op->length, op->length & ~PAGE_BITS,
				 "length is not a multiple of 4096");
	if (op->hva & PAGE_BITS)
		return refuse_op(err, -EINVAL, index, hva, op->hva, op->hva & ~PAGE_BITS,
				 "hva is not a multiple of 4096");
	if (!op->length)
		return refuse_op(err, -EINVAL, index, length, 0, PAGE_SIZE, "length is 0");
	return 0;
}

static int check_gpa(const struct vmxhv_mem_op *op, u32 index, u32 gpa_bits,
		     struct vmxhv_error *err)
{
	const u64 limit = 1ull << gpa_bits;

	if (op->gpa >= limit)
		return refuse_op(err, -ERANGE, index, gpa, op->gpa, limit - PAGE_SIZE,
				 "gpa is beyond the CPU's %u bits", gpa_bits);
	if (op->length > limit - op->gpa)
		return refuse_op(err, -ERANGE, index, length, op->length, limit - op->gpa,
				 "the range ends beyond the CPU's %u bits", gpa_bits);
	return 0;
}

static int check_hva(const struct vmxhv_mem_op *op, u32 index, struct vmxhv_error *err)
{
	if (op->kind != VMXHV_MEM_MAP) {
		if (op->hva)
			return refuse_op(err, -EINVAL, index, hva, op->hva, 0,
					 "hva is for MAP only");
		return 0;
	}
	if (op->hva >= TASK_SIZE_MAX)
		return refuse_op(err, -EFAULT, index, hva, op->hva, TASK_SIZE_MAX - PAGE_SIZE,
				 "hva is not in the user address space");
	if (op->length > TASK_SIZE_MAX - op->hva)
		return refuse_op(err, -EFAULT, index, length, op->length, TASK_SIZE_MAX - op->hva,
				 "hva + length leaves the user address space");
	return 0;
}

static u32 known_flags(u32 kind)
{
	switch (kind) {
	case VMXHV_MEM_MAP:
		return RANGE_FLAGS | VMXHV_MEM_PREFAULT;
	case VMXHV_MEM_PROTECT:
		return PROTECT_FLAGS;
	case VMXHV_MEM_LOG:
		return VMXHV_MEM_LOG_DIRTY;
	default:
		return 0;
	}
}

/* What can be said of an operation without looking at the map. */
static int check_op(const struct vmxhv_mem_op *op, u32 index, u32 gpa_bits,
		    struct vmxhv_error *err)
{
	u32 known = known_flags(op->kind);
	int ret;

	if (op->kind > VMXHV_MEM_LOG)
		return refuse_op(err, -EINVAL, index, kind, op->kind, VMXHV_MEM_LOG,
				 "no such kind of operation");
	if (op->flags & ~known)
		return refuse_op(err, -EINVAL, index, flags, op->flags, known,
				 "flags that this kind does not have");
	if ((op->flags & VMXHV_MEM_EXEC_ONLY) &&
	    (op->flags & (VMXHV_MEM_READONLY | VMXHV_MEM_NOEXEC)))
		return refuse_op(err, -EINVAL, index, flags, op->flags,
				 op->flags & ~(VMXHV_MEM_READONLY | VMXHV_MEM_NOEXEC),
				 "EXEC_ONLY goes with neither READONLY nor NOEXEC");
	if (op->reserved[0])
		return refuse_op(err, -EINVAL, index, reserved[0], op->reserved[0], 0,
				 "reserved[0] is not 0");
	if (op->reserved[1])
		return refuse_op(err, -EINVAL, index, reserved[1], op->reserved[1], 0,
				 "reserved[1] is not 0");
	ret = check_aligned(op, index, err);
	if (!ret)
		ret = check_gpa(op, index, gpa_bits, err);
	if (!ret)
		ret = check_hva(op, index, err);
	return ret;
}

static int apply_map(struct memory_map *map, const struct vmxhv_mem_op *op, u32 index,
		     struct vmxhv_error *err)
{
	const struct memory_range range = {
		.gpa = op->gpa,
		.length = op->length,
		.hva = op->hva,
		.flags = op->flags & RANGE_FLAGS,
	};
	u32 i = first_above(map, op->gpa);

	if (i < map->count && map->range[i].gpa < memory_range_end(&range))
		return refuse_op(err, -EEXIST, index, gpa, op->gpa,
				 memory_range_end(&map->range[i]),
				 "overlaps the range at gpa %#llx, length %#llx",
				 map->range[i].gpa, map->range[i].length);
	insert_at(map, i, &range);
	return 0;
}

/* UNMAP, PROTECT and LOG take any stretch of what is mapped, across ranges or inside one. */
static int apply_existing(struct memory_map *map, const struct vmxhv_mem_op *op, u32 index,
			  struct vmxhv_error *err)
{
	const u64 end = op->gpa + op->length;
	const u64 covered = memory_map_covered(map, op->gpa, end, 0);
	const u32 keep = RANGE_FLAGS & ~known_flags(op->kind);
	u32 first, last;

	if (covered < end)
		return refuse_op(err, -ENOENT, index, gpa, covered, op->gpa,
				 "nothing is mapped at gpa %#llx", covered);
	split_at(map, op->gpa);
	split_at(map, end);
	first = first_above(map, op->gpa);
	last = first_above(map, end);	/* the one after the last of ours */
	if (op->kind == VMXHV_MEM_UNMAP) {
		remove_at(map, first, last - first);
		return 0;
	}
	for (; first < last; first++)
		map->range[first].flags = (map->range[first].flags & keep) | op->flags;
	return 0;
}

/**
 * memory_map_apply() - one operation of a change
 * @map: from memory_map_copy(); after a refusal fit for nothing but kvfree()
 * @op: the operation; nothing in it was checked yet
 * @index: its place in the caller's array, for the refusal
 * @gpa_bits: guest-physical addresses have this many bits
 * @err: gets the refusal; may be NULL
 *
 * Context: Any.
 * Return: 0; -EINVAL for what is never right; -ERANGE beyond @gpa_bits; -EFAULT for an hva outside
 *	the user's address space; -EEXIST, -ENOENT as the map stands; -ENOSPC for too many ranges.
 */
int memory_map_apply(struct memory_map *map, const struct vmxhv_mem_op *op, u32 index,
		     u32 gpa_bits, struct vmxhv_error *err)
{
	int ret = check_op(op, index, gpa_bits, err);

	if (ret)
		return ret;
	if (op->kind == VMXHV_MEM_MAP)
		ret = apply_map(map, op, index, err);
	else
		ret = apply_existing(map, op, index, err);
	if (ret)
		return ret;
	merge_around(map, op->gpa, op->gpa + op->length);
	if (map->count > MEMORY_MAX_RANGES)
		return refuse_op(err, -ENOSPC, index, gpa, map->count, MEMORY_MAX_RANGES,
				 "more than %d ranges", MEMORY_MAX_RANGES);
	return 0;
}

VMXHV_EXPORT_FOR_TEST(memory_map_apply);
