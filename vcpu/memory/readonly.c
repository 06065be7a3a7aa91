// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an address lets a guest do, and page tables in read-only memory, where firmware has them.
 *
 * With accessed and dirty flags in the EPT, the CPU takes each of its reads of a paging-structure
 * entry for a write, which an entry without write permission does not let it do (SDM: "Accessed and
 * Dirty Flags for EPT"). So a VM whose guest walks such tables gives these flags up, for good: then
 * its walks read, and write only where an accessed or dirty flag of the guest's own is to be set.
 *
 * Such a write does nothing to read-only memory, and the walk goes on. So that it can, its guest
 * sees a copy of the page in which that flag is set. The copy is as read-only as the page, and is
 * given up with it: when the map changes there, or the host takes the page.
 */
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"

/* SDM: "Accessed and Dirty Flags"; in the lowest byte of an entry of either size */
#define ENTRY_FLAGS	0x60

/* More pages of tables than one instruction can need, its own bytes and two operands across. */
#define COPIES		32

/**
 * struct memory_copies - pages of tables in read-only memory, with flags set
 * @next: which copy goes next
 * @copy: gpa and page; NULL: none
 */
struct memory_copies {
	unsigned int next;
	struct {
		u64 gpa;
		u8 *page;
	} copy[COPIES];
};

/* What the range, if any, lets a guest do. The lock is held. */
static u32 rights_locked(struct memory *m, u64 gpa)
{
	const struct memory_range *range;
	u32 rights = VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE | VMXHV_ACCESS_FETCH;

	range = memory_map_find(rcu_dereference_protected(m->map, lockdep_is_held(&m->lock)), gpa);
	if (!range || memory_has_apic(m, gpa & PAGE_MASK, PAGE_SIZE))
		return 0;
	if (range->flags & VMXHV_MEM_EXEC_ONLY)
		return VMXHV_ACCESS_FETCH;
	if (range->flags & VMXHV_MEM_READONLY)
		rights &= ~VMXHV_ACCESS_WRITE;
	if (range->flags & VMXHV_MEM_NOEXEC)
		rights &= ~VMXHV_ACCESS_FETCH;
	return rights;
}

/**
 * memory_rights() - what the memory at an address lets a guest do without an MMIO exit
 * @vm: the VM
 * @gpa: guest-physical address in bytes
 *
 * Context: Process; does not sleep.
 * Return: VMXHV_ACCESS_READ, _WRITE and _FETCH as far as they are allowed; 0: there is no memory.
 */
u32 memory_rights(struct vm *vm, u64 gpa)
{
	u32 rights;

	read_lock(&vm->memory.lock);
	rights = rights_locked(&vm->memory, gpa);
	read_unlock(&vm->memory.lock);
	return rights;
}

VMXHV_EXPORT_FOR_TEST(memory_rights);

/* The next write to any page that is logged is seen without the CPU's help. */
static void log_by_faults(struct memory *m)
{
	const struct memory_map *map = rcu_dereference_protected(m->map,
								 lockdep_is_held(&m->lock));
	u32 i;

	for (i = 0; i < map->count; i++) {
		if (map->range[i].flags & VMXHV_MEM_LOG_DIRTY)
			ept_clean_range(&m->ept, map->range[i].gpa, map->range[i].length, false);
	}
}

/*
 * What the CPUs have noted until they are out belongs to the log; who reads it without the lock
 * finds them noting, or all of it there.
 */
static void stop_flags(struct vm *vm)
	__must_hold(&vm->memory.lock)
{
	struct memory *m = &vm->memory;

	lockdep_assert_held_write(&m->lock);
	log_by_faults(m);
	ept_stop_flags(&m->ept);
	memory_flush_locked(vm);
	pml_collect(vm);
	/* pairs with memory_log_get(): who finds it false finds the bits */
	smp_store_release(&m->pml, false);
}

static bool is_readonly(struct memory *m, u64 gpa)
{
	return (rights_locked(m, gpa) & (VMXHV_ACCESS_READ | VMXHV_ACCESS_WRITE)) ==
	       VMXHV_ACCESS_READ;
}

/* The copy that the guest sees at @gpa now, if it does. */
static u8 *copy_in_use(struct memory *m, u64 gpa)
{
	const u64 leaf = ept_lookup(&m->ept, gpa, NULL);
	unsigned int i;

	for (i = 0; leaf && m->copies && i < COPIES; i++) {
		u8 *page = m->copies->copy[i].page;

		if (page && m->copies->copy[i].gpa == (gpa & PAGE_MASK) &&
		    (leaf & EPT_ADDRESS) == virt_to_phys(page))
			return page;
	}
	return NULL;
}

static bool set_in_copy(struct memory *m, u64 gpa)
{
	u8 *page = copy_in_use(m, gpa);

	if (page)
		page[offset_in_page(gpa)] |= ENTRY_FLAGS;
	return page;
}

/* The place for a copy of @gpa: that of an older one of the same, or whose turn it is. */
static unsigned int choose(struct memory_copies *copies, u64 gpa)
{
	unsigned int i;

	for (i = 0; i < COPIES; i++) {
		if (copies->copy[i].page && copies->copy[i].gpa == gpa)
			return i;
	}
	return copies->next++ % COPIES;
}

/* The guest sees @page at @gpa from now on. Returns the page that it does not see any more. */
static u8 *show_copy(struct vm *vm, u64 gpa, u8 *page)
	__must_hold(&vm->memory.lock)
{
	struct memory *m = &vm->memory;
	const unsigned int i = choose(m->copies, gpa);
	const u64 exec = rights_locked(m, gpa) & VMXHV_ACCESS_FETCH ? EPT_EXEC : 0;
	u8 *old = m->copies->copy[i].page;

	if (old)
		ept_unmap_range(&m->ept, m->copies->copy[i].gpa, PAGE_SIZE);
	ept_unmap_range(&m->ept, gpa, PAGE_SIZE);
	m->copies->copy[i].gpa = gpa;
	m->copies->copy[i].page = page;
	/* without pages for tables it fails: then the walk comes here again */
	ept_map(&m->ept, &m->cache, gpa, virt_to_phys(page), EPT_4K, EPT_READ | exec);
	memory_flush_locked(vm);
	return old;
}

/* True if the walk may be tried again. */
static bool make_copy(struct vm *vm, u64 gpa)
{
	struct memory *m = &vm->memory;
	const unsigned long sequence = READ_ONCE(m->sequence);
	u8 *page = (u8 *)__get_free_page(GFP_KERNEL_ACCOUNT);
	LIST_HEAD(retired);

	if (!page || memory_refill_cache(m) || vm_read(vm, gpa & PAGE_MASK, page, PAGE_SIZE)) {
		free_page((unsigned long)page);
		return false;
	}
	page[offset_in_page(gpa)] |= ENTRY_FLAGS;
	write_lock(&m->lock);
	if (m->sequence == sequence && !m->in_progress && is_readonly(m, gpa))
		page = show_copy(vm, gpa & PAGE_MASK, page);
	ept_take_retired(&m->ept, &retired);
	write_unlock(&m->lock);
	ept_free_retired(&m->ept, &retired, true);
	free_page((unsigned long)page);
	return true;
}

static bool have_copies(struct memory *m)
{
	struct memory_copies *fresh;

	if (READ_ONCE(m->copies))
		return true;
	fresh = kzalloc(sizeof(*fresh), GFP_KERNEL_ACCOUNT);
	if (!fresh)
		return false;
	write_lock(&m->lock);
	if (!m->copies) {
		WRITE_ONCE(m->copies, fresh);
		fresh = NULL;
	}
	write_unlock(&m->lock);
	kfree(fresh);
	return true;
}

/**
 * memory_copies_free() - give up all copies of tables
 * @m: the VM's memory, which no CPU uses any more
 *
 * Context: Process.
 */
void memory_copies_free(struct memory *m)
{
	unsigned int i;

	for (i = 0; m->copies && i < COPIES; i++)
		free_page((unsigned long)m->copies->copy[i].page);
	kfree(m->copies);
}

/**
 * memory_walk_readonly() - a page walk was kept from writing to a table in read-only memory
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address of the entry, in bytes
 *
 * Context: Process; may sleep, and may spin until other CPUs are out of the guest.
 * Return: true if the walk can be tried again; false if there is no read-only memory, or no memory
 *	for a copy of it.
 */
bool memory_walk_readonly(struct vm *vm, u64 gpa)
{
	struct memory *m = &vm->memory;
	bool readonly, again;

	if (!have_copies(m))
		return false;
	write_lock(&m->lock);
	readonly = is_readonly(m, gpa);
	again = readonly && (m->ept.ad || set_in_copy(m, gpa));
	if (again && m->ept.ad)
		stop_flags(vm);
	write_unlock(&m->lock);
	return again || (readonly && make_copy(vm, gpa));
}

VMXHV_EXPORT_FOR_TEST(memory_walk_readonly);
