// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM's memory: changing the map, and following the mm that backs it.
 *
 * Nothing is pinned. Whatever the host does with a page (swap, KSM, migration, huge pages, munmap)
 * it first tells the MMU notifier here, which unmaps the page from the EPT and returns only when no
 * CPU can use the old translation. A fault that was under way meanwhile finds the sequence changed,
 * or the invalidation still in progress, and does not install what it got (vcpu/memory/fault.c).
 */
#include <linux/cpu.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include <asm/cpufeature.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"
#include "vmx/vmx.h"

static struct vm *notifier_vm(struct mmu_notifier *notifier)
{
	return container_of(notifier, struct vm, memory.notifier);
}

static struct memory_map *locked_map(struct memory *m)
{
	return rcu_dereference_protected(m->map, lockdep_is_held(&m->lock) ||
					 lockdep_is_held(&m->update));
}

/**
 * memory_flush_locked() - all vCPUs out of the guest, and none back in without INVEPT
 * @vm: the VM
 *
 * Under the lock, so that nobody who finds an entry gone can believe that its flush is over, and so
 * that a change of the map is one step for every vCPU: whoever faults in between waits for the
 * lock.
 *
 * Context: memory.lock is held for writing; interrupts on.
 */
void memory_flush_locked(struct vm *vm)
	__must_hold(&vm->memory.lock)
{
	lockdep_assert_held_write(&vm->memory.lock);
	vm_request_all(vm, BIT(REQ_TLB_FLUSH), true);
}

/* One stretch of host memory may be mapped at many guest addresses. */
static bool each_gpa(struct memory *m, u64 start, u64 end,
		     bool (*visit)(struct ept *ept, u64 gpa, u64 length))
{
	const struct memory_map *map = locked_map(m);
	bool hit = false;
	u32 i;

	lockdep_assert_held(&m->lock);
	for (i = 0; i < map->count; i++) {
		const struct memory_range *range = &map->range[i];
		u64 from = max(start, range->hva);
		u64 to = min(end, range->hva + range->length);

		if (from < to)
			hit |= visit(&m->ept, range->gpa + (from - range->hva), to - from);
	}
	return hit;
}

/* ---- the MMU notifier: called with the mm's locks held, perhaps where nobody may sleep ------- */

static int notifier_invalidate_start(struct mmu_notifier *notifier,
				     const struct mmu_notifier_range *range)
{
	struct vm *vm = notifier_vm(notifier);
	struct memory *m = &vm->memory;
	LIST_HEAD(retired);

	write_lock(&m->lock);
	if (!m->in_progress++) {
		m->range_start = range->start;
		m->range_end = range->end;
	} else {
		m->range_start = min(m->range_start, range->start);
		m->range_end = max(m->range_end, range->end);
	}
	if (each_gpa(m, range->start, range->end, ept_unmap_range))
		memory_flush_locked(vm);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);

	ept_free_retired(&m->ept, &retired, mmu_notifier_range_blockable(range));
	return 0;
}

static void notifier_invalidate_end(struct mmu_notifier *notifier,
				    const struct mmu_notifier_range *range)
{
	struct memory *m = &notifier_vm(notifier)->memory;

	write_lock(&m->lock);
	WRITE_ONCE(m->sequence, m->sequence + 1);
	m->in_progress--;
	write_unlock(&m->lock);
}

static bool age_and_clear(struct ept *ept, u64 gpa, u64 length)
{
	return ept_age_range(ept, gpa, length, true);
}

static bool age_only(struct ept *ept, u64 gpa, u64 length)
{
	return ept_age_range(ept, gpa, length, false);
}

static int notifier_age(struct vm *vm, unsigned long start, unsigned long end, bool flush)
{
	struct memory *m = &vm->memory;
	bool young;

	write_lock(&m->lock);
	young = each_gpa(m, start, end, age_and_clear);
	if (young && (flush || !m->ept.ad))
		memory_flush_locked(vm);
	write_unlock(&m->lock);
	return young;
}

static int notifier_clear_flush_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				      unsigned long start, unsigned long end)
{
	return notifier_age(notifier_vm(notifier), start, end, true);
}

/* Without a flush a page in use may look idle until its translation leaves the TLB: it may. */
static int notifier_clear_young(struct mmu_notifier *notifier, struct mm_struct *mm,
				unsigned long start, unsigned long end)
{
	return notifier_age(notifier_vm(notifier), start, end, false);
}

static int notifier_test_young(struct mmu_notifier *notifier, struct mm_struct *mm,
			       unsigned long address)
{
	struct memory *m = &notifier_vm(notifier)->memory;
	bool young;

	address &= PAGE_MASK;
	read_lock(&m->lock);
	young = each_gpa(m, address, address + PAGE_SIZE, age_only);
	read_unlock(&m->lock);
	return young;
}

/* The mm is going away, or the VM is: nothing may be mapped when this returns, nor ever again. */
static void notifier_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct vm *vm = notifier_vm(notifier);
	struct memory *m = &vm->memory;
	LIST_HEAD(retired);

	vm_kill(vm);
	write_lock(&m->lock);
	WRITE_ONCE(m->sequence, m->sequence + 1);
	if (ept_unmap_range(&m->ept, 0, 1ull << EPT_GPA_BITS))
		memory_flush_locked(vm);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);
	ept_free_retired(&m->ept, &retired, true);
}

static const struct mmu_notifier_ops notifier_ops = {
	.release = notifier_release,
	.clear_flush_young = notifier_clear_flush_young,
	.clear_young = notifier_clear_young,
	.test_young = notifier_test_young,
	.invalidate_range_start = notifier_invalidate_start,
	.invalidate_range_end = notifier_invalidate_end,
};

/* ---- the VM's memory as a whole -------------------------------------------------------------- */

/**
 * memory_gpa_bits() - how wide a guest-physical address may be
 *
 * Context: Any, while vmx_caps is valid.
 * Return: bits: what the CPU has, and what four levels of EPT translate.
 */
u32 memory_gpa_bits(void)
{
	return min_t(u32, vmx_caps.phys_bits, EPT_GPA_BITS);
}

VMXHV_EXPORT_FOR_TEST(memory_gpa_bits);

/**
 * memory_init() - a VM's memory, empty, and its MMU notifier
 * @vm: zeroed but for its mm, which is current->mm; vmx_caps are valid
 *
 * Context: Process; may sleep.
 * Return: 0; -ENOMEM; -EINTR for a fatal signal. After a failure there is nothing to release.
 */
int memory_init(struct vm *vm)
{
	struct memory *m = &vm->memory;
	struct memory_map *map;
	int ret;

	mutex_init(&m->update);
	rwlock_init(&m->lock);
	m->split_exec = boot_cpu_has_bug(X86_BUG_ITLB_MULTIHIT) && !cpu_mitigations_off();
	m->notifier.ops = &notifier_ops;
	xa_init(&m->log);

	map = memory_map_copy(NULL, 0);
	if (!map)
		return -ENOMEM;
	rcu_assign_pointer(m->map, map);
	ret = ept_init(&m->ept, &vmx_caps);
	if (ret)
		goto free_map;
	m->pml = vmx_caps.pml && m->ept.ad;
	ret = mmu_notifier_register(&m->notifier, vm->mm);
	if (ret)
		goto free_ept;
	return 0;

free_ept:
	ept_free(&m->ept);
free_map:
	kvfree(map);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(memory_init);

/**
 * memory_release() - undo memory_init()
 * @vm: nobody else refers to it; its mm may have ended long ago
 *
 * Context: Process of any mm; may sleep.
 */
void memory_release(struct vm *vm)
{
	struct memory *m = &vm->memory;

	mmu_notifier_unregister(&m->notifier, vm->mm);
	ept_free(&m->ept);
	ept_cache_free(&m->cache);
	memory_log_free(m);
	memory_copies_free(m);
	kvfree(rcu_dereference_protected(m->map, true));
}

VMXHV_EXPORT_FOR_TEST(memory_release);

/* ---- changing the map ------------------------------------------------------------------------ */

/* the address space's magic: vma_is_secretmem() is not exported */
static bool is_secretmem(const struct vm_area_struct *vma)
{
	return vma->vm_file && file_inode(vma->vm_file)->i_sb->s_magic == SECRETMEM_MAGIC;
}

/**
 * memory_vma_usable() - can a VMA's pages back guest memory?
 * @vma: the VMA
 *
 * Device memory has no pages that the host could take back through a notifier as it does others,
 * and secretmem is not even the kernel's to read.
 *
 * Context: The mm's mmap_lock is held.
 * Return: true if the VMA has ordinary pages.
 */
bool memory_vma_usable(const struct vm_area_struct *vma)
{
	return !(vma->vm_flags & (VM_IO | VM_PFNMAP)) && !is_secretmem(vma);
}

/* Mappings may change at any time after this, and faults check again: this is for clear errors. */
static int check_backing_locked(struct mm_struct *mm, const struct vmxhv_mem_op *op, u32 index,
				struct vmxhv_error *err)
{
	const u64 end = op->hva + op->length;
	u64 at = op->hva;

	while (at < end) {
		struct vm_area_struct *vma = find_vma(mm, at);

		if (!vma || vma->vm_start > at)
			return refuse_op(err, -EFAULT, index, hva, at, op->hva,
					 "nothing is mapped at address %#llx of the process", at);
		if (!memory_vma_usable(vma))
			return refuse_op(err, -EOPNOTSUPP, index, hva, at, op->hva,
					 "device memory or secretmem at address %#llx", at);
		at = vma->vm_end;
		cond_resched();
	}
	return 0;
}

static int check_backing(struct mm_struct *mm, const struct vmxhv_mem_op *op, u32 index,
			 struct vmxhv_error *err)
{
	int ret;

	if (op->kind != VMXHV_MEM_MAP)
		return 0;
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	ret = check_backing_locked(mm, op, index, err);
	mmap_read_unlock(mm);
	return ret;
}

/* Memory that the vCPUs go on with, and which is to be logged from now on. */
static bool only_logs(const struct vmxhv_mem_op *op)
{
	return op->kind == VMXHV_MEM_LOG && (op->flags & VMXHV_MEM_LOG_DIRTY);
}

/*
 * What was mapped by the old map goes, and for a new range tables that former ones have left empty:
 * its pages may be large. Whole tables go at once: only where a log begins each page is looked at.
 */
static bool change_entries(struct memory *m, const struct vmxhv_mem_op *op)
{
	if (only_logs(op))
		return false;
	return ept_unmap_range(&m->ept, op->gpa, op->length);
}

/* the lock is given up after so many bytes, which are 16384 pages */
#define LOG_PIECE	SZ_64M

/*
 * Where a log begins, pages may stay, but not large ones. A write that a vCPU does before this has
 * come to its page happened before the log began.
 */
static void begin_log(struct vm *vm, const struct vmxhv_mem_op *op)
{
	const u64 end = op->gpa + op->length;
	struct memory *m = &vm->memory;
	u64 gpa, next;

	for (gpa = op->gpa; gpa < end; gpa = next) {
		next = min(end, round_down(gpa, LOG_PIECE) + LOG_PIECE);
		write_lock(&m->lock);
		if (ept_clean_range(&m->ept, gpa, next - gpa, m->pml))
			memory_flush_locked(vm);
		write_unlock(&m->lock);
		cond_resched();
	}
}

/*
 * One step for every vCPU: a fault that looked at the old map finds the sequence changed, and the
 * lock is held until no CPU uses an entry of the old map.
 */
static void publish(struct vm *vm, struct memory_map *map, const struct vmxhv_mem_op *ops,
		    u32 count)
{
	struct memory *m = &vm->memory;
	struct memory_map *old;
	LIST_HEAD(retired);
	bool flush = false;
	u32 i;

	lockdep_assert_held(&m->update);
	write_lock(&m->lock);
	old = locked_map(m);
	rcu_assign_pointer(m->map, map);
	WRITE_ONCE(m->sequence, m->sequence + 1);
	for (i = 0; i < count; i++)
		flush |= change_entries(m, &ops[i]);
	if (flush)
		memory_flush_locked(vm);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);
	for (i = 0; i < count; i++)
		if (only_logs(&ops[i]))
			begin_log(vm, &ops[i]);
	/* the map before what the caller reads of its memory: pairs with memory_log_write() */
	smp_mb();

	ept_free_retired(&m->ept, &retired, true);
	kvfree_rcu(old, rcu);
}

static bool begins_log(const struct vmxhv_mem_op *op)
{
	return op->flags & VMXHV_MEM_LOG_DIRTY;
}

/* Nothing is refused any more but for lack of memory: then, and only then, logs begin anew. */
static int prepare_logs(struct memory *m, const struct vmxhv_mem_op *ops, u32 count)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++) {
		if (begins_log(&ops[i]))
			ret = memory_log_prepare(m, ops[i].gpa, ops[i].length);
	}
	for (i = 0; i < count && !ret; i++) {
		if (begins_log(&ops[i]))
			memory_log_forget(m, ops[i].gpa, ops[i].length);
	}
	return ret;
}

static int check_supported(const struct vmxhv_mem_op *op, u32 index, struct vmxhv_error *err)
{
	if ((op->flags & VMXHV_MEM_EXEC_ONLY) && !vmx_caps.ept_exec_only)
		return refuse_op(err, -EOPNOTSUPP, index, flags, op->flags,
				 op->flags & ~VMXHV_MEM_EXEC_ONLY,
				 "this CPU's EPT has no execute-only pages");
	return 0;
}

static int change_locked(struct vm *vm, const struct vmxhv_mem_op *ops, u32 count,
			 struct vmxhv_error *err)
{
	struct memory_map *map;
	int ret = 0;
	u32 i;

	lockdep_assert_held(&vm->memory.update);
	map = memory_map_copy(locked_map(&vm->memory), count);
	if (!map)
		return -ENOMEM;
	for (i = 0; i < count && !ret; i++) {
		ret = memory_map_apply(map, &ops[i], i, memory_gpa_bits(), err);
		if (!ret)
			ret = check_supported(&ops[i], i, err);
		if (!ret)
			ret = check_backing(vm->mm, &ops[i], i, err);
	}
	if (!ret)
		ret = prepare_logs(&vm->memory, ops, count);
	if (ret) {
		kvfree(map);
		return ret;
	}
	publish(vm, map, ops, count);
	return 0;
}

/* where the page after @gpa begins, by the entry that maps @gpa now */
static u64 after_page(struct memory *m, u64 gpa)
{
	enum ept_level level = EPT_4K;

	read_lock(&m->lock);
	ept_lookup(&m->ept, gpa, &level);
	read_unlock(&m->lock);
	return (gpa | (EPT_ENTRY_SIZE(level) - 1)) + 1;
}

static bool is_apic_page(struct memory *m, u64 gpa)
{
	bool is;

	read_lock(&m->lock);
	is = memory_has_apic(m, gpa & PAGE_MASK, PAGE_SIZE);
	read_unlock(&m->lock);
	return is;
}

/*
 * A hint, as MAP_POPULATE is: the change has taken effect, and what cannot be had now, or before a
 * signal comes, is had or refused when the guest touches it.
 */
static void prefault(struct vm *vm, const struct vmxhv_mem_op *op)
{
	const bool fetch = op->flags & VMXHV_MEM_EXEC_ONLY;
	const bool write = !fetch && !(op->flags & VMXHV_MEM_READONLY);
	const u64 end = op->gpa + op->length;
	struct fault_info info;
	u64 gpa = op->gpa;

	while (gpa < end && !signal_pending(current)) {
		switch (memory_fault(vm, gpa, write, fetch, &info)) {
		case FAULT_MAPPED:
			gpa = after_page(&vm->memory, gpa);
			break;
		case FAULT_RETRY:
			break;
		case FAULT_MMIO:
			if (!is_apic_page(&vm->memory, gpa))
				return;
			gpa += PAGE_SIZE;
			break;
		default:
			return;
		}
		cond_resched();
	}
}

/**
 * memory_change() - map, unmap, protect and log ranges, all or nothing
 * @vm: the VM; current->mm is its mm
 * @ops: the operations, in the kernel's memory, applied in order
 * @count: how many, at most MEMORY_MAX_OPS
 * @err: gets the refusal; may be NULL
 *
 * When this returns, every vCPU runs by the new map; until then each runs by the old one or by the
 * new one. PREFAULT happens after that and cannot fail.
 *
 * Context: Process; may sleep.
 * Return: 0; what memory_map_apply() returns; -EFAULT where the process maps nothing; -EOPNOTSUPP
 *	for device memory or secretmem, or for what this CPU's EPT lacks; -ENOMEM; -EINTR for a
 *	fatal signal.
 */
int memory_change(struct vm *vm, const struct vmxhv_mem_op *ops, u32 count,
		  struct vmxhv_error *err)
{
	struct memory *m = &vm->memory;
	int ret;
	u32 i;

	if (count > MEMORY_MAX_OPS)
		return refuse(err, -EINVAL, &(const struct refusal){
				.code = VMXHV_ERR_LIMIT, .value = count,
				.wanted = MEMORY_MAX_OPS }, "too many operations in one call");
	if (mutex_lock_killable(&m->update))
		return -EINTR;
	ret = change_locked(vm, ops, count, err);
	mutex_unlock(&m->update);
	if (ret)
		return ret;

	for (i = 0; i < count; i++) {
		if (ops[i].flags & VMXHV_MEM_PREFAULT)
			prefault(vm, &ops[i]);
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(memory_change);
