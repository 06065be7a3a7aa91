// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu/memory/log.c and pml.c on a real mm: what is written to is logged, by faults and by a log as
 * the CPU keeps it, and each clearing asks for a flush.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/sizes.h>

#include "memory_world.h"
#include "vcpu/memory.h"

#define PAGES	200

/* The log of @count pages from page @first of the range holds just these. */
static void expect_log(struct kunit *test, struct world *w, u64 first, u64 count, u64 low)
{
	unsigned long bits[DIV_ROUND_UP(PAGES, 64)] = {};
	int i;

	KUNIT_ASSERT_LE(test, count, (u64)PAGES);
	KUNIT_EXPECT_EQ(test, memory_log_get(&w->vm, GPA + first * SZ_4K, count, bits, NULL), 0);
	KUNIT_EXPECT_EQ(test, bits[0], low);
	for (i = 1; i < ARRAY_SIZE(bits); i++)
		KUNIT_EXPECT_EQ(test, bits[i], 0);
}

static int clear(struct world *w, unsigned long bits)
{
	const unsigned long bitmap[DIV_ROUND_UP(PAGES, 64)] = { bits };

	return memory_log_clear(&w->vm, GPA, PAGES, bitmap, NULL);
}

static int log_op(struct world *w, u32 flags)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_LOG, .gpa = GPA, .length = w->length, .flags = flags,
	};

	return memory_change(&w->vm, &op, 1, NULL);
}

static void faults_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, SZ_4K, 1), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_4K, NULL) & EPT_RWX, EPT_READ | EPT_EXEC);
	expect_log(test, w, 0, PAGES, 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_RWX);
	expect_log(test, w, 0, PAGES, 5);
	expect_log(test, w, 1, PAGES - 1, 2);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));

	KUNIT_EXPECT_EQ(test, clear(w, 1), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_8K, NULL) & EPT_RWX, EPT_RWX);
	expect_log(test, w, 0, PAGES, 4);
	KUNIT_EXPECT_EQ(test, clear(w, 1), 0);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, memory_log_clear(&w->vm, GPA, PAGES, NULL, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	expect_log(test, w, 0, PAGES, 0);
}

static void log_by_faults(struct kunit *test)
{
	with_world(test, true, faults_body);
	with_world(test, false, faults_body);
}

static void flags_body(struct kunit *test, struct world *w)
{
	int i;

	w->vm.memory.pml = true;
	KUNIT_EXPECT_EQ(test, pml_create(&w->vcpu), 0);
	if (!w->vcpu.pml)
		return;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_LOG_DIRTY), 0);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_EQ(test, put_byte(w, i * SZ_4K, 1), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & (EPT_RWX | EPT_DIRTY), EPT_RWX);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_4K, NULL) & (EPT_RWX | EPT_DIRTY), EPT_RWX);
	expect_log(test, w, 0, PAGES, 0);

	/* the CPU writes from the last entry down; looking changes nothing */
	w->vcpu.pml[PML_ENTRIES - 1] = GPA + SZ_4K;
	w->vcpu.pml[PML_ENTRIES - 2] = GPA;
	w->vcpu.pml[PML_ENTRIES - 3] = GPA + SZ_1G;
	expect_log(test, w, 0, PAGES, 3);
	expect_log(test, w, 0, PAGES, 3);

	/* what was collected does not come back; what was noted before CLEAR is over */
	w->vcpu.pml[PML_ENTRIES - 4] = GPA + SZ_8K;
	KUNIT_EXPECT_EQ(test, clear(w, 7), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	expect_log(test, w, 0, PAGES, 0);
	w->vcpu.pml[PML_ENTRIES - 5] = GPA;
	expect_log(test, w, 0, PAGES, 1);

	/* the entry says clean, a TLB may say dirty */
	KUNIT_EXPECT_EQ(test, clear(w, 1), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, NULL) & EPT_DIRTY, 0);
	expect_log(test, w, 0, PAGES, 1);
	pml_destroy(&w->vcpu);
}

static void log_by_flags(struct kunit *test)
{
	with_world(test, true, flags_body);
}

/* What the kernel writes, also where a page is all that it writes to, or the copy fails. */
static void kernel_body(struct kunit *test, struct world *w)
{
	u8 bytes[16] = {};

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA, bytes, 16), 0);
	expect_log(test, w, 0, PAGES, 0);
	KUNIT_EXPECT_EQ(test, vm_window_write(&VM_WINDOW(&w->vm), GPA + SZ_8K - 8, bytes, 16), 0);
	expect_log(test, w, 0, PAGES, 6);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA + SZ_16K, 0, 1, 4), 0);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA + SZ_32K, 0, 1, 8), 0);
	expect_log(test, w, 0, PAGES, 6 | 1 << 4 | 1 << 8);
}

static void log_kernel_writes(struct kunit *test)
{
	with_world(test, true, kernel_body);
}

static void begin_body(struct kunit *test, struct world *w)
{
	const struct vmxhv_mem_op refused[] = {
		{ .kind = VMXHV_MEM_LOG, .gpa = GPA, .length = SZ_2M,
		  .flags = VMXHV_MEM_LOG_DIRTY },
		{ .kind = VMXHV_MEM_UNMAP, .gpa = ALIAS, .length = SZ_4K },
	};
	unsigned long bits[4] = {};
	enum ept_level level = 0;

	if (!get_huge_page(test, w))
		return;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_2M);
	KUNIT_EXPECT_EQ(test, memory_log_get(&w->vm, GPA, 1, bits, NULL), -ENOENT);
	KUNIT_EXPECT_EQ(test, memory_log_clear(&w->vm, GPA, 1, NULL, NULL), -ENOENT);

	/* the large leaf goes when the log begins, and pages come back small */
	KUNIT_EXPECT_EQ(test, log_op(w, VMXHV_MEM_LOG_DIRTY), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA + SZ_4K, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_4K);
	expect_log(test, w, 0, PAGES, 2);

	/* a change that is refused as a whole has not begun a log anew */
	KUNIT_EXPECT_EQ(test, memory_change(&w->vm, refused, 2, NULL), -ENOENT);
	expect_log(test, w, 0, PAGES, 2);
	KUNIT_EXPECT_EQ(test, log_op(w, VMXHV_MEM_LOG_DIRTY), 0);
	expect_log(test, w, 0, PAGES, 0);

	/* after its end large pages come back */
	KUNIT_EXPECT_EQ(test, log_op(w, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_2M);
	KUNIT_EXPECT_EQ(test, memory_log_get(&w->vm, GPA, 1, bits, NULL), -ENOENT);
}

static void log_begins_and_ends(struct kunit *test)
{
	with_world(test, true, begin_body);
}

static struct kunit_case log_cases[] = {
	KUNIT_CASE(log_by_faults),
	KUNIT_CASE(log_by_flags),
	KUNIT_CASE(log_kernel_writes),
	KUNIT_CASE(log_begins_and_ends),
	{}
};

static struct kunit_suite log_suite = {
	.name = "vmxhv-memory-log",
	.test_cases = log_cases,
};

kunit_test_suite(log_suite);
