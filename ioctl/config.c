// SPDX-License-Identifier: GPL-2.0-only
/* VMXHV_CONFIG: the argument, checked. */
#include <linux/err.h>
#include <linux/slab.h>

#include "ioctl/ioctl.h"
#include "vcpu/vm.h"
#include "vmx/vmx.h"

static long config_check(const struct vmxhv_config *config, struct vmxhv_error *err)
{
	if (config->exceptions & ~CONFIG_EXCEPTIONS)
		return refuse_arg(err, -EINVAL, vmxhv_config, exceptions, config->exceptions,
				  CONFIG_EXCEPTIONS, "NMI and #MC are not for userspace");
	if (config->flags & VMXHV_CONFIG_PAUSE_LOOP && !vmx_caps.pause_loop_exiting)
		return refuse_arg(err, -EOPNOTSUPP, vmxhv_config, flags, config->flags, 0,
				  "this CPU does not see loops of PAUSE");
	if (config->reserved2)
		return refuse_arg(err, -EINVAL, vmxhv_config, reserved2, config->reserved2, 0,
				  "reserved field is not 0");
	if (config->count > VMXHV_CONFIG_MAX_RANGES)
		return refuse_arg(err, -EINVAL, vmxhv_config, count, config->count,
				  VMXHV_CONFIG_MAX_RANGES, "more ranges than a VM has");
	return 0;
}

/**
 * vm_config_call() - the body of VMXHV_CONFIG
 * @vm: the VM
 * @config: the argument
 * @err: where a refusal is recorded
 *
 * Context: Process context; may sleep.
 * Return: as vm_config() of vm.c.
 */
long vm_config_call(struct vm *vm, const struct vmxhv_config *config, struct vmxhv_error *err)
{
	struct vmxhv_range *ranges = NULL;
	long ret = config_check(config, err);

	if (ret)
		return ret;
	if (config->count) {
		ranges = copy_array(config->ranges, config->count, sizeof(*ranges));
		if (IS_ERR(ranges))
			return PTR_ERR(ranges);
	}
	ret = config_check_ranges(ranges, config->count, err);
	if (!ret)
		ret = vm_configure(vm, config, ranges, err);
	if (ret)
		kvfree(ranges);
	return ret;
}
