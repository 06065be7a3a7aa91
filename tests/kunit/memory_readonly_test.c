// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu/memory/readonly.c: page tables in read-only memory. The emulated CPU sets its flags there
 * whatever the EPT says, so that no guest shows what becomes of a walk that wants to.
 */
#include <kunit/test.h>
#include <linux/io.h>
#include <linux/sizes.h>

#include "memory_world.h"

#define ENTRY	(GPA + 0x1238)	/* in the second page */
#define FLAGS	0x60
#define RIGHTS	EPT_RWX
#define ALL	(VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE | VMXHV_ACCESS_FETCH)

static u8 *page_at(struct world *w, u64 gpa)
{
	return phys_to_virt(leaf_at(w, gpa, NULL) & EPT_ADDRESS);
}

static u8 byte_of_process(struct kunit *test, struct world *w, unsigned long offset)
{
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, get_user(byte, (u8 __user *)(w->hva + offset)), 0);
	return byte;
}

/* The flags of the EPT go first; then the guest sees a copy with those of the entry. */
static void walk_body(struct kunit *test, struct world *w)
{
	struct memory *m = &w->vm.memory;
	u64 first;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_READONLY), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, ENTRY - GPA, 7), 0);
	KUNIT_EXPECT_EQ(test, touch(w, ENTRY, false), FAULT_MAPPED);
	first = leaf_at(w, ENTRY, NULL);
	flush_was_asked(w);
	if (m->ept.ad) {
		KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, ENTRY));
		KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
		KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL), first);
	}
	KUNIT_EXPECT_FALSE(test, m->ept.ad);
	KUNIT_EXPECT_EQ(test, m->ept.eptp & VMX_EPTP_AD, 0);

	KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, ENTRY));
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_NE(test, leaf_at(w, ENTRY, NULL) & EPT_ADDRESS, first & EPT_ADDRESS);
	KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL) & RIGHTS, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, page_at(w, ENTRY)[0x238], 7 | FLAGS);
	KUNIT_EXPECT_EQ(test, byte_of_process(test, w, ENTRY - GPA), 7);
	/* another entry of the page: in the same copy */
	first = leaf_at(w, ENTRY, NULL);
	KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, ENTRY + 8));
	KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL), first);
	KUNIT_EXPECT_EQ(test, page_at(w, ENTRY)[0x240], FLAGS);
	KUNIT_EXPECT_EQ(test, page_at(w, ENTRY)[0x238], 7 | FLAGS);
}

static void walk(struct kunit *test)
{
	with_world(test, true, walk_body);
	with_world(test, false, walk_body);
}

/* When the range goes, or the host takes the page, so does the copy. */
static void given_up_body(struct kunit *test, struct world *w)
{
	const struct vmxhv_mem_op unmap = {
		.kind = VMXHV_MEM_UNMAP, .gpa = GPA, .length = w->length,
	};

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_READONLY), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, ENTRY - GPA, 7), 0);
	KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, ENTRY));
	KUNIT_EXPECT_EQ(test, page_at(w, ENTRY)[0x238], 7 | FLAGS);
	KUNIT_EXPECT_EQ(test, memory_change(&w->vm, &unmap, 1, NULL), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL), 0);
	KUNIT_EXPECT_FALSE(test, memory_walk_readonly(&w->vm, ENTRY));
	/* what is there next is copied anew */
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_READONLY | VMXHV_MEM_NOEXEC), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, ENTRY - GPA, 3), 0);
	KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, ENTRY));
	KUNIT_EXPECT_EQ(test, page_at(w, ENTRY)[0x238], 3 | FLAGS);
	KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL) & RIGHTS, EPT_READ);
	KUNIT_EXPECT_EQ(test, vm_munmap(w->hva, w->length), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, ENTRY, NULL), 0);
}

static void given_up(struct kunit *test)
{
	with_world(test, false, given_up_body);
}

/* More pages than there are copies: the oldest go, and all memory comes back. */
static void many_body(struct kunit *test, struct world *w)
{
	int i, seen = 0;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_READONLY), 0);
	for (i = 0; i < 40; i++) {
		KUNIT_EXPECT_EQ(test, put_byte(w, i * SZ_4K, 1), 0);
		KUNIT_EXPECT_TRUE(test, memory_walk_readonly(&w->vm, GPA + i * SZ_4K));
		KUNIT_EXPECT_EQ(test, page_at(w, GPA + i * SZ_4K)[0], 1 | FLAGS);
	}
	for (i = 0; i < 40; i++)
		seen += leaf_at(w, GPA + i * SZ_4K, NULL) != 0;
	KUNIT_EXPECT_EQ(test, seen, 32);
}

static void many(struct kunit *test)
{
	with_world(test, false, many_body);
}

/* Memory that can be written to, or that is not there, has no such walks. */
static void others_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_FALSE(test, memory_walk_readonly(&w->vm, ENTRY));
	KUNIT_EXPECT_FALSE(test, memory_walk_readonly(&w->vm, ALIAS));
	KUNIT_EXPECT_TRUE(test, w->vm.memory.ept.ad);
	KUNIT_EXPECT_EQ(test, memory_rights(&w->vm, ENTRY), ALL);
	KUNIT_EXPECT_EQ(test, memory_rights(&w->vm, ALIAS), 0);
}

static void others(struct kunit *test)
{
	with_world(test, true, others_body);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(walk),
	KUNIT_CASE(given_up),
	KUNIT_CASE(many),
	KUNIT_CASE(others),
	{}
};

static struct kunit_suite suite = {
	.name = "vmxhv_memory_readonly",
	.test_cases = cases,
};

kunit_test_suite(suite);
