// SPDX-License-Identifier: GPL-2.0-only
/* vmx/ept.c: entries, levels, unmapping and ageing, on no CPU at all. */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "vmx/arch.h"
#include "vmx/caps.h"
#include "vmx/ept.h"

#define LEAF_4K		(EPT_READ | EPT_EXEC | EPT_MT_WB | EPT_IGNORE_PAT | EPT_ACCESSED)
#define LEAF_4K_RW	(LEAF_4K | EPT_WRITE | EPT_DIRTY)

#define GPA		(3ull * SZ_1G)	/* aligned for every leaf */
#define HPA		(5ull * SZ_1G)	/* never touched, only written into entries */

struct ept_fixture {
	struct ept ept;
	struct ept_cache cache;
};

static const struct vmx_caps all_caps = { .ept_2m = true, .ept_1g = true, .ept_ad = true };
static const struct vmx_caps no_caps;

static void use_caps(struct kunit *test, const struct vmx_caps *caps)
{
	struct ept_fixture *f = test->priv;

	ept_free(&f->ept);
	KUNIT_ASSERT_EQ(test, ept_init(&f->ept, caps), 0);
}

static int ept_test_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct ept_fixture), GFP_KERNEL);
	if (!test->priv)
		return -ENOMEM;
	return ept_init(&((struct ept_fixture *)test->priv)->ept, &all_caps);
}

static void ept_test_exit(struct kunit *test)
{
	struct ept_fixture *f = test->priv;

	ept_cache_free(&f->cache);
	ept_free(&f->ept);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), 0);
}

static int map(struct kunit *test, u64 gpa, u64 hpa, enum ept_level level, u64 rights)
{
	struct ept_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ept_cache_fill(&f->cache), 0);
	return ept_map(&f->ept, &f->cache, gpa, hpa, level, rights);
}

static void expect_leaf(struct kunit *test, u64 gpa, u64 entry, enum ept_level level)
{
	struct ept_fixture *f = test->priv;
	enum ept_level seen = 0;

	KUNIT_EXPECT_EQ(test, ept_lookup(&f->ept, gpa, &seen), entry);
	if (entry)
		KUNIT_EXPECT_EQ(test, (int)seen, (int)level);
}

/* the tables that are out of use, as a caller frees them after its flush */
static void reap(struct kunit *test)
{
	struct ept_fixture *f = test->priv;
	LIST_HEAD(retired);

	ept_take_retired(&f->ept, &retired);
	ept_free_retired(&f->ept, &retired, true);
}

/* Accessed and dirty flags are asked for only where the CPU has them. */
static void ept_pointer(struct kunit *test)
{
	static const struct {
		struct vmx_caps caps;
		u64 bits;
		enum ept_level max;
	} rows[] = {
		{ { }, 0x1e, EPT_4K },
		{ { .ept_2m = true }, 0x1e, EPT_2M },
		{ { .ept_1g = true }, 0x1e, EPT_4K },
		{ { .ept_2m = true, .ept_1g = true }, 0x1e, EPT_1G },
		{ { .ept_2m = true, .ept_ad = true }, 0x5e, EPT_2M },
	};
	struct ept_fixture *f = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		use_caps(test, &rows[i].caps);
		KUNIT_EXPECT_EQ(test, f->ept.eptp, virt_to_phys(f->ept.root) | rows[i].bits);
		KUNIT_EXPECT_EQ(test, (int)f->ept.max_level, (int)rows[i].max);
	}
}

static void ept_leaves(struct kunit *test)
{
	static const struct {
		enum ept_level level;
		u64 rights, entry;
		long pages;	/* tables, with the root */
	} rows[] = {
		{ EPT_4K, EPT_READ, 0x0000000000000171, 4 },
		{ EPT_4K, EPT_READ | EPT_EXEC, 0x0000000000000175, 4 },
		{ EPT_4K, EPT_RWX, 0x0000000000000377, 4 },
		{ EPT_2M, EPT_RWX, 0x00000000000003f7, 3 },
		{ EPT_1G, EPT_RWX, 0x00000000000003f7, 2 },
	};
	struct ept_fixture *f = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 size = EPT_ENTRY_SIZE(rows[i].level);

		use_caps(test, &all_caps);
		/* any page of the block names it */
		KUNIT_EXPECT_EQ(test, map(test, GPA + size - SZ_4K, HPA + size - SZ_4K,
					  rows[i].level, rows[i].rights), 0);
		expect_leaf(test, GPA + size - 1, rows[i].entry |
			    (rows[i].level == EPT_4K ? HPA + size - SZ_4K : HPA), rows[i].level);
		expect_leaf(test, GPA + size, 0, 0);
		expect_leaf(test, GPA - 1, 0, 0);
		KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), rows[i].pages);
	}
}

/* The highest address that four levels reach. */
static void ept_last_page(struct kunit *test)
{
	const u64 last = (1ull << EPT_GPA_BITS) - SZ_4K;
	struct ept_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, map(test, last, HPA, EPT_4K, EPT_RWX), 0);
	expect_leaf(test, last, HPA | LEAF_4K_RW, EPT_4K);
	KUNIT_EXPECT_TRUE(test, ept_unmap_range(&f->ept, 0, 1ull << EPT_GPA_BITS));
	expect_leaf(test, last, 0, 0);
	reap(test);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), 1);
}

/* Rights of one page only grow until it is unmapped; another page in its place needs a flush. */
static void ept_map_again(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_4K, EPT_READ | EPT_EXEC), 0);
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_4K, EPT_RWX), 0);
	expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_4K, EPT_READ), 0);
	expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA + SZ_4K, EPT_4K, EPT_READ | EPT_EXEC), 1);
	expect_leaf(test, GPA, (HPA + SZ_4K) | LEAF_4K, EPT_4K);
}

static void ept_large_and_small(struct kunit *test)
{
	/* a small page in a large leaf: the leaf goes, and a CPU may have cached it */
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_2M, EPT_RWX), 0);
	KUNIT_EXPECT_EQ(test, map(test, GPA + SZ_4K, HPA + SZ_4K, EPT_4K, EPT_RWX), 1);
	expect_leaf(test, GPA, 0, 0);
	expect_leaf(test, GPA + SZ_4K, (HPA + SZ_4K) | LEAF_4K_RW, EPT_4K);

	/* where a table is, no large leaf comes */
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_2M, EPT_RWX), 0);
	expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
	expect_leaf(test, GPA + 2 * SZ_4K, 0, 0);
}

/* After the host's unmapping of the whole block a large leaf may come (khugepaged). */
static void ept_small_then_large(struct kunit *test)
{
	struct ept_fixture *f = test->priv;

	map(test, GPA, HPA, EPT_4K, EPT_RWX);
	KUNIT_EXPECT_TRUE(test, ept_unmap_range(&f->ept, GPA, SZ_2M));
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_2M, EPT_RWX), 0);
	expect_leaf(test, GPA, HPA | LEAF_4K_RW | EPT_LARGE, EPT_2M);

	/* the table of small pages waits for the flush */
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), 4);
	reap(test);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), 3);
}

static void ept_cache_runs_out(struct kunit *test)
{
	struct ept_fixture *f = test->priv;

	KUNIT_EXPECT_EQ(test, ept_map(&f->ept, &f->cache, GPA, HPA, EPT_4K, EPT_RWX), -ENOMEM);
	expect_leaf(test, GPA, 0, 0);
	KUNIT_EXPECT_EQ(test, atomic_long_read(&f->ept.pages), 1);
}

/* Empty entries of a table that is there are filled, others stay; nothing is born accessed. */
static void ept_beside(struct kunit *test)
{
	const u64 leaf[] = { (HPA + SZ_64K) | EPT_RWX, 0, HPA | EPT_READ | EPT_EXEC };
	struct ept_fixture *f = test->priv;

	ept_map_beside(&f->ept, GPA, 3, leaf);
	expect_leaf(test, GPA, 0, 0);
	KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_4K, EPT_READ | EPT_EXEC), 0);
	ept_map_beside(&f->ept, GPA, 3, leaf);
	expect_leaf(test, GPA, HPA | LEAF_4K, EPT_4K);
	expect_leaf(test, GPA + SZ_4K, 0, 0);
	expect_leaf(test, GPA + SZ_8K, (HPA | LEAF_4K) & ~EPT_ACCESSED, EPT_4K);
	ept_map_beside(&f->ept, GPA + SZ_4K, 1, leaf);
	expect_leaf(test, GPA + SZ_4K, ((HPA + SZ_64K) | LEAF_4K_RW) & ~EPT_ACCESSED, EPT_4K);

	/* a large leaf is no table */
	KUNIT_EXPECT_EQ(test, map(test, GPA + SZ_2M, HPA, EPT_2M, EPT_READ), 0);
	ept_map_beside(&f->ept, GPA + SZ_2M, 3, leaf);
	expect_leaf(test, GPA + SZ_2M, (HPA | LEAF_4K | EPT_LARGE) & ~EPT_EXEC, EPT_2M);
}

static void ept_unmap(struct kunit *test)
{
	static const struct {
		enum ept_level level;
		u64 at, length;		/* from GPA */
		bool hit;		/* of one leaf at GPA */
	} rows[] = {
		{ EPT_4K, 0, SZ_4K, true },
		{ EPT_4K, SZ_4K, SZ_4K, false },
		{ EPT_4K, 0, SZ_2M, true },
		{ EPT_4K, SZ_2M, SZ_1G, false },
		{ EPT_2M, SZ_2M - SZ_4K, SZ_4K, true },
		{ EPT_2M, SZ_2M, SZ_4K, false },
		{ EPT_2M, 0, SZ_1G, true },
		{ EPT_1G, SZ_1G - SZ_4K, SZ_8K, true },
		{ EPT_1G, SZ_1G, SZ_1G, false },
	};
	struct ept_fixture *f = test->priv;
	int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		use_caps(test, &all_caps);
		map(test, GPA, HPA, rows[i].level, EPT_RWX);
		KUNIT_EXPECT_EQ_MSG(test, ept_unmap_range(&f->ept, GPA + rows[i].at,
							  rows[i].length), rows[i].hit,
				    "row %d", i);
		KUNIT_EXPECT_EQ_MSG(test, !ept_lookup(&f->ept, GPA, NULL), rows[i].hit,
				    "row %d", i);
		KUNIT_EXPECT_FALSE_MSG(test, ept_unmap_range(&f->ept, GPA + rows[i].at,
							     rows[i].length), "row %d", i);
	}
}

/* Writes are seen again: by the right to write, or by the dirty flag; large leaves go. */
static void ept_clean(struct kunit *test)
{
	struct ept_fixture *f = test->priv;
	int flags;

	for (flags = 0; flags < 2; flags++) {
		const u64 clean = HPA | (flags ? LEAF_4K | EPT_WRITE : LEAF_4K);

		use_caps(test, &all_caps);
		map(test, GPA, HPA, EPT_4K, EPT_RWX);
		map(test, GPA + SZ_4K, HPA, EPT_4K, EPT_READ | EPT_EXEC);
		map(test, GPA + SZ_2M, HPA, EPT_2M, EPT_RWX);
		map(test, GPA + 2 * SZ_2M, HPA, EPT_2M, EPT_READ | EPT_EXEC);
		KUNIT_EXPECT_TRUE(test, ept_clean_range(&f->ept, GPA, 2 * SZ_2M, flags));
		expect_leaf(test, GPA, clean, EPT_4K);
		expect_leaf(test, GPA + SZ_4K, HPA | LEAF_4K, EPT_4K);
		expect_leaf(test, GPA + SZ_2M, 0, 0);
		expect_leaf(test, GPA + 2 * SZ_2M, HPA | LEAF_4K | EPT_LARGE, EPT_2M);
		/* a CPU may have cached that the flag is set: again a flush is due */
		KUNIT_EXPECT_EQ(test, ept_clean_range(&f->ept, GPA, 2 * SZ_2M, flags), !!flags);
		/* a write that is known of */
		KUNIT_EXPECT_EQ(test, map(test, GPA, HPA, EPT_4K, EPT_RWX), 0);
		expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
	}
}

/* Born clean, for the CPU to log the first write; what is dirty stays so. */
static void ept_born_clean(struct kunit *test)
{
	const u64 leaf = HPA | EPT_RWX | EPT_CLEAN;
	struct ept_fixture *f = test->priv;

	map(test, GPA, HPA, EPT_4K, EPT_RWX | EPT_CLEAN);
	expect_leaf(test, GPA, HPA | LEAF_4K | EPT_WRITE, EPT_4K);
	ept_map_beside(&f->ept, GPA + SZ_4K, 1, &leaf);
	expect_leaf(test, GPA + SZ_4K, (HPA | LEAF_4K | EPT_WRITE) & ~EPT_ACCESSED, EPT_4K);
	map(test, GPA, HPA, EPT_4K, EPT_RWX);
	map(test, GPA, HPA, EPT_4K, EPT_RWX | EPT_CLEAN);
	expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
}

static void ept_age(struct kunit *test)
{
	struct ept_fixture *f = test->priv;

	map(test, GPA, HPA, EPT_4K, EPT_RWX);
	KUNIT_EXPECT_TRUE(test, ept_age_range(&f->ept, GPA, SZ_4K, false));
	KUNIT_EXPECT_TRUE(test, ept_age_range(&f->ept, GPA, SZ_4K, true));
	KUNIT_EXPECT_FALSE(test, ept_age_range(&f->ept, GPA, SZ_4K, false));
	expect_leaf(test, GPA, (HPA | LEAF_4K_RW) & ~EPT_ACCESSED, EPT_4K);
	KUNIT_EXPECT_FALSE(test, ept_age_range(&f->ept, GPA + SZ_4K, SZ_2M, true));
}

/* Without accessed flags "not used since" can only be had by unmapping. */
static void ept_age_without_flags(struct kunit *test)
{
	struct ept_fixture *f = test->priv;

	use_caps(test, &no_caps);
	map(test, GPA, HPA, EPT_4K, EPT_RWX);
	KUNIT_EXPECT_TRUE(test, ept_age_range(&f->ept, GPA, SZ_4K, false));
	expect_leaf(test, GPA, HPA | LEAF_4K_RW, EPT_4K);
	KUNIT_EXPECT_TRUE(test, ept_age_range(&f->ept, GPA, SZ_4K, true));
	expect_leaf(test, GPA, 0, 0);
	KUNIT_EXPECT_FALSE(test, ept_age_range(&f->ept, GPA, SZ_4K, false));
}

static struct kunit_case ept_cases[] = {
	KUNIT_CASE(ept_pointer),
	KUNIT_CASE(ept_leaves),
	KUNIT_CASE(ept_last_page),
	KUNIT_CASE(ept_map_again),
	KUNIT_CASE(ept_large_and_small),
	KUNIT_CASE(ept_small_then_large),
	KUNIT_CASE(ept_cache_runs_out),
	KUNIT_CASE(ept_beside),
	KUNIT_CASE(ept_unmap),
	KUNIT_CASE(ept_clean),
	KUNIT_CASE(ept_born_clean),
	KUNIT_CASE(ept_age),
	KUNIT_CASE(ept_age_without_flags),
	{}
};

static struct kunit_suite ept_suite = {
	.name = "vmxhv-ept",
	.init = ept_test_init,
	.exit = ept_test_exit,
	.test_cases = ept_cases,
};

kunit_test_suite(ept_suite);
