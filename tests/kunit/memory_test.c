// SPDX-License-Identifier: GPL-2.0-only
/*
 * vcpu/memory/ on a real mm: faults, the MMU notifier, and the races between them. A hook stops
 * a fault between getting the page, or having the host bring it, and installing it.
 */
#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sizes.h>

#include "memory_world.h"

/* ---- faults ---------------------------------------------------------------------------------- */

/* A read of untouched memory maps the zero page read-only; the write that follows, a page. */
static void fault_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA - 1, false), FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + w->length, true), FAULT_MMIO);

	KUNIT_EXPECT_EQ(test, touch(w, GPA + 5, false), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_READ | EPT_EXEC);
	KUNIT_EXPECT_EQ(test, put_byte(w, 3, 0x5a), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);	/* copied on write: gone */
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_RWX);

	/* what the host has writable is mapped so for a read too */
	KUNIT_EXPECT_EQ(test, put_byte(w, SZ_4K, 1), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, false), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_4K, NULL) & EPT_RWX, EPT_RWX);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));
}

static void memory_faults(struct kunit *test)
{
	with_world(test, true, fault_body);
}

static void flags_body(struct kunit *test, struct world *w)
{
	struct fault_info info;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_READONLY | VMXHV_MEM_NOEXEC), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, (int)memory_fault(&w->vm, GPA, false, true, &info), FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_READ);
}

static void memory_flags(struct kunit *test)
{
	with_world(test, true, flags_body);
}

static void exec_only_body(struct kunit *test, struct world *w)
{
	struct fault_info info;
	u64 word;

	vmx_caps.ept_exec_only = false;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_EXEC_ONLY), -EOPNOTSUPP);
	vmx_caps.ept_exec_only = true;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_EXEC_ONLY), 0);
	KUNIT_EXPECT_EQ(test, put_byte(w, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_MMIO);
	KUNIT_EXPECT_EQ(test, (int)memory_fault(&w->vm, GPA, false, true, &info), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) & EPT_RWX, EPT_EXEC);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA, &word, sizeof(word)), -EFAULT);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA, &word, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, vm_window_write(&VM_WINDOW(&w->vm), GPA, &word, 1), -EFAULT);
	KUNIT_EXPECT_EQ(test, vm_window_fetch(&VM_WINDOW(&w->vm), GPA, &word, 1), 0);
}

static void memory_exec_only(struct kunit *test)
{
	with_world(test, true, exec_only_body);
}

static void gone_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, vm_munmap(w->hva, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), -EFAULT);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MAPPED);
}

static void memory_backing_gone(struct kunit *test)
{
	with_world(test, true, gone_body);
}

static void huge_body(struct kunit *test, struct world *w)
{
	enum ept_level level = 0;

	if (!get_huge_page(test, w))
		return;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, map_at(w, ALIAS + SZ_4K, 0), 0);	/* not congruent */
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_2M);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_2M, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, ALIAS + SZ_2M, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_4K);

	/* the host splits the page: the leaf goes, its pages come back small */
	KUNIT_EXPECT_EQ(test, vm_munmap(w->hva + SZ_4K, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_4K);
}

static void memory_huge_page(struct kunit *test)
{
	with_world(test, true, huge_body);
}

/* A range that ends within the huge page gets small pages. */
static void huge_edge_body(struct kunit *test, struct world *w)
{
	enum ept_level level = 0;

	if (!get_huge_page(test, w))
		return;
	w->length = SZ_2M - SZ_4K;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, &level), 0);
	KUNIT_EXPECT_EQ(test, (int)level, (int)EPT_4K);
}

static void memory_huge_edge(struct kunit *test)
{
	with_world(test, true, huge_edge_body);
}

/* ---- races ----------------------------------------------------------------------------------- */

static void unmap_under_fault(struct vm *vm, u64 gpa)
{
	struct world *w = container_of(vm, struct world, vm);

	vm->memory.test_hook = NULL;
	vm_munmap(w->hva + (gpa - GPA), SZ_4K);
}

/* The page is in hand, or was just brought, when the process unmaps it: it is not installed. */
static void race_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	w->vm.memory.test_hook = unmap_under_fault;
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), -EFAULT);

	w->vm.memory.test_hook = unmap_under_fault;
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), -EFAULT);
	KUNIT_EXPECT_NULL(test, w->vm.memory.test_hook);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_4K, NULL), 0);
}

static void memory_race_invalidation(struct kunit *test)
{
	with_world(test, true, race_body);
}

static void begin_under_fault(struct vm *vm, u64 gpa)
{
	struct world *w = container_of(vm, struct world, vm);
	struct mmu_notifier_range range = {
		.mm = vm->mm, .start = w->hva + SZ_8K, .end = w->hva + SZ_16K,
	};

	vm->memory.test_hook = NULL;
	vm->memory.notifier.ops->invalidate_range_start(&vm->memory.notifier, &range);
}

/* An invalidation that has begun and not ended: its pages wait, others do not. */
static void expect_wait(struct kunit *test, struct world *w, bool write)
{
	struct mmu_notifier_range range = {
		.mm = w->vm.mm, .start = w->hva + SZ_8K, .end = w->hva + SZ_16K,
	};
	struct memory *m = &w->vm.memory;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, map_at(w, ALIAS, 0), 0);
	m->test_hook = begin_under_fault;
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, write), FAULT_RETRY);
	KUNIT_EXPECT_NULL(test, m->test_hook);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_16K - SZ_4K, true), FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_8K, true), FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_8K, true), FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_16K, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_8K, NULL), 0);
	m->notifier.ops->invalidate_range_end(&m->notifier, &range);
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_8K, true), FAULT_MAPPED);
}

static void in_progress_read_body(struct kunit *test, struct world *w)
{
	expect_wait(test, w, false);
}

static void in_progress_write_body(struct kunit *test, struct world *w)
{
	expect_wait(test, w, true);
}

static void memory_race_in_progress(struct kunit *test)
{
	with_world(test, true, in_progress_read_body);
	with_world(test, true, in_progress_write_body);
}

static void change_under_fault(struct vm *vm, u64 gpa)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_PROTECT, .gpa = gpa, .length = SZ_4K,
		.flags = VMXHV_MEM_READONLY,
	};

	vm->memory.test_hook = NULL;
	memory_change(vm, &op, 1, NULL);
}

/* The map changes under a fault: the old map's rights must not be installed. */
static void race_change_body(struct kunit *test, struct world *w)
{
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	w->vm.memory.test_hook = change_under_fault;
	KUNIT_EXPECT_EQ(test, touch(w, GPA, false), FAULT_RETRY);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	w->vm.memory.test_hook = change_under_fault;
	KUNIT_EXPECT_EQ(test, touch(w, GPA + SZ_4K, true), FAULT_MMIO);
	KUNIT_EXPECT_NULL(test, w->vm.memory.test_hook);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA + SZ_4K, NULL), 0);
}

static void memory_race_change(struct kunit *test)
{
	with_world(test, true, race_change_body);
}

/* ---- the notifier and changes ---------------------------------------------------------------- */

/* Exactly what is invalidated goes (munmap may well announce a whole 2 MiB). */
static void alias_body(struct kunit *test, struct world *w)
{
	const struct mmu_notifier_range range = {
		.mm = w->vm.mm, .start = w->hva, .end = w->hva + SZ_4K,
	};
	struct mmu_notifier *notifier = &w->vm.memory.notifier;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, map_at(w, ALIAS, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, touch(w, ALIAS + SZ_4K, true), FAULT_MAPPED);
	notifier->ops->invalidate_range_start(notifier, &range);
	notifier->ops->invalidate_range_end(notifier, &range);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, ALIAS, NULL), 0);
	KUNIT_EXPECT_NE(test, leaf_at(w, ALIAS + SZ_4K, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
}

static void memory_aliases(struct kunit *test)
{
	with_world(test, true, alias_body);
}

static void young_body(struct kunit *test, struct world *w)
{
	struct memory *m = &w->vm.memory;
	const struct mmu_notifier_ops *ops = m->notifier.ops;
	const unsigned long end = w->hva + SZ_4K;
	const bool ad = m->ept.ad;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, ops->test_young(&m->notifier, w->vm.mm, w->hva), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, ops->test_young(&m->notifier, w->vm.mm, w->hva + 8), 1);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, ops->clear_young(&m->notifier, w->vm.mm, w->hva, end), 1);
	KUNIT_EXPECT_EQ(test, flush_was_asked(w), !ad);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL) != 0, ad);
	KUNIT_EXPECT_EQ(test, ops->test_young(&m->notifier, w->vm.mm, w->hva), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, ops->clear_flush_young(&m->notifier, w->vm.mm, w->hva, end), 1);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
}

static void memory_young(struct kunit *test)
{
	with_world(test, true, young_body);
}

static void memory_young_without_flags(struct kunit *test)
{
	with_world(test, false, young_body);
}

/* The second operation is refused: the first has not happened. */
static void all_or_nothing_body(struct kunit *test, struct world *w)
{
	const struct vmxhv_mem_op ops[] = {
		{ .kind = VMXHV_MEM_UNMAP, .gpa = GPA, .length = SZ_4K },
		{ .kind = VMXHV_MEM_UNMAP, .gpa = ALIAS, .length = SZ_4K },
	};
	const struct vmxhv_mem_op hole = {
		.kind = VMXHV_MEM_MAP, .gpa = ALIAS, .length = SZ_4K, .hva = w->hva,
	};
	struct vmxhv_error err = {};

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	KUNIT_EXPECT_EQ(test, memory_change(&w->vm, ops, 2, &err), -ENOENT);
	KUNIT_EXPECT_EQ(test, err.index, 1);
	KUNIT_EXPECT_NE(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_FALSE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, memory_change(&w->vm, ops, 1, &err), 0);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MMIO);

	KUNIT_EXPECT_EQ(test, vm_munmap(w->hva, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, memory_change(&w->vm, &hole, 1, &err), -EFAULT);
	KUNIT_EXPECT_EQ(test, err.item, offsetof(struct vmxhv_mem_op, hva));
	KUNIT_EXPECT_EQ(test, err.value, w->hva);
}

static void memory_all_or_nothing(struct kunit *test)
{
	with_world(test, true, all_or_nothing_body);
}

static void prefault_body(struct kunit *test, struct world *w)
{
	u64 gpa;

	w->length = SZ_1M;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, VMXHV_MEM_PREFAULT), 0);
	for (gpa = GPA; gpa < GPA + w->length; gpa += SZ_4K)
		KUNIT_EXPECT_EQ(test, leaf_at(w, gpa, NULL) & EPT_RWX, EPT_RWX);
}

static void memory_prefault(struct kunit *test)
{
	with_world(test, true, prefault_body);
}

static void copy_body(struct kunit *test, struct world *w)
{
	u8 out[16], in[16];

	memset(out, 0x5a, sizeof(out));
	w->length = SZ_4K;
	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, map_at(w, GPA + SZ_4K, 0), 0);	/* the same page behind it */
	KUNIT_EXPECT_EQ(test, vm_window_write(&VM_WINDOW(&w->vm), GPA + SZ_4K - 8, out, 16), 0);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA + SZ_4K, in, 8), 0);
	KUNIT_EXPECT_EQ(test, memcmp(in, out, 8), 0);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA + SZ_8K - 8, in, 16), -EFAULT);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA, 0x5a5a5a5a5a5a5a5aull, 1, 8), 0);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA, 2, 3, 4), 1);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA, 1, 3, 4), 0);
	KUNIT_EXPECT_EQ(test, vm_cmpxchg(&w->vm, GPA - 8, 1, 3, 4), -EFAULT);
	KUNIT_EXPECT_EQ(test, vm_read(&w->vm, GPA, in, 8), 0);
	KUNIT_EXPECT_EQ(test, in[0], 3);
}

static void memory_copies(struct kunit *test)
{
	with_world(test, true, copy_body);
}

/* The mm goes: nothing stays mapped, and the VM is dead. */
static void release_body(struct kunit *test, struct world *w)
{
	struct memory *m = &w->vm.memory;

	KUNIT_EXPECT_EQ(test, map_at(w, GPA, 0), 0);
	KUNIT_EXPECT_EQ(test, touch(w, GPA, true), FAULT_MAPPED);
	m->notifier.ops->release(&m->notifier, w->vm.mm);
	KUNIT_EXPECT_EQ(test, leaf_at(w, GPA, NULL), 0);
	KUNIT_EXPECT_TRUE(test, flush_was_asked(w));
	KUNIT_EXPECT_TRUE(test, w->vm.dead);
	KUNIT_EXPECT_TRUE(test, test_bit(REQ_DEAD, &w->vcpu.requests));
	KUNIT_EXPECT_EQ(test, atomic_long_read(&m->ept.pages), 1);
}

static void memory_mm_ends(struct kunit *test)
{
	with_world(test, true, release_body);
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_faults),
	KUNIT_CASE(memory_flags),
	KUNIT_CASE(memory_exec_only),
	KUNIT_CASE(memory_backing_gone),
	KUNIT_CASE(memory_huge_page),
	KUNIT_CASE(memory_huge_edge),
	KUNIT_CASE(memory_race_invalidation),
	KUNIT_CASE(memory_race_in_progress),
	KUNIT_CASE(memory_race_change),
	KUNIT_CASE(memory_aliases),
	KUNIT_CASE(memory_young),
	KUNIT_CASE(memory_young_without_flags),
	KUNIT_CASE(memory_all_or_nothing),
	KUNIT_CASE(memory_prefault),
	KUNIT_CASE(memory_copies),
	KUNIT_CASE(memory_mm_ends),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "vmxhv-memory",
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
