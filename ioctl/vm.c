// SPDX-License-Identifier: GPL-2.0-only
/* The descriptor of a VM: its memory, its vCPUs, and interrupts sent to it from outside. */
#include <linux/anon_inodes.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "ioctl/ioctl.h"
#include "vcpu/apic.h"
#include "vcpu/exit.h"
#include "vcpu/run.h"
#include "vcpu/vm.h"

static int vm_memory_check(struct request *r)
{
	const struct vmxhv_memory *memory = r->arg;

	if (!memory->count || memory->count > MAX_MEM_OPS)
		return refuse_arg(r->err, -EINVAL, vmxhv_memory, count, memory->count, MAX_MEM_OPS,
				  "no operations, or more than one call takes");
	return 0;
}

/**
 * vm_memory() - VMXHV_MEMORY: change the guest's memory, all of it or nothing
 * @r: the call; struct vmxhv_memory; 1 to 64 operations
 *
 * Context: Process context of the VM's own address space; may sleep.
 * Return: 0; -EINVAL, -EEXIST (overlap), -ENOENT (no such range), -ERANGE (beyond gpa_bits),
 * -EOPNOTSUPP (a kind of mapping that a guest cannot have), -EFAULT, -ENOSPC (too many ranges),
 * -ENOMEM, -EINTR (a fatal signal), -EIO (dead, or not the caller's).
 */
static int vm_memory(struct request *r)
{
	const struct vmxhv_memory *memory = r->arg;
	int ret = array_in(r, memory->ops, memory->count, sizeof(struct vmxhv_mem_op));

	return ret ?: memory_change(r->d->vm, r->array, memory->count, r->err);
}

static int vm_dirty_check(struct request *r)
{
	const struct vmxhv_dirty *dirty = r->arg;
	const u64 odd = PAGE_SIZE - 1;

	if (dirty->op > VMXHV_DIRTY_CLEAR)
		return refuse_arg(r->err, -EINVAL, vmxhv_dirty, op, dirty->op, VMXHV_DIRTY_CLEAR,
				  "neither GET nor CLEAR");
	if (dirty->gpa & odd)
		return refuse_arg(r->err, -EINVAL, vmxhv_dirty, gpa, dirty->gpa,
				  dirty->gpa & ~odd, "gpa is not a multiple of 4096");
	if (!dirty->length || (dirty->length & odd) || dirty->length > VMXHV_DIRTY_MAX)
		return refuse_arg(r->err, -EINVAL, vmxhv_dirty, length, dirty->length,
				  VMXHV_DIRTY_MAX,
				  "length is 0, no multiple of 4096, or more than one call takes");
	if (dirty->gpa > U64_MAX - dirty->length)
		return refuse_arg(r->err, -ENOENT, vmxhv_dirty, gpa, dirty->gpa,
				  U64_MAX - dirty->length, "the range wraps");
	return 0;
}

/**
 * vm_dirty() - VMXHV_DIRTY: read or clear the log of pages that were written to
 * @r: the call; struct vmxhv_dirty
 *
 * Context: Process context of the VM's own address space; may sleep. Works on running guests.
 * Return: 0; -EINVAL; -ENOENT (not all of the range is being logged); -EFAULT; -ENOMEM; -EINTR (a
 * fatal signal); -EIO (dead, or not the caller's).
 */
static int vm_dirty(struct request *r)
{
	const struct vmxhv_dirty *dirty = r->arg;
	const u64 pages = dirty->length >> PAGE_SHIFT;
	const u32 words = DIV_ROUND_UP_ULL(pages, 64);
	struct vm *vm = r->d->vm;
	int ret = 0;

	if (dirty->op == VMXHV_DIRTY_GET)
		return array_room(r, words, sizeof(u64)) ?:
			memory_log_get(vm, dirty->gpa, pages, r->array, r->err) ?:
			array_out(r, dirty->bitmap, words, sizeof(u64));
	if (dirty->bitmap)
		ret = array_in(r, dirty->bitmap, words, sizeof(u64));
	return ret ?: memory_log_clear(vm, dirty->gpa, pages, r->array, r->err);
}

static int vm_create_vcpu_check(struct request *r)
{
	const struct vmxhv_create_vcpu *create = r->arg;

	if (create->id >= VM_MAX_VCPUS)
		return refuse_arg(r->err, -ENOSPC, vmxhv_create_vcpu, id, create->id,
				  VM_MAX_VCPUS - 1, "the id is beyond the last one");
	return 0;
}

/**
 * vm_create_vcpu() - VMXHV_CREATE_VCPU: a vCPU in its power-on state
 * @r: the call; struct vmxhv_create_vcpu; the id is the APIC id
 *
 * Context: Process context; may sleep.
 * Return: A descriptor (close-on-exec) that holds the VM; -EINVAL, -EEXIST (the id is taken or
 * was), -ENOSPC (beyond max_vcpus), -ENOMEM, -EMFILE, -ENFILE, -EIO (dead, or not the caller's).
 */
static int vm_create_vcpu(struct request *r)
{
	const struct vmxhv_create_vcpu *create = r->arg;

	return vcpu_fd_create(r->d->vm, create->id, r->err);
}

/**
 * vm_signal_msi() - VMXHV_SIGNAL_MSI: an interrupt message, as a device would write it
 * @r: the call; struct vmxhv_msi; delivered is the number of APICs that took it
 *
 * Context: Process context; takes no vCPU's mutex, so it works on running guests.
 * Return: 0; -EINVAL (no message that an APIC understands), -EIO (dead, or not the caller's).
 */
static int vm_signal_msi(struct request *r)
{
	struct vmxhv_msi *msi = r->arg;
	int taken = lapic_deliver_msi(r->d->vm, msi->address, msi->data);

	if (taken < 0)
		return refuse_arg(r->err, taken, vmxhv_msi, address, msi->address, 0xfee00000,
				  "not an interrupt message");
	msi->delivered = taken;
	return 0;
}

/* SIGNAL_MSI and CONFIG have no check: theirs come after a dead VM's refusal. */
static const struct ioctl_call vm_calls[] = {
	IOCTL_CALL(VMXHV_MEMORY, vmxhv_memory, 24, .how = CALL_ALIVE,
		   .reserved = { RESERVED(vmxhv_memory, reserved) },
		   .check = vm_memory_check, .handler = vm_memory),
	IOCTL_CALL(VMXHV_DIRTY, vmxhv_dirty, 40, .how = CALL_ALIVE,
		   .reserved = { RESERVED(vmxhv_dirty, reserved) },
		   .check = vm_dirty_check, .handler = vm_dirty),
	IOCTL_CALL(VMXHV_CREATE_VCPU, vmxhv_create_vcpu, 16, .how = CALL_ALIVE,
		   .reserved = { RESERVED(vmxhv_create_vcpu, reserved) },
		   .check = vm_create_vcpu_check, .handler = vm_create_vcpu),
	IOCTL_CALL(VMXHV_SIGNAL_MSI, vmxhv_msi, 24, .how = CALL_ALIVE | CALL_OUT,
		   .handler = vm_signal_msi),
	IOCTL_CALL(VMXHV_CONFIG, vmxhv_config, 32, .how = CALL_ALIVE,
		   .known_flags = CONFIG_FLAGS,
		   .reserved = { RESERVED(vmxhv_config, reserved) },
		   .handler = vm_config_call),
	IOCTL_CALL(VMXHV_GET_ERROR, vmxhv_error, 136, .how = CALL_OUT | CALL_KEEP_ERROR,
		   .handler = get_error_call),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct descriptor *d = file->private_data;

	if (d->vm->mm != current->mm)
		return -EIO;
	return ioctl_dispatch(vm_calls, ARRAY_SIZE(vm_calls), d, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct descriptor *d = file->private_data;

	vm_put(d->vm);
	kfree(d);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * vm_fd_create() - give a VM its descriptor
 * @vm: the VM; the descriptor takes over the caller's reference, unless this fails
 *
 * Context: Process context.
 * Return: The descriptor, or -ENOMEM, -EMFILE, -ENFILE.
 */
int vm_fd_create(struct vm *vm)
{
	struct descriptor *d = descriptor_create(vm);
	int fd;

	if (!d)
		return -ENOMEM;
	fd = anon_inode_getfd("vmxhv-vm", &vm_fops, d, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		kfree(d);
	return fd;
}
