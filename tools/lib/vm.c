// SPDX-License-Identifier: GPL-2.0-only
/* Virtual machines: memory and message-signalled interrupts. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

int vmxhv_vm_create_flags(struct vmxhv_dev *dev, struct vmxhv_vm *vm, uint32_t flags)
{
	struct vmxhv_create_vm arg = { .size = sizeof(arg), .flags = flags };
	struct vmxhv_info info;
	int fd, err;

	memset(vm, 0, sizeof(*vm));
	vm->fd = -1;
	err = vmxhv_get_info(dev, &info);
	if (err)
		return err;
	fd = fail_ioctl(&dev->fail, dev->fd, VMXHV_CREATE_VM, &arg, "CREATE_VM");
	if (fd < 0) {
		/* Why is in GET_INFO, as CREATE_VM found it. */
		if (!vmxhv_get_info(dev, &info) && info.unusable_reason)
			return fail_set(&dev->fail, -fd, "%.*s", (int)sizeof(info.unusable_text),
					info.unusable_text);
		return fd;
	}
	vm->fd = fd;
	vm->run_size = info.run_size;
	return 0;
}

int vmxhv_vm_create(struct vmxhv_dev *dev, struct vmxhv_vm *vm)
{
	return vmxhv_vm_create_flags(dev, vm, 0);
}

void vmxhv_vm_close(struct vmxhv_vm *vm)
{
	if (vm->fd >= 0)
		close(vm->fd);
	vm->fd = -1;
}

int vmxhv_vm_memory(struct vmxhv_vm *vm, const struct vmxhv_mem_op *ops, unsigned int count)
{
	struct vmxhv_memory arg = {
		.size = sizeof(arg), .count = count, .ops = (uintptr_t)ops,
	};

	return fail_ioctl(&vm->fail, vm->fd, VMXHV_MEMORY, &arg, "MEMORY");
}

int vmxhv_vm_map(struct vmxhv_vm *vm, uint64_t gpa, void *hva, uint64_t length, uint32_t flags)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_MAP, .flags = flags, .gpa = gpa, .length = length,
		.hva = (uintptr_t)hva,
	};

	return vmxhv_vm_memory(vm, &op, 1);
}

int vmxhv_vm_unmap(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_UNMAP, .gpa = gpa, .length = length,
	};

	return vmxhv_vm_memory(vm, &op, 1);
}

int vmxhv_vm_log(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length, bool on)
{
	const struct vmxhv_mem_op op = {
		.kind = VMXHV_MEM_LOG, .flags = on ? VMXHV_MEM_LOG_DIRTY : 0, .gpa = gpa,
		.length = length,
	};

	return vmxhv_vm_memory(vm, &op, 1);
}

static int dirty_call(struct vmxhv_vm *vm, uint32_t op, uint64_t gpa, uint64_t length,
		      const uint64_t *bitmap)
{
	struct vmxhv_dirty arg = {
		.size = sizeof(arg), .op = op, .gpa = gpa, .length = length,
		.bitmap = (uintptr_t)bitmap,
	};

	return fail_ioctl(&vm->fail, vm->fd, VMXHV_DIRTY, &arg, "DIRTY");
}

int vmxhv_vm_dirty_get(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length, uint64_t *bitmap)
{
	return dirty_call(vm, VMXHV_DIRTY_GET, gpa, length, bitmap);
}

int vmxhv_vm_dirty_clear(struct vmxhv_vm *vm, uint64_t gpa, uint64_t length,
			 const uint64_t *bitmap)
{
	return dirty_call(vm, VMXHV_DIRTY_CLEAR, gpa, length, bitmap);
}

int vmxhv_vm_config(struct vmxhv_vm *vm, const struct vmxhv_config *config)
{
	struct vmxhv_config arg = *config;

	arg.size = sizeof(arg);
	return fail_ioctl(&vm->fail, vm->fd, VMXHV_CONFIG, &arg, "CONFIG");
}

int vmxhv_vm_signal_msi(struct vmxhv_vm *vm, uint64_t address, uint32_t data)
{
	struct vmxhv_msi arg = { .size = sizeof(arg), .address = address, .data = data };

	if (ioctl(vm->fd, VMXHV_SIGNAL_MSI, &arg) < 0)
		return -errno;
	return (int)arg.delivered;
}
