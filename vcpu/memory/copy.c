// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guest-physical memory as the kernel reads and writes it: through the process's own mapping, so
 * that the host's page tables, dirty flags and faults do what they always do.
 */
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "vcpu/memory.h"
#include "vcpu/vm.h"

/* what a range must not be for an access to it */
#define NO_FETCH	0
#define NO_READ		VMXHV_MEM_EXEC_ONLY
#define NO_WRITE	(VMXHV_MEM_EXEC_ONLY | VMXHV_MEM_READONLY)

/*
 * The process's address of @gpa, and the bytes from there to the range's end. NULL: no such, or
 * its range has one of the flags @forbidden.
 */
static void __user *user_address(struct vm_window *w, u64 gpa, u32 forbidden, u64 *length)
{
	u64 offset = gpa - w->range.gpa;

	if (offset >= w->range.length) {
		w->range.length = 0;
		if (current->mm != w->vm->mm || !memory_find(&w->vm->memory, gpa, &w->range))
			return NULL;
		offset = gpa - w->range.gpa;
	}
	if (w->range.flags & forbidden)
		return NULL;
	*length = w->range.length - offset;
	return (void __user *)(unsigned long)(w->range.hva + offset);
}

/* Two words of one page, of which @length bytes are wanted. */
static int read_words(const u64 __user *from, void *to, u32 length)
{
	u64 words[2];

	if (!user_read_access_begin(from, sizeof(words)))
		return -EFAULT;
	unsafe_get_user(words[0], &from[0], fault);
	unsafe_get_user(words[1], &from[1], fault);
	user_read_access_end();
	memcpy(to, words, length);
	return 0;
fault:
	user_read_access_end();
	return -EFAULT;
}

static int read_bytes(struct vm_window *w, u64 gpa, void *to, u32 length, u32 forbidden)
{
	while (length) {
		u64 chunk;
		void __user *from = user_address(w, gpa, forbidden, &chunk);

		if (!from)
			return -EFAULT;
		/* an instruction: not worth a call for a copy of any length */
		if (length <= 2 * sizeof(u64) && offset_in_page(gpa) <= PAGE_SIZE - 2 * sizeof(u64))
			return read_words(from, to, length);
		chunk = min_t(u64, chunk, length);
		if (copy_from_user(to, from, chunk))
			return -EFAULT;
		to += chunk;
		gpa += chunk;
		length -= chunk;
	}
	return 0;
}

/* An entry of a page table: in one piece, as the processor reads it, and the most frequent. */
static int read_entry64(struct vm_window *w, u64 gpa, u64 *to)
{
	u64 room;
	u64 __user *from = user_address(w, gpa, NO_READ, &room);

	return from && !get_user(*to, from) ? 0 : -EFAULT;
}

static int read_entry32(struct vm_window *w, u64 gpa, u32 *to)
{
	u64 room;
	u32 __user *from = user_address(w, gpa, NO_READ, &room);

	return from && !get_user(*to, from) ? 0 : -EFAULT;
}

/**
 * vm_window_read() - copy from guest-physical memory
 * @w: which memory; its VM's mm is current->mm
 * @gpa: guest-physical address in bytes
 * @to: where to
 * @length: bytes; may cross pages and ranges
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory, or execute-only; @to may then be partly written.
 */
int vm_window_read(struct vm_window *w, u64 gpa, void *to, u32 length)
{
	if (likely(length == sizeof(u64) && IS_ALIGNED(gpa, sizeof(u64))))
		return read_entry64(w, gpa, to);
	if (length == sizeof(u32) && IS_ALIGNED(gpa, sizeof(u32)))
		return read_entry32(w, gpa, to);
	return read_bytes(w, gpa, to, length, NO_READ);
}

VMXHV_EXPORT_FOR_TEST(vm_window_read);

/**
 * vm_window_fetch() - copy instructions from guest-physical memory
 * @w: which memory; its VM's mm is current->mm
 * @gpa: guest-physical address in bytes
 * @to: where to
 * @length: bytes; may cross pages and ranges
 *
 * As vm_window_read(), but for code: it may be in memory that can only be executed.
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory; @to may then be partly written.
 */
int vm_window_fetch(struct vm_window *w, u64 gpa, void *to, u32 length)
{
	return read_bytes(w, gpa, to, length, NO_FETCH);
}

VMXHV_EXPORT_FOR_TEST(vm_window_fetch);

/**
 * vm_window_write() - copy to guest-physical memory
 * @w: which memory; its VM's mm is current->mm
 * @gpa: guest-physical address in bytes
 * @from: where from
 * @length: bytes; may cross pages and ranges
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory or read-only; what is before it may be written.
 */
int vm_window_write(struct vm_window *w, u64 gpa, const void *from, u32 length)
{
	while (length) {
		u64 chunk, left;
		void __user *to = user_address(w, gpa, NO_WRITE, &chunk);

		if (!to)
			return -EFAULT;
		chunk = min_t(u64, chunk, length);
		left = copy_to_user(to, from, chunk);
		memory_log_write(&w->vm->memory, gpa, chunk);
		if (left)
			return -EFAULT;
		from += chunk;
		gpa += chunk;
		length -= chunk;
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(vm_window_write);

/**
 * vm_window_cmpxchg() - replace a value in guest-physical memory, atomically
 * @w: which memory; its VM's mm is current->mm
 * @gpa: guest-physical address in bytes, a multiple of @length
 * @old: the value expected
 * @new: the value to put in its place
 * @length: 4 or 8 bytes
 *
 * Context: Process; may sleep.
 * Return: 0; 1 if something else than @old was there; -EFAULT if it is no memory, or not to be
 *	written.
 */
int vm_window_cmpxchg(struct vm_window *w, u64 gpa, u64 old, u64 new, u32 length)
{
	u64 room;
	void __user *at = user_address(w, gpa, NO_WRITE, &room);
	u32 old32 = old;
	int ret;

	if (!at || !access_ok(at, length))
		return -EFAULT;
	if (length == sizeof(u32))
		ret = __try_cmpxchg_user((u32 __user *)at, &old32, (u32)new, fault32);
	else
		ret = __try_cmpxchg_user((u64 __user *)at, &old, new, fault64);
	memory_log_write(&w->vm->memory, gpa, length);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vm_window_cmpxchg);
