// SPDX-License-Identifier: GPL-2.0-only
/*
 * EPT violations on memory: find the page that backs the address and install it.
 *
 * The short way: under memory.lock, with no invalidation of the address in progress, whatever the
 * host's page tables map stays mapped until the next invalidation, which waits for the lock. So a
 * page that the host has is read from its tables and installed, without a reference.
 *
 * When the guest writes to a page that the host lacks, or has for reading only, the host's own page
 * fault brings it, and then the short way finds it.
 *
 * The long way, when that was not enough, or when the page is of a kind that only get_user_pages()
 * judges:
 *
 *	snapshot of the sequence -> page from the host -> lock -> nothing changed? -> entry
 *
 * Here the page is held by a reference until the entry is in. Either way, from then on the MMU
 * notifier takes the entry away before the host takes the page.
 */
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>
#include <linux/sched/signal.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"

/**
 * struct fault - one fault under way
 * @gpa: of the page
 * @hva: of the page, by @range
 * @sequence: memory.sequence when the range was looked up
 * @range: a copy of the range that holds @gpa
 * @write: the guest writes
 * @fetch: the guest fetches an instruction
 */
struct fault {
	u64 gpa;
	u64 hva;
	unsigned long sequence;
	struct memory_range range;
	bool write;
	bool fetch;
};

/**
 * struct backing - a page that can be installed
 * @pfn: of the 4 KiB page
 * @level: how large the host maps it
 * @writable: the host lets us write to it as it is mapped now
 * @beside: it is small, and the host has the one before or the one after it too
 */
struct backing {
	unsigned long pfn;
	enum ept_level level;
	bool writable;
	bool beside;
};

/**
 * memory_find() - the range that holds an address
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes
 * @out: gets a copy of the range
 *
 * Context: Any.
 * Return: false if there is none.
 */
bool memory_find(struct memory *m, u64 gpa, struct memory_range *out)
{
	const struct memory_range *range;

	rcu_read_lock();
	range = memory_map_find(rcu_dereference(m->map), gpa);
	if (range)
		*out = *range;
	rcu_read_unlock();
	return range;
}

/**
 * memory_refill_cache() - enough pages for the tables of one ept_map()
 * @m: the VM's memory
 *
 * Pages for tables are few: one for 2 MiB of guest memory.
 *
 * Context: Process; may sleep.
 * Return: 0 or -ENOMEM.
 */
int memory_refill_cache(struct memory *m)
{
	struct ept_cache fresh = { .count = 0 };
	int ret;

	if (likely(READ_ONCE(m->cache.count) >= EPT_CACHE_MIN))
		return 0;
	ret = ept_cache_fill(&fresh);
	write_lock(&m->lock);
	while (fresh.count && m->cache.count < EPT_CACHE_PAGES)
		m->cache.page[m->cache.count++] = fresh.page[--fresh.count];
	write_unlock(&m->lock);
	ept_cache_free(&fresh);
	return ret;
}

/*
 * Why the host gives no page: what cannot be memory is told from what is not there. -EAGAIN: a
 * signal waits; whoever runs the vCPU looks at it before the guest faults again.
 */
static int explain_failure(u64 hva, int error)
{
	struct vm_area_struct *vma;

	if (fatal_signal_pending(current))
		return -EINTR;
	if (signal_pending(current))
		return -EAGAIN;
	if (error != -EFAULT)
		return error;
	mmap_read_lock(current->mm);
	vma = find_vma(current->mm, hva);
	if (vma && vma->vm_start <= hva && !memory_vma_usable(vma))
		error = -EOPNOTSUPP;
	mmap_read_unlock(current->mm);
	return error;
}

/*
 * Writable if that is free: a page that the host has writable is mapped so even for a read. For a
 * read the host is never asked to make it so: the zero page and pages shared by KSM or fork stay
 * shared. Getting a page marks it referenced.
 */
static int get_page_of(const struct fault *f, struct page **page, bool *writable)
{
	const bool may_write = !(f->range.flags & VMXHV_MEM_READONLY);
	long got;

	got = get_user_pages_unlocked(f->hva, 1, page,
				      FOLL_HWPOISON | COMPAT_FOLL_NUMA | COMPAT_FOLL_INTR |
				      (f->write ? FOLL_WRITE : 0));
	if (got != 1)
		return explain_failure(f->hva, got ? got : -EFAULT);
	*writable = f->write;
	if (!f->write && may_write) {
		struct page *same;

		if (get_user_page_fast_only(f->hva, FOLL_WRITE | COMPAT_FOLL_NUMA, &same)) {
			put_page(*page);
			*page = same;
			*writable = true;
		}
	}
	return 0;
}

/*
 * The host's own page fault for a write, once, without a reference: whether it brought the page is
 * seen by looking again. What it cannot settle at once (a wait, an error) is left to
 * get_user_pages(); so is a stack that must grow. False if there is no use in looking again.
 */
static bool bring_page(struct mm_struct *mm, unsigned long hva)
{
	struct vm_area_struct *vma;
	vm_fault_t fault = VM_FAULT_ERROR;

	if (mmap_read_lock_killable(mm))
		return false;
	vma = find_vma(mm, hva);
	if (vma && vma->vm_start <= hva && (vma->vm_flags & VM_WRITE) && memory_vma_usable(vma))
		fault = handle_mm_fault(vma, hva, FAULT_FLAG_DEFAULT | FAULT_FLAG_WRITE, NULL);
	/* these two have given up the lock */
	if (!(fault & (VM_FAULT_RETRY | VM_FAULT_COMPLETED)))
		mmap_read_unlock(mm);
	return !(fault & (VM_FAULT_RETRY | VM_FAULT_ERROR));
}

static bool overlaps_invalidation(const struct memory *m, u64 start, u64 length)
{
	return m->in_progress && start < m->range_end && start + length > m->range_start;
}

/*
 * Entries of the host's tables as the CPU takes them, of whatever level: those that map have their
 * flags where a PTE has them. The kernel's own predicates answer other questions. To pte_present()
 * and pmd_present() PROT_NONE and a huge page that is being split are there; to pte_write() and
 * pte_dirty() a shadow stack is writable, and what was dirty when write access went still is;
 * pte_access_permitted() reads PKRU each time. And all of them first take the address out of the
 * entry, whose width is a variable: that is dear where sixteen entries are looked at.
 */
static bool hw_present(pte_t entry)
{
	return native_pte_val(entry) & _PAGE_PRESENT;
}

static bool hw_large(pte_t entry)
{
	return native_pte_val(entry) & _PAGE_PSE;
}

static bool hw_accessed(pte_t entry)
{
	return native_pte_val(entry) & _PAGE_ACCESSED;
}

static bool hw_writable(pte_t entry)
{
	return native_pte_val(entry) & _PAGE_RW;
}

/* Writable, and it was written to. */
static bool hw_written(pte_t entry)
{
	const pteval_t written = _PAGE_RW | _PAGE_DIRTY;

	return (native_pte_val(entry) & written) == written;
}

/* Memory that a user may read, whatever PKRU is. */
static bool maps_user_memory(pte_t entry)
{
	const pteval_t odd = _PAGE_SPECIAL | COMPAT_PAGE_DEVMAP | _PAGE_PKEY_MASK;
	const pteval_t want = _PAGE_PRESENT | _PAGE_USER;

	return (native_pte_val(entry) & (want | odd)) == want;
}

static u64 mapped_address(pte_t entry)
{
	return native_pte_val(entry) & PTE_PFN_MASK;
}

/*
 * The entry of the host's tables that maps @hva just now, found as the CPU finds it: what is not
 * present to the CPU (swapped, PROT_NONE, being split) is not there. The tables are not freed under
 * us while interrupts are off, and each entry is read once: a table may become a huge page at any
 * moment. What is read here stays true for as long as memory.lock is held and no invalidation
 * covers it.
 */
static const pte_t *host_entry(struct mm_struct *mm, unsigned long hva, pte_t *entry,
			       enum ept_level *level)
{
	const pte_t *table = (const pte_t *)mm->pgd;
	unsigned int shift = PGDIR_SHIFT;

	for (;;) {
		const pte_t *at = &table[(hva >> shift) & (PTRS_PER_PTE - 1)];

		*entry = READ_ONCE(*at);
		if (!hw_present(*entry))
			return NULL;
		if (shift == PAGE_SHIFT || hw_large(*entry)) {
			*level = 1 + (shift - PAGE_SHIFT) / 9;
			return at;
		}
		table = __va(mapped_address(*entry));
		shift -= 9;
	}
}

/* Is a neighbour of a small page present? At the ends of a table only one is looked at. */
static bool has_neighbour(const pte_t *at)
{
	const unsigned long offset = offset_in_page(at);

	return ((offset && hw_present(READ_ONCE(at[-1]))) ||
		(offset + sizeof(*at) < PAGE_SIZE && hw_present(READ_ONCE(at[1]))));
}

static bool host_maps(struct mm_struct *mm, unsigned long hva, struct backing *b)
{
	unsigned long irq;
	const pte_t *at;
	pte_t entry;
	u64 offset;

	local_irq_save(irq);
	at = host_entry(mm, hva, &entry, &b->level);
	b->beside = at && b->level == EPT_4K && has_neighbour(at);
	local_irq_restore(irq);
	if (!at || !maps_user_memory(entry))
		return false;
	offset = EPT_ENTRY_SIZE(b->level) - 1;
	b->pfn = PHYS_PFN((mapped_address(entry) & ~offset) | (hva & offset));
	b->writable = hw_writable(entry);
	return true;
}

/*
 * Anonymous memory, shmem and hugetlb are ordinary whoever maps them. Of other pages (a file's,
 * secretmem's, the zero page) get_user_pages() decides.
 */
static bool is_ordinary(unsigned long pfn)
{
	struct folio *folio = page_folio(pfn_to_page(pfn));

	return folio_test_anon(folio) || folio_test_swapbacked(folio) ||
	       PageHuge(pfn_to_page(pfn));
}

/*
 * The whole block is in the range and no APIC's, lies alike in guest and host, and is not being
 * invalidated.
 */
static bool block_fits(const struct memory *m, const struct fault *f, enum ept_level level)
{
	const u64 size = EPT_ENTRY_SIZE(level);
	const u64 gpa = f->gpa & ~(size - 1);

	return !((f->gpa ^ f->hva) & (size - 1)) && gpa >= f->range.gpa &&
	       gpa + size <= memory_range_end(&f->range) && !memory_has_apic(m, gpa, size) &&
	       !overlaps_invalidation(m, f->hva & ~(size - 1), size);
}

static enum ept_level leaf_level(const struct memory *m, const struct fault *f,
				 enum ept_level level)
{
	if ((f->fetch && m->split_exec) || (f->range.flags & VMXHV_MEM_LOG_DIRTY))
		return EPT_4K;
	level = min(level, m->ept.max_level);
	while (level > EPT_4K && !block_fits(m, f, level))
		level--;
	return level;
}

/* @written: the page counts as written to as soon as it is mapped */
static u64 leaf_rights(const struct memory *m, const struct fault *f, enum ept_level level,
		       bool writable, bool written)
{
	u64 rights = EPT_READ;

	/* mapped by a fetch, hence at a level that may be executable */
	if (f->range.flags & VMXHV_MEM_EXEC_ONLY)
		return EPT_EXEC;
	if (writable && !(f->range.flags & VMXHV_MEM_READONLY)) {
		if (written || !(f->range.flags & VMXHV_MEM_LOG_DIRTY))
			rights |= EPT_WRITE;
		else if (m->pml)
			rights |= EPT_WRITE | EPT_CLEAN;
	}
	if (!(f->range.flags & VMXHV_MEM_NOEXEC) && !(m->split_exec && level > EPT_4K))
		rights |= EPT_EXEC;
	return rights;
}

/*
 * The entry is as good as a host PTE with the dirty flag set: until the host takes it away (and it
 * does before it cleans the page) the guest may write. Under the lock the page is still mapped,
 * so it cannot be truncated under this.
 */
static void mark_dirty(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (!PageReserved(page) && !folio_test_dirty(folio))
		folio_set_dirty(folio);
}

/* The lock is held and nothing of @b was invalidated since it was found. */
static enum fault_result install(struct vm *vm, const struct fault *f, const struct backing *b)
	__must_hold(&vm->memory.lock)
{
	struct memory *m = &vm->memory;
	const enum ept_level level = leaf_level(m, f, b->level);
	const u64 rights = leaf_rights(m, f, level, b->writable, f->write);
	int ret;

	lockdep_assert_held_write(&m->lock);
	ret = ept_map(&m->ept, &m->cache, f->gpa, PFN_PHYS(b->pfn), level, rights);
	if (ret < 0)
		return FAULT_RETRY;	/* other vCPUs emptied the cache: fill it again */
	if (ret)
		vm_request_all(vm, BIT(REQ_TLB_FLUSH), true);
	if (rights & EPT_WRITE)
		mark_dirty(pfn_to_page(b->pfn));
	if (f->write && (f->range.flags & VMXHV_MEM_LOG_DIRTY))
		memory_log_page(m, f->gpa);
	return FAULT_MAPPED;
}

/* what one fault maps, at most: an aligned block of so many pages */
#define AROUND_PAGES	16
#define AROUND_SIZE	(AROUND_PAGES * PAGE_SIZE)

/*
 * A page that the guest did not ask for: not a trace of use may come of it. It is writable only if
 * the host has it dirty anyhow, and where the CPU keeps no accessed flags it is mapped only if the
 * host has used it, because there a page that is mapped counts as used.
 */
static u64 around_leaf(const struct memory *m, const struct fault *f, pte_t entry)
{
	const u64 address = mapped_address(entry);

	if (!maps_user_memory(entry) || !(m->ept.ad || hw_accessed(entry)) ||
	    !is_ordinary(PHYS_PFN(address)))
		return 0;
	return address | leaf_rights(m, f, EPT_4K, hw_written(entry), false);
}

/* The leaves for @count pages, the first of them @before pages before the fault's. */
static bool around_leaves(struct vm *vm, const struct fault *f, unsigned int before,
			  unsigned int count, u64 *leaf)
{
	enum ept_level level = EPT_2M;
	unsigned long irq;
	unsigned int i;
	const pte_t *at;
	pte_t entry;

	local_irq_save(irq);
	at = host_entry(vm->mm, f->hva, &entry, &level);
	for (i = 0; level == EPT_4K && i < count; i++)
		leaf[i] = around_leaf(&vm->memory, f, READ_ONCE(at[(int)(i - before)]));
	local_irq_restore(irq);
	return level == EPT_4K;
}

/*
 * The guest will touch what lies beside: map what the host has there, as far as the range, one
 * table of the host's and one of the EPT go. Not inline: its array is cleared on entry.
 */
static noinline void map_around(struct vm *vm, const struct fault *f)
	__must_hold(&vm->memory.lock)
{
	struct memory *m = &vm->memory;
	const u64 block = f->gpa & ~(AROUND_SIZE - 1);
	const u64 left = min(f->gpa - max(block, f->range.gpa), (u64)(f->hva & ~PMD_MASK));
	const u64 right = min3(block + AROUND_SIZE, memory_range_end(&f->range),
			       f->gpa + PMD_SIZE - (f->hva & ~PMD_MASK)) - f->gpa;
	const unsigned int count = (left + right) >> PAGE_SHIFT;
	u64 leaf[AROUND_PAGES];

	lockdep_assert_held_write(&m->lock);
	if (!overlaps_invalidation(m, f->hva - left, left + right) &&
	    !memory_has_apic(m, f->gpa - left, left + right) &&
	    around_leaves(vm, f, left >> PAGE_SHIFT, count, leaf))
		ept_map_beside(&m->ept, f->gpa - left, count, leaf);
}

static inline void call_test_hook(struct vm *vm, u64 gpa)
{
#if IS_ENABLED(CONFIG_KUNIT)
	if (vm->memory.test_hook)
		vm->memory.test_hook(vm, gpa);
#endif
}

static enum fault_result fault_error(struct fault_info *info, u64 hva, int error)
{
	info->hva = hva;
	info->error = error;
	return FAULT_ERROR;
}

static enum fault_result fault_short_locked(struct vm *vm, struct fault *f, bool around,
					    bool *need_page)
	__must_hold(&vm->memory.lock)
{
	struct memory *m = &vm->memory;
	const struct memory_range *range;
	enum fault_result result;
	struct backing b;

	lockdep_assert_held_write(&m->lock);
	*need_page = false;
	range = memory_map_find(rcu_dereference_protected(m->map, lockdep_is_held(&m->lock)),
				f->gpa);
	if (!range || (f->write && (range->flags & VMXHV_MEM_READONLY)) ||
	    (f->fetch && (range->flags & VMXHV_MEM_NOEXEC)) ||
	    (!f->fetch && (range->flags & VMXHV_MEM_EXEC_ONLY)) ||
	    memory_has_apic(m, f->gpa, PAGE_SIZE))
		return FAULT_MMIO;
	f->range = *range;
	f->hva = range->hva + (f->gpa - range->gpa);
	f->sequence = m->sequence;
	if (overlaps_invalidation(m, f->hva, PAGE_SIZE))
		return FAULT_RETRY;
	if (!host_maps(vm->mm, f->hva, &b) || (f->write && !b.writable) || !is_ordinary(b.pfn)) {
		*need_page = true;
		return FAULT_RETRY;
	}
	result = install(vm, f, &b);
	if (around && b.beside && result == FAULT_MAPPED)
		map_around(vm, f);
	return result;
}

/* The short way. @around: its neighbours too; @need_page: it ended before a result. */
static enum fault_result fault_short(struct vm *vm, struct fault *f, bool around, bool *need_page)
{
	enum fault_result result;

	write_lock(&vm->memory.lock);
	result = fault_short_locked(vm, f, around, need_page);
	write_unlock(&vm->memory.lock);
	return result;
}

/* The long way: @page came from the host after the snapshot, without the lock. */
static enum fault_result fault_long(struct vm *vm, const struct fault *f, struct page *page,
				    bool writable)
{
	struct memory *m = &vm->memory;
	enum fault_result result = FAULT_RETRY;
	struct backing b;

	write_lock(&m->lock);
	if (m->sequence == f->sequence && !overlaps_invalidation(m, f->hva, PAGE_SIZE)) {
		if (!host_maps(vm->mm, f->hva, &b) || b.pfn != page_to_pfn(page))
			b.level = EPT_4K;
		b.pfn = page_to_pfn(page);
		b.writable = writable;
		result = install(vm, f, &b);
	}
	write_unlock(&m->lock);
	return result;
}

/**
 * memory_fault() - the guest touched an address that the EPT does not let it touch so
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address in bytes
 * @write: it writes (or, with accessed and dirty flags, its page walk does)
 * @fetch: it fetches an instruction
 * @info: gets what the result says
 *
 * SDM: "EPT Violations", "EPT Violations and Paging-Structure Entries".
 *
 * Context: Process; may sleep, in the host's own page fault.
 * Return: FAULT_MAPPED or FAULT_RETRY to enter again; FAULT_MMIO where there is no memory that can
 *	be accessed so; FAULT_ERROR with a cause: -EFAULT the host maps nothing there (or only to
 *	read), -EHWPOISON, -EOPNOTSUPP device memory or secretmem, -ENOMEM, -EINTR a fatal signal,
 *	-EIO another mm.
 */
enum fault_result memory_fault(struct vm *vm, u64 gpa, bool write, bool fetch,
			       struct fault_info *info)
{
	struct fault f = { .gpa = gpa & PAGE_MASK, .write = write, .fetch = fetch };
	struct memory *m = &vm->memory;
	enum fault_result result;
	bool need_page, writable;
	struct page *page;
	int ret;

	if (unlikely(current->mm != vm->mm))
		return fault_error(info, 0, -EIO);
	if (unlikely(READ_ONCE(m->cache.count) < EPT_CACHE_MIN) && memory_refill_cache(m))
		return fault_error(info, 0, -ENOMEM);

	result = fault_short(vm, &f, true, &need_page);
	info->host_worked = need_page;
	if (need_page && write && bring_page(vm->mm, f.hva)) {
		call_test_hook(vm, gpa);
		result = fault_short(vm, &f, false, &need_page);
	}
	if (!need_page)
		return result;

	ret = get_page_of(&f, &page, &writable);
	if (ret == -EAGAIN)
		return FAULT_RETRY;
	if (ret)
		return fault_error(info, f.hva, ret);
	call_test_hook(vm, gpa);
	result = fault_long(vm, &f, page, writable);
	put_page(page);
	return result;
}

VMXHV_EXPORT_FOR_TEST(memory_fault);
