/* SPDX-License-Identifier: GPL-2.0-only */
/* What the suites of vcpu/memory/ share: a VM on a real mm, and ways to touch its memory. */
#ifndef TESTS_KUNIT_MEMORY_WORLD_H
#define TESTS_KUNIT_MEMORY_WORLD_H

#include <kunit/test.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/sizes.h>
#include <linux/uaccess.h>
#include <linux/rcuwait.h>

#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"
#include "vmx/vmx.h"

#define GPA	(16ull * SZ_1M)
#define ALIAS	(64ull * SZ_1M)

/**
 * struct world - a VM with one vCPU that nobody runs, and some memory
 * @vm: the VM
 * @vcpu: its only one, of which nothing is there but what a request touches
 * @hva: the process's mapping, 2 MiB aligned
 * @length: bytes
 * @caps: vmx_caps as it was
 */
struct world {
	struct vm vm;
	struct vcpu vcpu;
	unsigned long hva;
	unsigned long length;
	struct vmx_caps caps;
};

/* 6 MiB mapped by the process, of which the middle 4 are the world's */
static inline bool world_start(struct kunit *test, struct world *w, bool ad)
{
	unsigned long at = kunit_vm_mmap(test, NULL, 0, 6 * SZ_1M, PROT_READ | PROT_WRITE,
					 MAP_ANONYMOUS | MAP_PRIVATE, 0);

	KUNIT_ASSERT_NE(test, at, 0);
	w->hva = ALIGN(at, SZ_2M);
	w->length = 4 * SZ_1M;
	w->caps = vmx_caps;
	vmx_caps.phys_bits = 40;
	vmx_caps.ept_2m = true;
	vmx_caps.ept_ad = ad;
	vmx_caps.pml = false;

	rcuwait_init(&w->vcpu.wait);
	w->vcpu.vm = &w->vm;
	w->vm.vcpus[0] = &w->vcpu;
	w->vm.mm = current->mm;
	mmgrab(w->vm.mm);
	KUNIT_EXPECT_EQ(test, memory_init(&w->vm), 0);
	return w->vm.memory.ept.root;
}

static inline void world_end(struct world *w)
{
	if (w->vm.memory.ept.root)
		memory_release(&w->vm);
	mmdrop(w->vm.mm);
	vmx_caps = w->caps;
}

/* Runs @body in a world; @body uses only expectations that go on, so that the world ends. */
static inline void with_world(struct kunit *test, bool ad,
			      void (*body)(struct kunit *, struct world *))
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	if (world_start(test, w, ad))
		body(test, w);
	world_end(w);
}

static inline int map_at(struct world *w, u64 gpa, u32 flags)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_MAP, .gpa = gpa, .length = w->length, .hva = w->hva,
		.flags = flags,
	};

	return memory_change(&w->vm, &op, 1, NULL);
}

static inline u64 leaf_at(struct world *w, u64 gpa, enum ept_level *level)
{
	u64 leaf;

	write_lock(&w->vm.memory.lock);
	leaf = ept_lookup(&w->vm.memory.ept, gpa, level);
	write_unlock(&w->vm.memory.lock);
	return leaf;
}

static inline bool flush_was_asked(struct world *w)
{
	return test_and_clear_bit(REQ_TLB_FLUSH, &w->vcpu.requests);
}

static inline int touch(struct world *w, u64 gpa, bool write)
{
	struct fault_info info = {};
	int result = memory_fault(&w->vm, gpa, write, false, &info);

	return result == FAULT_ERROR ? info.error : result;
}

static inline int put_byte(struct world *w, unsigned long offset, u8 byte)
{
	return put_user(byte, (u8 __user *)(w->hva + offset));
}

/* Asks for huge pages and touches the first; hosts with little memory give none. */
static inline bool get_huge_page(struct kunit *test, struct world *w)
{
	struct vm_area_struct *vma;
	struct page *page;
	bool huge = false;

	mmap_write_lock(current->mm);
	vma = find_vma(current->mm, w->hva);
	if (vma)
		vm_flags_set(vma, VM_HUGEPAGE);
	mmap_write_unlock(current->mm);
	if (!put_byte(w, 0, 1) && get_user_page_fast_only(w->hva, FOLL_WRITE, &page)) {
		huge = folio_order(page_folio(page)) >= ilog2(SZ_2M / SZ_4K);
		put_page(page);
	}
	if (!huge)
		kunit_mark_skipped(test, "the host gives no huge page");
	return huge;
}

#endif /* TESTS_KUNIT_MEMORY_WORLD_H */
