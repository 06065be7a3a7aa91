// SPDX-License-Identifier: GPL-2.0-only
/* VMXHV_CONFIG: the argument, checked. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/security.h>

#include "ioctl/ioctl.h"
#include "vcpu/exit.h"
#include "vcpu/vm.h"
#include "vmx/controls.h"
#include "vmx/vmx.h"

static int config_check(const struct vmxhv_config *config, struct vmxhv_error *err)
{
	if (config->exceptions & ~CONFIG_EXCEPTIONS)
		return refuse_arg(err, -EINVAL, vmxhv_config, exceptions, config->exceptions,
				  CONFIG_EXCEPTIONS, "NMI and #MC are not for userspace");
	if (config->flags & VMXHV_CONFIG_PAUSE &&
	    !(vmx_caps.cpu_allowed1 & CPU_BASED_PAUSE_EXITING))
		return refuse_arg(err, -EOPNOTSUPP, vmxhv_config, flags, config->flags, 0,
				  "this CPU has no exits of PAUSE");
	if (config->flags & VMXHV_CONFIG_PAUSE_LOOP && !vmx_caps.pause_loop_exiting)
		return refuse_arg(err, -EOPNOTSUPP, vmxhv_config, flags, config->flags, 0,
				  "this CPU does not see loops of PAUSE");
	if (config->tsc_offset && !(config->flags & VMXHV_CONFIG_TSC))
		return refuse_arg(err, -EINVAL, vmxhv_config, tsc_offset, config->tsc_offset, 0,
				  "a TSC offset without the flag TSC");
	if (config->halt_poll_us && !(config->flags & VMXHV_CONFIG_HALT_POLL))
		return refuse_arg(err, -EINVAL, vmxhv_config, halt_poll_us, config->halt_poll_us,
				  0, "a limit of polling without the flag HALT_POLL");
	if (config->halt_poll_us > VMXHV_HALT_POLL_MAX_US)
		return refuse_arg(err, -EINVAL, vmxhv_config, halt_poll_us, config->halt_poll_us,
				  VMXHV_HALT_POLL_MAX_US, "polling for longer than a second");
	if (config->count > VMXHV_CONFIG_MAX_RANGES)
		return refuse_arg(err, -EINVAL, vmxhv_config, count, config->count,
				  VMXHV_CONFIG_MAX_RANGES, "more ranges than a VM has");
	return 0;
}

static int refuse_pass(struct vmxhv_error *err, int error, u32 i, const struct vmxhv_range *r,
		       const char *text)
{
	return refuse(err, error, &(const struct refusal){
			.code = VMXHV_ERR_RANGE, .index = i,
			.item = offsetof(struct vmxhv_range, kind), .value = r->kind }, "%s", text);
}

static bool wants_hardware(const struct vmxhv_range *r)
{
	return r->kind == VMXHV_RANGE_MSR_PASS || r->kind == VMXHV_RANGE_PORT_PASS;
}

/* As for iopl() and /dev/cpu/N/msr; whether the CPU can do it comes later. */
static int check_rights(const struct vmxhv_range *ranges, u32 count, struct vmxhv_error *err)
{
	u32 i;

	for (i = 0; i < count && !wants_hardware(&ranges[i]); i++)
		;
	if (i == count)
		return 0;
	if (!capable(CAP_SYS_RAWIO))
		return refuse_pass(err, -EPERM, i, &ranges[i], "the caller has no CAP_SYS_RAWIO");
	if (security_locked_down(LOCKDOWN_IOPORT) || security_locked_down(LOCKDOWN_MSR))
		return refuse_pass(err, -EPERM, i, &ranges[i], "the kernel is locked down");
	if (!(vmx_caps.cpu_allowed1 & CPU_BASED_USE_IO_BITMAPS))
		return refuse_pass(err, -EOPNOTSUPP, i, &ranges[i], "this CPU has no I/O bitmaps");
	return 0;
}

/**
 * vm_config_call() - VMXHV_CONFIG: which exits userspace wants, and what is passed through
 * @r: the call; struct vmxhv_config; what it says replaces what was said before
 *
 * Context: Process context; may sleep. Before the VM's first vCPU is made.
 * Return: 0; -EINVAL, -EOPNOTSUPP (this CPU cannot), -EPERM (the caller may not pass hardware on),
 * -EACCES (nobody may pass this MSR), -EBUSY (there is a vCPU, or was), -EFAULT, -ENOMEM, -EIO
 * (dead, or not the caller's).
 */
int vm_config_call(struct request *r)
{
	const struct vmxhv_config *config = r->arg;
	int ret = config_check(config, r->err);

	if (!ret && config->count)
		ret = array_in(r, config->ranges, config->count, sizeof(struct vmxhv_range));
	if (!ret)
		ret = config_check_ranges(r->array, config->count, r->err);
	if (!ret)
		ret = check_rights(r->array, config->count, r->err);
	if (!ret)
		ret = vm_configure(r->d->vm, config, r->array, r->err);
	if (!ret)
		r->array = NULL;	/* the VM has them now */
	return ret;
}
