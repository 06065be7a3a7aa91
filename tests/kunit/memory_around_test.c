// SPDX-License-Identifier: GPL-2.0-only
/* vcpu/memory/fault.c: one fault maps its neighbours, and leaves no trace of use. */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/pgtable.h>
#include <linux/sizes.h>

#include "memory_world.h"
#include "vcpu/apic.h"

/* The host's entry of a page that it has; nobody else changes it meanwhile. */
static pte_t *host_pte(struct world *w, unsigned long offset)
{
	const unsigned long at = w->hva + offset;
	pud_t *pud = pud_offset(p4d_offset(pgd_offset(w->vm.mm, at), at), at);

	return pte_offset_kernel(pmd_offset(pud, at), at);
}

static void put_pages(struct kunit *test, struct world *w, unsigned long from, int count)
{
	for (; count--; from += SZ_4K)
		KUNIT_EXPECT_EQ(test, put_byte(w, from, 1), 0);
}

static void expect_mapped(struct kunit *test, struct world *w, u64 gpa, u64 end, bool mapped)
{
	for (; gpa < end; gpa += SZ_4K)
		KUNIT_EXPECT_EQ_MSG(test, leaf_at(w, gpa, NULL) != 0, mapped, "gpa %#llx", gpa);
}

/* One fault maps its block of 16 pages as far as the host has it, and leaves no trace of use. */
static void around_body(struct kunit *test, struct world *w)
{
	const u64 odd_flags = EPT_ACCESSED | EPT_DIRTY | EPT_RWX;
	const struct mmu_notifier_ops *ops = w->vm.memory.notifier.ops;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	put_pages(test, w, 0, 9);
	put_pages(test, w, 10 * SZ_4K, 10);
	set_pte(host_pte(w, 4 * SZ_4K), pte_mkclean(*host_pte(w, 4 * SZ_4K)));
	set_pte(host_pte(w, 6 * SZ_4K), pte_wrprotect(*host_pte(w, 6 * SZ_4K)));
	KUNIT_EXPECT_EQ(test, touch(w, GPA + 2 * SZ_4K, false), FAULT_MAPPED);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));
	expect_mapped(test, w, GPA, GPA + 9 * SZ_4K, true);
	expect_mapped(test, w, GPA + 9 * SZ_4K, GPA + 10 * SZ_4K, false);
	expect_mapped(test, w, GPA + 10 * SZ_4K, GPA + 16 * SZ_4K, true);
	expect_mapped(test, w, GPA + 16 * SZ_4K, GPA + 20 * SZ_4K, false);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + 2 * SZ_4K, NULL) & odd_flags, odd_flags);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + 3 * SZ_4K, NULL) & odd_flags,
			odd_flags & ~EPT_ACCESSED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + 4 * SZ_4K, NULL) & odd_flags, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + 6 * SZ_4K, NULL) & odd_flags, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, ops->test_young(&w->vm.memory.notifier, w->vm.mm,
					      w->hva + 3 * SZ_4K), 0);
	/* the clean one is written to */
	KUNIT_EXPECT_EQ(test, touch(w, GPA + 4 * SZ_4K, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + 4 * SZ_4K, NULL) & odd_flags, odd_flags);
}

static void memory_around(struct kunit *test)
{
	with_world(test, true, around_body);
}

/* Where a page that is mapped counts as used, only what the host has used is mapped around. */
static void around_young_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	put_pages(test, w, 0, 4);
	set_pte(host_pte(w, SZ_4K), pte_mkold(*host_pte(w, SZ_4K)));
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	expect_mapped(test, w, GPA + SZ_4K, GPA + SZ_8K, w->vm.memory.ept.ad);
	expect_mapped(test, w, GPA + SZ_8K, GPA + SZ_16K, true);
}

static void memory_around_young(struct kunit *test)
{
	with_world(test, true, around_young_body);
	with_world(test, false, around_young_body);
}

/* Never beyond the range, nor beyond the host's table where guest and host lie differently. */
static void around_edges_body(struct kunit *test, struct world *w)
{
	put_pages(test, w, 0, 8);
	put_pages(test, w, SZ_2M - SZ_16K, 8);
	KUNIT_EXPECT_EQ(test, map_at(w, ALIAS + SZ_4K, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_4K, true), FAULT_MAPPED);
	expect_mapped(test, w, ALIAS + SZ_4K, ALIAS + 9 * SZ_4K, true);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_4K + SZ_2M, true), FAULT_MAPPED);
	expect_mapped(test, w, ALIAS + SZ_4K + SZ_2M, ALIAS + SZ_4K + SZ_2M + SZ_16K, true);
	expect_mapped(test, w, ALIAS + SZ_2M, ALIAS + SZ_4K + SZ_2M, false);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_2M, true), FAULT_MAPPED);
	expect_mapped(test, w, ALIAS + SZ_4K + SZ_2M - SZ_16K, ALIAS + SZ_2M, false);

	w->length = SZ_16K;
	w->hva += SZ_4K;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA + SZ_4K, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, true), FAULT_MAPPED);
	expect_mapped(test, w, GPA, GPA + SZ_4K, false);
	expect_mapped(test, w, GPA + SZ_4K, GPA + SZ_4K + SZ_16K, true);
	expect_mapped(test, w, GPA + SZ_4K + SZ_16K, GPA + SZ_64K, false);
}

static void memory_around_edges(struct kunit *test)
{
	with_world(test, true, around_edges_body);
}

/* A neighbour is being invalidated: the page alone is mapped. */
static void around_invalidation_body(struct kunit *test, struct world *w)
{
	struct mmu_notifier_range range = {
		.mm = w->vm.mm, .start = w->hva + SZ_8K, .end = w->hva + SZ_16K,
	};
	struct mmu_notifier *notifier = &w->vm.memory.notifier;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	put_pages(test, w, 0, 8);
	notifier->ops->invalidate_range_start(notifier, &range);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	expect_mapped(test, w, GPA + SZ_4K, GPA + SZ_32K, false);
	notifier->ops->invalidate_range_end(notifier, &range);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, true), FAULT_MAPPED);
	expect_mapped(test, w, GPA, GPA + SZ_32K, true);
}

static void memory_around_invalidation(struct kunit *test)
{
	with_world(test, true, around_invalidation_body);
}

/* What lies beside may be a local APIC's page, which is nobody's memory. */
static void around_apic_body(struct kunit *test, struct world *w)
{
	const u64 apic = LAPIC_DEFAULT_BASE;

	KUNIT_EXPECT_EQ(test, map_at(w, apic, 0), 0);
	put_pages(test, w, 0, 4);
	KUNIT_EXPECT_EQ(test, touch(w, apic + SZ_4K, true), FAULT_MAPPED);
	expect_mapped(test, w, apic + SZ_4K, apic + SZ_8K, true);
	expect_mapped(test, w, apic, apic + SZ_4K, false);
}

static void memory_around_apic(struct kunit *test)
{
	with_world(test, true, around_apic_body);
}

static struct kunit_case around_cases[] = {
	KUNIT_CASE(memory_around),
	KUNIT_CASE(memory_around_young),
	KUNIT_CASE(memory_around_edges),
	KUNIT_CASE(memory_around_invalidation),
	KUNIT_CASE(memory_around_apic),
	{}
};

static struct kunit_suite around_suite = {
	.name = "vmxhv-memory-around",
	.test_cases = around_cases,
};

kunit_test_suite(around_suite);
