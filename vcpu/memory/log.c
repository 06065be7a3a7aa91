// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dirty log: one bit for each guest-physical page of the ranges that are being logged.
 *
 * While a page's bit is clear, the next write to it is seen: either its EPT entry does not let the
 * guest write, and the fault sets the bit, or its dirty flag is clear, and the CPU notes the page
 * in the vCPU's page-modification log (pml.c), from where it goes into the bits before anybody
 * looks at them. Ranges that are logged are mapped by small pages; a large one is unmapped when the
 * log begins, and its pages come back one by one. What the kernel itself writes for the guest is
 * logged by whoever wrote it, after the write.
 *
 * Bits are set with memory.lock held or not, and cleared with it held for writing, together with
 * what makes the next write seen, and with the flush.
 */
#include <linux/bitmap.h>
#include <linux/gfp.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/xarray.h>

#include "compat.h"
#include "vcpu/core.h"
#include "vcpu/memory.h"
#include "vcpu/vcpu.h"
#include "vcpu/vm.h"
#include "vmx/ept.h"

#define CHUNK_BITS	(PAGE_SIZE * BITS_PER_BYTE)	/* pages that one page of bits is for */

/* the lock is given up after so many pages */
#define CLEAR_PAGES	4096

static unsigned long *chunk_of(struct memory *m, u64 page)
{
	return xa_load(&m->log, page / CHUNK_BITS);
}

/**
 * memory_log_prepare() - room for the bits of a range
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @length: bytes
 *
 * What there is room for stays until the VM goes.
 *
 * Context: Process; may sleep; memory.update is held.
 * Return: 0; -ENOMEM; -EINTR for a fatal signal.
 */
int memory_log_prepare(struct memory *m, u64 gpa, u64 length)
{
	unsigned long last = PHYS_PFN(gpa + length - 1) / CHUNK_BITS;
	unsigned long i;

	lockdep_assert_held(&m->update);
	for (i = PHYS_PFN(gpa) / CHUNK_BITS; i <= last; i++) {
		void *chunk;
		int ret;

		if (xa_load(&m->log, i))
			continue;
		if (fatal_signal_pending(current))
			return -EINTR;
		chunk = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!chunk)
			return -ENOMEM;
		ret = xa_err(xa_store(&m->log, i, chunk, GFP_KERNEL_ACCOUNT));
		if (ret) {
			free_page((unsigned long)chunk);
			return ret;
		}
		cond_resched();
	}
	return 0;
}

/**
 * memory_log_forget() - the log of a range is to begin: no page was written to
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes, 4 KiB aligned; memory_log_prepare() made room
 * @length: bytes
 *
 * Others may be setting bits of the same words.
 *
 * Context: Process; may sleep; memory.update is held.
 */
void memory_log_forget(struct memory *m, u64 gpa, u64 length)
{
	u64 page = PHYS_PFN(gpa), end = PHYS_PFN(gpa + length);

	lockdep_assert_held(&m->update);
	while (page < end) {
		unsigned long *chunk = chunk_of(m, page);
		u64 stop = min_t(u64, end, (page | (CHUNK_BITS - 1)) + 1);

		for (; page < stop; page++) {
			if (test_bit(page % CHUNK_BITS, chunk))
				clear_bit(page % CHUNK_BITS, chunk);
		}
		cond_resched();
	}
}

/**
 * memory_log_free() - give up all bits
 * @m: the VM's memory
 *
 * Context: Process; nobody else uses @m.
 */
void memory_log_free(struct memory *m)
{
	unsigned long i;
	void *chunk;

	xa_for_each(&m->log, i, chunk)
		free_page((unsigned long)chunk);
	xa_destroy(&m->log);
}

/**
 * memory_log_page() - a page was written to
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes, anywhere in the page; pages that are not logged are passed
 *	over, or get a bit that nobody sees
 *
 * Context: Any.
 */
void memory_log_page(struct memory *m, u64 gpa)
{
	u64 page = PHYS_PFN(gpa);
	unsigned long *chunk = chunk_of(m, page);

	if (chunk && !test_bit(page % CHUNK_BITS, chunk))
		set_bit(page % CHUNK_BITS, chunk);
}

/**
 * memory_log_write() - the kernel has written to guest memory
 * @m: the VM's memory
 * @gpa: guest-physical address in bytes
 * @length: bytes, not 0
 *
 * Is a page logged *now*: if not, whoever begins a log after this copies what was written.
 *
 * Context: Any.
 */
void memory_log_write(struct memory *m, u64 gpa, u64 length)
{
	struct memory_range range;
	u64 page;

	/* the write before the look at the map: pairs with publish() */
	smp_mb();
	for (page = gpa & PAGE_MASK; page < gpa + length; page += PAGE_SIZE) {
		if (memory_find(m, page, &range) && (range.flags & VMXHV_MEM_LOG_DIRTY))
			memory_log_page(m, page);
	}
}

static int check_logged(struct memory *m, u64 gpa, u64 length, struct vmxhv_error *err)
{
	u64 end = gpa + length, covered;

	rcu_read_lock();
	covered = memory_map_covered(rcu_dereference(m->map), gpa, end, VMXHV_MEM_LOG_DIRTY);
	rcu_read_unlock();
	if (covered >= end)
		return 0;
	return refuse_field(err, -ENOENT, struct vmxhv_dirty, gpa, covered, gpa,
			    "no memory that is being logged at gpa %#llx", covered);
}

/**
 * memory_log_get() - which pages were written to since they were cleared
 * @vm: the VM
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @pages: how many, not 0
 * @bitmap: gets their bits; bits beyond @pages stay
 * @err: gets the refusal; may be NULL
 *
 * A write that anybody could know of when this was called is there.
 *
 * Context: Process; may sleep.
 * Return: 0; -ENOENT where nothing is logged.
 */
int memory_log_get(struct vm *vm, u64 gpa, u64 pages, unsigned long *bitmap,
		   struct vmxhv_error *err)
{
	struct memory *m = &vm->memory;
	u64 first = PHYS_PFN(gpa), i;
	int ret = check_logged(m, gpa, pages << PAGE_SHIFT, err);

	if (ret)
		return ret;
	/* pairs with the release where a VM gives it up: all that was noted is in the bits */
	if (smp_load_acquire(&m->pml)) {
		write_lock(&m->lock);
		/* a CPU in the guest may not have stored its log entry yet */
		vm_request_all(vm, 0, true);
		pml_collect(vm);
		write_unlock(&m->lock);
	}
	for (i = 0; i < pages; i++) {
		const unsigned long *chunk = chunk_of(m, first + i);

		/* word by word where both sides begin one */
		if (!((first + i) % BITS_PER_LONG) && !(i % BITS_PER_LONG) &&
		    pages - i >= BITS_PER_LONG) {
			bitmap[i / BITS_PER_LONG] =
				READ_ONCE(chunk[BIT_WORD((first + i) % CHUNK_BITS)]);
			i += BITS_PER_LONG - 1;
		} else if (test_bit((first + i) % CHUNK_BITS, chunk)) {
			__set_bit(i, bitmap);
		}
		if (!((i + 1) % CLEAR_PAGES))
			cond_resched();
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(memory_log_get);

/* Pages from @first on, as far as @bitmap (NULL: all) and the first @pages go; the lock is held. */
static bool clear_some(struct memory *m, u64 first, u64 pages, const unsigned long *bitmap, u64 at)
{
	const u64 end = min_t(u64, pages, at + CLEAR_PAGES);
	bool flush = false;

	while (at < end) {
		u64 from = bitmap ? find_next_bit(bitmap, end, at) : at;
		u64 to = bitmap ? find_next_zero_bit(bitmap, end, from) : end;

		for (at = from; at < to; at++)
			clear_bit((first + at) % CHUNK_BITS, chunk_of(m, first + at));
		if (from < to)
			flush |= ept_clean_range(&m->ept, PFN_PHYS(first + from),
						 PFN_PHYS(to - from), m->pml);
	}
	return flush;
}

/**
 * memory_log_clear() - log the next write to pages again
 * @vm: the VM
 * @gpa: guest-physical address in bytes, 4 KiB aligned
 * @pages: how many, not 0
 * @bitmap: which of them; NULL: all
 * @err: gets the refusal; may be NULL
 *
 * When this returns no CPU can write to such a page without its bit being set.
 *
 * Context: Process; may sleep.
 * Return: 0; -ENOENT where nothing is logged, nothing is changed then; -EINTR for a fatal signal.
 */
int memory_log_clear(struct vm *vm, u64 gpa, u64 pages, const unsigned long *bitmap,
		     struct vmxhv_error *err)
{
	struct memory *m = &vm->memory;
	int ret = check_logged(m, gpa, pages << PAGE_SHIFT, err);
	u64 at;

	for (at = 0; !ret && at < pages; at += CLEAR_PAGES) {
		write_lock(&m->lock);
		/* what is noted already belongs to the past: it must not set the bits again */
		pml_collect(vm);
		if (clear_some(m, PHYS_PFN(gpa), pages, bitmap, at))
			memory_flush_locked(vm);
		write_unlock(&m->lock);
		cond_resched();
		if (fatal_signal_pending(current))
			ret = -EINTR;
	}
	return ret;
}

VMXHV_EXPORT_FOR_TEST(memory_log_clear);
