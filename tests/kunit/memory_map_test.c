// SPDX-License-Identifier: GPL-2.0-only
/* vcpu/memory/map.c: what a change makes of the map, and what it refuses. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "vcpu/memory.h"

#define K(n)		((n) * 0x1000ull)	/* n pages */
#define GPA_BITS	36
#define LIMIT		BIT_ULL(GPA_BITS)
#define HVA		0x7f0000000000ull
#define RO		VMXHV_MEM_READONLY
#define NOEXEC		VMXHV_MEM_NOEXEC
#define LOGGED		VMXHV_MEM_LOG_DIRTY
#define EXEC_ONLY	VMXHV_MEM_EXEC_ONLY

#define MAP(at, pages, to, flags_) { .kind = VMXHV_MEM_MAP, .gpa = K(at), .length = K(pages),	\
	.hva = HVA + K(to), .flags = (flags_) }
#define UNMAP(at, pages)  { .kind = VMXHV_MEM_UNMAP, .gpa = K(at), .length = K(pages) }
#define PROTECT(at, pages, flags_) { .kind = VMXHV_MEM_PROTECT, .gpa = K(at),	\
	.length = K(pages), .flags = (flags_) }
#define LOG(at, pages, flags_) { .kind = VMXHV_MEM_LOG, .gpa = K(at), .length = K(pages),	\
	.flags = (flags_) }
#define RANGE(at, pages, to, flags_) { .gpa = K(at), .length = K(pages), .hva = HVA + K(to),	\
	.flags = (flags_) }

#define OPS	6
#define RANGES	4

/* Operations that succeed, and the map that is there then. */
struct change_row {
	const char *what;
	struct vmxhv_mem_op ops[OPS];		/* up to length 0 */
	struct memory_range map[RANGES];	/* up to length 0 */
};

static const struct change_row change_rows[] = {
	{ "one range", { MAP(16, 4, 0, 0) }, { RANGE(16, 4, 0, 0) } },
	{ "sorted", { MAP(16, 4, 0, 0), MAP(0, 4, 32, 0), MAP(8, 1, 64, 0) },
	  { RANGE(0, 4, 32, 0), RANGE(8, 1, 64, 0), RANGE(16, 4, 0, 0) } },
	{ "the same memory twice", { MAP(0, 4, 0, 0), MAP(4, 4, 0, 0) },
	  { RANGE(0, 4, 0, 0), RANGE(4, 4, 0, 0) } },
	{ "the last page", { MAP(LIMIT / K(1) - 1, 1, 0, 0) },
	  { RANGE(LIMIT / K(1) - 1, 1, 0, 0) } },

	{ "merge after", { MAP(0, 4, 0, 0), MAP(4, 4, 4, 0) }, { RANGE(0, 8, 0, 0) } },
	{ "merge before", { MAP(4, 4, 4, 0), MAP(0, 4, 0, 0) }, { RANGE(0, 8, 0, 0) } },
	{ "merge both", { MAP(0, 4, 0, 0), MAP(8, 4, 8, 0), MAP(4, 4, 4, 0) },
	  { RANGE(0, 12, 0, 0) } },
	{ "no merge across host memory", { MAP(0, 4, 0, 0), MAP(4, 4, 5, 0) },
	  { RANGE(0, 4, 0, 0), RANGE(4, 4, 5, 0) } },
	{ "no merge across flags", { MAP(0, 4, 0, 0), MAP(4, 4, 4, RO) },
	  { RANGE(0, 4, 0, 0), RANGE(4, 4, 4, RO) } },
	{ "PREFAULT is no property", { MAP(0, 4, 0, VMXHV_MEM_PREFAULT), MAP(4, 4, 4, 0) },
	  { RANGE(0, 8, 0, 0) } },

	{ "unmap all", { MAP(8, 8, 0, 0), UNMAP(8, 8) }, { } },
	{ "unmap the head", { MAP(8, 8, 0, 0), UNMAP(8, 3) }, { RANGE(11, 5, 3, 0) } },
	{ "unmap the tail", { MAP(8, 8, 0, 0), UNMAP(13, 3) }, { RANGE(8, 5, 0, 0) } },
	{ "unmap the middle", { MAP(8, 8, 0, RO), UNMAP(10, 1) },
	  { RANGE(8, 2, 0, RO), RANGE(11, 5, 3, RO) } },
	{ "unmap across ranges", { MAP(0, 4, 0, 0), MAP(4, 4, 8, 0), MAP(8, 4, 0, RO),
	  UNMAP(3, 6) }, { RANGE(0, 3, 0, 0), RANGE(9, 3, 1, RO) } },
	{ "unmap and map elsewhere", { MAP(0, 4, 0, 0), UNMAP(0, 4), MAP(0, 4, 64, 0) },
	  { RANGE(0, 4, 64, 0) } },

	{ "protect all", { MAP(0, 4, 0, 0), PROTECT(0, 4, RO) }, { RANGE(0, 4, 0, RO) } },
	{ "protect the middle", { MAP(0, 4, 0, 0), PROTECT(1, 2, RO | NOEXEC) },
	  { RANGE(0, 1, 0, 0), RANGE(1, 2, 1, RO | NOEXEC), RANGE(3, 1, 3, 0) } },
	{ "protect to nothing new", { MAP(0, 4, 0, RO), PROTECT(1, 2, RO) },
	  { RANGE(0, 4, 0, RO) } },
	{ "protect and back", { MAP(0, 4, 0, 0), PROTECT(1, 2, RO), PROTECT(1, 2, 0) },
	  { RANGE(0, 4, 0, 0) } },
	{ "protect to execute-only", { MAP(0, 4, 0, RO), PROTECT(1, 2, EXEC_ONLY) },
	  { RANGE(0, 1, 0, RO), RANGE(1, 2, 1, EXEC_ONLY), RANGE(3, 1, 3, RO) } },
	{ "log the middle, protect all", { MAP(0, 4, 0, NOEXEC), LOG(1, 2, LOGGED),
	  PROTECT(0, 4, RO) },
	  { RANGE(0, 1, 0, RO), RANGE(1, 2, 1, RO | LOGGED), RANGE(3, 1, 3, RO) } },
	{ "log and no more", { MAP(0, 4, 0, RO | LOGGED), LOG(1, 2, 0), LOG(0, 4, 0) },
	  { RANGE(0, 4, 0, RO) } },
	{ "protect across ranges", { MAP(0, 4, 0, 0), MAP(4, 4, 8, RO), PROTECT(2, 4, NOEXEC) },
	  { RANGE(0, 2, 0, 0), RANGE(2, 2, 2, NOEXEC), RANGE(4, 2, 8, NOEXEC),
	    RANGE(6, 2, 10, RO) } },
};

static void map_changes(struct kunit *test)
{
	int i, j;

	for (i = 0; i < ARRAY_SIZE(change_rows); i++) {
		const struct change_row *row = &change_rows[i];
		struct memory_map *map = memory_map_copy(NULL, OPS);

		KUNIT_ASSERT_NOT_NULL(test, map);
		for (j = 0; j < OPS && row->ops[j].length; j++)
			KUNIT_EXPECT_EQ_MSG(test, memory_map_apply(map, &row->ops[j], j, GPA_BITS,
								   NULL), 0,
					    "%s: operation %d", row->what, j);
		for (j = 0; j < RANGES && row->map[j].length; j++)
			KUNIT_EXPECT_EQ_MSG(test, memcmp(&map->range[j], &row->map[j],
							 offsetofend(struct memory_range, flags)),
					    0, "%s: range %d", row->what, j);
		KUNIT_EXPECT_EQ_MSG(test, map->count, j, "%s", row->what);
		KUNIT_EXPECT_LE(test, map->count, map->capacity);
		kvfree(map);
	}
}

/* One operation on the map below, right but for one thing. */
struct refusal_row {
	const char *what;
	struct vmxhv_mem_op op;
	int error;
	u32 item;
	u64 value, wanted;
};

static const struct vmxhv_mem_op refusal_map[] = { MAP(16, 16, 0, 0), MAP(40, 8, 64, RO) };

#define ITEM(member)	offsetof(struct vmxhv_mem_op, member)
#define GOOD_MAP(...)	{ .kind = VMXHV_MEM_MAP, __VA_ARGS__ }

static const struct refusal_row refusal_rows[] = {
	{ "kind", { .kind = 4, .gpa = 0, .length = K(1), .hva = HVA }, -EINVAL, ITEM(kind), 4, 3 },
	{ "flags", GOOD_MAP(.length = K(1), .hva = HVA, .flags = BIT(5)), -EINVAL, ITEM(flags),
	  BIT(5), 31 },
	{ "EXEC_ONLY, READONLY", MAP(0, 1, 0, EXEC_ONLY | RO), -EINVAL, ITEM(flags),
	  EXEC_ONLY | RO, EXEC_ONLY },
	{ "EXEC_ONLY, NOEXEC", PROTECT(16, 1, EXEC_ONLY | NOEXEC), -EINVAL, ITEM(flags),
	  EXEC_ONLY | NOEXEC, EXEC_ONLY },
	{ "flags of UNMAP", { .kind = VMXHV_MEM_UNMAP, .gpa = K(16), .length = K(1), .flags = RO },
	  -EINVAL, ITEM(flags), RO, 0 },
	{ "flags of LOG", LOG(16, 1, RO), -EINVAL, ITEM(flags), RO, LOGGED },
	{ "LOG_DIRTY of PROTECT", PROTECT(16, 1, LOGGED), -EINVAL, ITEM(flags), LOGGED,
	  RO | NOEXEC | EXEC_ONLY },
	{ "flags of PROTECT", PROTECT(16, 1, VMXHV_MEM_PREFAULT), -EINVAL, ITEM(flags),
	  VMXHV_MEM_PREFAULT, RO | NOEXEC | EXEC_ONLY },
	{ "reserved[0]", GOOD_MAP(.length = K(1), .hva = HVA, .reserved[0] = 1), -EINVAL,
	  ITEM(reserved[0]), 1, 0 },
	{ "reserved[1]", GOOD_MAP(.length = K(1), .hva = HVA, .reserved[1] = 1), -EINVAL,
	  ITEM(reserved[1]), 1, 0 },
	{ "gpa alignment", GOOD_MAP(.gpa = 1, .length = K(1), .hva = HVA), -EINVAL, ITEM(gpa),
	  1, 0 },
	{ "length alignment", GOOD_MAP(.length = K(1) + 8, .hva = HVA), -EINVAL, ITEM(length),
	  K(1) + 8, K(1) },
	{ "hva alignment", GOOD_MAP(.length = K(1), .hva = HVA + 0x800), -EINVAL, ITEM(hva),
	  HVA + 0x800, HVA },
	{ "no length", GOOD_MAP(.hva = HVA), -EINVAL, ITEM(length), 0, K(1) },
	{ "gpa too high", GOOD_MAP(.gpa = LIMIT, .length = K(1), .hva = HVA), -ERANGE, ITEM(gpa),
	  LIMIT, LIMIT - K(1) },
	{ "end too high", GOOD_MAP(.gpa = LIMIT - K(1), .length = K(2), .hva = HVA), -ERANGE,
	  ITEM(length), K(2), K(1) },
	{ "gpa wraps", GOOD_MAP(.gpa = K(1), .length = ~0xfffull, .hva = HVA), -ERANGE,
	  ITEM(length), ~0xfffull, LIMIT - K(1) },
	{ "hva of UNMAP", { .kind = VMXHV_MEM_UNMAP, .gpa = K(16), .length = K(1), .hva = HVA },
	  -EINVAL, ITEM(hva), HVA, 0 },
	{ "hva of PROTECT", { .kind = VMXHV_MEM_PROTECT, .gpa = K(16), .length = K(1),
	  .hva = HVA }, -EINVAL, ITEM(hva), HVA, 0 },
	{ "hva in the kernel", GOOD_MAP(.length = K(1), .hva = 0xffff888000000000), -EFAULT,
	  ITEM(hva), 0xffff888000000000, 0 },
	{ "hva wraps", GOOD_MAP(.length = LIMIT, .hva = 0xfffffffffffff000), -EFAULT,
	  ITEM(hva), 0xfffffffffffff000, 0 },

	{ "overlaps the tail", MAP(31, 1, 64, 0), -EEXIST, ITEM(gpa), K(31), K(32) },
	{ "overlaps the head", MAP(15, 2, 64, 0), -EEXIST, ITEM(gpa), K(15), K(32) },
	{ "covers a range", MAP(32, 32, 64, 0), -EEXIST, ITEM(gpa), K(32), K(48) },
	{ "the same again", MAP(16, 16, 0, 0), -EEXIST, ITEM(gpa), K(16), K(32) },
	{ "unmap nothing", UNMAP(32, 8), -ENOENT, ITEM(gpa), K(32), K(32) },
	{ "unmap from before", UNMAP(15, 2), -ENOENT, ITEM(gpa), K(15), K(15) },
	{ "unmap beyond", UNMAP(16, 17), -ENOENT, ITEM(gpa), K(32), K(16) },
	{ "unmap across a hole", UNMAP(16, 32), -ENOENT, ITEM(gpa), K(32), K(16) },
	{ "protect across a hole", PROTECT(31, 10, RO), -ENOENT, ITEM(gpa), K(32), K(31) },
};

static struct memory_map *refusal_fixture(struct kunit *test)
{
	struct memory_map *map = memory_map_copy(NULL, 3);
	int i;

	KUNIT_ASSERT_NOT_NULL(test, map);
	for (i = 0; i < ARRAY_SIZE(refusal_map); i++)
		KUNIT_EXPECT_EQ(test, memory_map_apply(map, &refusal_map[i], i, GPA_BITS, NULL),
				0);
	return map;
}

static void map_refusals(struct kunit *test)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(refusal_rows); i++) {
		const struct refusal_row *row = &refusal_rows[i];
		struct memory_map *map = refusal_fixture(test);
		struct vmxhv_error err = {};

		KUNIT_EXPECT_EQ_MSG(test, memory_map_apply(map, &row->op, 7, GPA_BITS, &err),
				    row->error, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, err.error, -row->error, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, err.code, VMXHV_ERR_MEM_OP, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, err.index, 7, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, err.item, row->item, "%s", row->what);
		KUNIT_EXPECT_EQ_MSG(test, err.value, row->value, "%s", row->what);
		if (row->error != -EFAULT)	/* there the limit is the host's */
			KUNIT_EXPECT_EQ_MSG(test, err.wanted, row->wanted, "%s", row->what);
		KUNIT_EXPECT_NE_MSG(test, err.text[0], 0, "%s", row->what);
		kvfree(map);
	}
}

static void map_full(struct kunit *test)
{
	struct memory_map *map = memory_map_copy(NULL, MEMORY_MAX_RANGES + 1);
	struct vmxhv_mem_op op = MAP(0, 1, 0, 0);
	struct vmxhv_error err = {};
	int i;

	KUNIT_ASSERT_NOT_NULL(test, map);
	for (i = 0; i < MEMORY_MAX_RANGES; i++, op.gpa += K(2))
		KUNIT_EXPECT_EQ(test, memory_map_apply(map, &op, 0, GPA_BITS, &err), 0);
	KUNIT_EXPECT_EQ(test, memory_map_apply(map, &op, 3, GPA_BITS, &err), -ENOSPC);
	KUNIT_EXPECT_EQ(test, err.index, 3);
	KUNIT_EXPECT_EQ(test, err.wanted, MEMORY_MAX_RANGES);
	kvfree(map);
}

static void map_find(struct kunit *test)
{
	static const struct {
		u64 gpa, found;		/* 1: nothing */
	} rows[] = {
		{ 0, 1 }, { K(16) - 1, 1 }, { K(16), K(16) }, { K(32) - 1, K(16) }, { K(32), 1 },
		{ K(40), K(40) }, { K(48) - 1, K(40) }, { K(48), 1 }, { ~0ull, 1 },
	};
	struct memory_map *map = refusal_fixture(test);
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct memory_range *range = memory_map_find(map, rows[i].gpa);

		KUNIT_EXPECT_EQ_MSG(test, range ? range->gpa : 1, rows[i].found, "%llx",
				    rows[i].gpa);
	}
	kvfree(map);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE(map_changes),
	KUNIT_CASE(map_refusals),
	KUNIT_CASE(map_full),
	KUNIT_CASE(map_find),
	{}
};

static struct kunit_suite map_suite = {
	.name = "vmxhv-memory-map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
