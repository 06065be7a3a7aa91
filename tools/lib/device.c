// SPDX-License-Identifier: GPL-2.0-only
/* /dev/vmxhv: opening it, and what it says of this host. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

static int open_failed(struct vmxhv_dev *dev, const char *path, int error)
{
	switch (error) {
	case ENOENT:
		return fail_set(&dev->fail, error,
				"%s is not there: the module is not loaded (insmod vmxhv.ko)",
				path);
	case EACCES:
	case EPERM:
		return fail_set(&dev->fail, error, "%s: no permission (root has it by default)",
				path);
	case ENXIO:
	case ENODEV:
		return fail_set(&dev->fail, error, "%s is not vmxhv's device: it has no driver",
				path);
	default:
		return fail_set(&dev->fail, error, "%s: %s", path, strerror(error));
	}
}

/* What an open() of another device would do, or wait for, nobody knows: look before. */
static int check_kind(struct vmxhv_dev *dev, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return open_failed(dev, path, errno);
	if (!S_ISCHR(st.st_mode))
		return fail_set(&dev->fail, ENOTTY,
				"%s is not vmxhv's device: it is no character device", path);
	return 0;
}

int vmxhv_open(struct vmxhv_dev *dev, const char *path)
{
	struct vmxhv_info info;
	int err;

	memset(dev, 0, sizeof(*dev));
	dev->fd = -1;
	if (!path)
		path = VMXHV_DEVICE;
	err = check_kind(dev, path);
	if (err)
		return err;
	dev->fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (dev->fd < 0)
		return open_failed(dev, path, errno);
	err = vmxhv_get_info(dev, &info);
	/* Ours answers this call always, and with a size. */
	if (err || !info.size)
		err = fail_set(&dev->fail, err ? -err : ENOTTY, "%s is not vmxhv's device", path);
	else if (info.abi_major != VMXHV_ABI_MAJOR)
		err = fail_set(&dev->fail, EPROTO, "%s speaks ABI %u, this program ABI %u", path,
			       info.abi_major, VMXHV_ABI_MAJOR);
	if (err)
		vmxhv_close(dev);
	return err;
}

void vmxhv_close(struct vmxhv_dev *dev)
{
	if (dev->fd >= 0)
		close(dev->fd);
	dev->fd = -1;
}

int vmxhv_get_info(struct vmxhv_dev *dev, struct vmxhv_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return fail_ioctl(&dev->fail, dev->fd, VMXHV_GET_INFO, info, "GET_INFO");
}

int vmxhv_get_cpuid(struct vmxhv_dev *dev, struct vmxhv_cpuid_entry **table, unsigned int *count,
		    unsigned int spare)
{
	struct vmxhv_cpuid arg = { .size = sizeof(arg) };
	struct vmxhv_cpuid_entry *entries = NULL;
	int err;

	/* The first call learns the count; the table of a host does not change between the two. */
	err = fail_ioctl(&dev->fail, dev->fd, VMXHV_GET_CPUID, &arg, "GET_CPUID");
	if (err && err != -ENOSPC)
		return err;
	entries = calloc(arg.count + spare, sizeof(*entries));
	if (!entries)
		return fail_set(&dev->fail, ENOMEM, "GET_CPUID: no memory");
	arg.size = sizeof(arg);
	arg.entries = (uintptr_t)entries;
	err = fail_ioctl(&dev->fail, dev->fd, VMXHV_GET_CPUID, &arg, "GET_CPUID");
	if (err) {
		free(entries);
		return err;
	}
	*table = entries;
	*count = arg.count;
	return 0;
}

int vmxhv_get_msr_list(struct vmxhv_dev *dev, struct vmxhv_msr_entry **list, unsigned int *count)
{
	struct vmxhv_msrs arg = { .size = sizeof(arg) };
	struct vmxhv_msr_entry *entries;
	int err;

	err = fail_ioctl(&dev->fail, dev->fd, VMXHV_GET_MSR_LIST, &arg, "GET_MSR_LIST");
	if (err && err != -ENOSPC)
		return err;
	entries = calloc(arg.count + 1, sizeof(*entries));
	if (!entries)
		return fail_set(&dev->fail, ENOMEM, "GET_MSR_LIST: no memory");
	arg.size = sizeof(arg);
	arg.entries = (uintptr_t)entries;
	err = fail_ioctl(&dev->fail, dev->fd, VMXHV_GET_MSR_LIST, &arg, "GET_MSR_LIST");
	if (err) {
		free(entries);
		return err;
	}
	*list = entries;
	*count = arg.count;
	return 0;
}
