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
static void __user *vm_user_address(struct vm *vm, u64 gpa, u32 forbidden, u64 *length)
{
	struct memory_range range;

	if (current->mm != vm->mm || !memory_find(&vm->memory, gpa, &range))
		return NULL;
	if (range.flags & forbidden)
		return NULL;
	*length = memory_range_end(&range) - gpa;
	return (void __user *)(unsigned long)(range.hva + (gpa - range.gpa));
}

static int read_bytes(struct vm *vm, u64 gpa, void *to, u32 length, u32 forbidden)
{
	while (length) {
		u64 chunk;
		void __user *from = vm_user_address(vm, gpa, forbidden, &chunk);

		if (!from)
			return -EFAULT;
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
static int read_entry64(struct vm *vm, u64 gpa, u64 *to)
{
	u64 room;
	u64 __user *from = vm_user_address(vm, gpa, NO_READ, &room);

	return from && !get_user(*to, from) ? 0 : -EFAULT;
}

/**
 * vm_read() - copy from guest-physical memory
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address in bytes
 * @to: where to
 * @length: bytes; may cross pages and ranges
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory, or execute-only; @to may then be partly written.
 */
int vm_read(struct vm *vm, u64 gpa, void *to, u32 length)
{
	if (likely(length == sizeof(u64) && IS_ALIGNED(gpa, sizeof(u64))))
		return read_entry64(vm, gpa, to);
	return read_bytes(vm, gpa, to, length, NO_READ);
}

VMXHV_EXPORT_FOR_TEST(vm_read);

/**
 * vm_fetch() - copy instructions from guest-physical memory
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address in bytes
 * @to: where to
 * @length: bytes; may cross pages and ranges
 *
 * As vm_read(), but for code: it may be in memory that can only be executed.
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory; @to may then be partly written.
 */
int vm_fetch(struct vm *vm, u64 gpa, void *to, u32 length)
{
	return read_bytes(vm, gpa, to, length, NO_FETCH);
}

VMXHV_EXPORT_FOR_TEST(vm_fetch);

/**
 * vm_write() - copy to guest-physical memory
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address in bytes
 * @from: where from
 * @length: bytes; may cross pages and ranges
 *
 * Context: Process; may sleep.
 * Return: 0, or -EFAULT if a part is no memory or read-only; what is before it may be written.
 */
int vm_write(struct vm *vm, u64 gpa, const void *from, u32 length)
{
	while (length) {
		u64 chunk, left;
		void __user *to = vm_user_address(vm, gpa, NO_WRITE, &chunk);

		if (!to)
			return -EFAULT;
		chunk = min_t(u64, chunk, length);
		left = copy_to_user(to, from, chunk);
		memory_log_write(&vm->memory, gpa, chunk);
		if (left)
			return -EFAULT;
		from += chunk;
		gpa += chunk;
		length -= chunk;
	}
	return 0;
}

VMXHV_EXPORT_FOR_TEST(vm_write);

/**
 * vm_cmpxchg() - replace a value in guest-physical memory, atomically
 * @vm: the VM; current->mm is its mm
 * @gpa: guest-physical address in bytes, a multiple of @length
 * @old: the value expected
 * @new: the value to put in its place
 * @length: 4 or 8 bytes
 *
 * Context: Process; may sleep.
 * Return: 0; 1 if something else than @old was there; -EFAULT if it is no memory, or not to be
 *	written.
 */
int vm_cmpxchg(struct vm *vm, u64 gpa, u64 old, u64 new, u32 length)
{
	u64 room;
	void __user *at = vm_user_address(vm, gpa, NO_WRITE, &room);
	u32 old32 = old;
	int ret;

	if (!at || !access_ok(at, length))
		return -EFAULT;
	if (length == sizeof(u32))
		ret = __try_cmpxchg_user((u32 __user *)at, &old32, (u32)new, fault32);
	else
		ret = __try_cmpxchg_user((u64 __user *)at, &old, new, fault64);
	memory_log_write(&vm->memory, gpa, length);
	return ret;
}

VMXHV_EXPORT_FOR_TEST(vm_cmpxchg);
