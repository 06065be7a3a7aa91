// SPDX-License-Identifier: GPL-2.0-only
/* VMXHV_DEBUG: a debugger's wishes. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/log2.h>
#include <linux/string.h>

#include "ioctl/ioctl.h"
#include "vcpu/cpu.h"
#include "vcpu/exit.h"
#include "vcpu/vcpu.h"
#include "vcpu/x86.h"
#include "vmx/vmx.h"

#define DEBUG_CONTROL	(VMXHV_DEBUG_STEP | VMXHV_DEBUG_INT3)

#define refuse_point(err, i, member, seen, want, text)					\
	refuse_arg(err, -EINVAL, vmxhv_debug, point[i].member, seen, want, text)

static int point_check(const struct vmxhv_debug_point *p, int i, struct vmxhv_error *err)
{
	u32 longest = p->kind == VMXHV_POINT_EXEC ? 1 : p->kind == VMXHV_POINT_NONE ? 0 : 8;

	if (p->kind > VMXHV_POINT_ACCESS)
		return refuse_point(err, i, kind, p->kind, VMXHV_POINT_ACCESS,
				    "unknown kind of point");
	if (memchr_inv(p->reserved, 0, sizeof(p->reserved)))
		return refuse_point(err, i, reserved, 1, 0, "reserved field is not 0");
	if (p->length > longest || (longest && !is_power_of_2(p->length)))
		return refuse_point(err, i, length, p->length, longest,
				    "not a length of this kind of point");
	if (!longest && p->address)
		return refuse_point(err, i, address, p->address, 0, "an address, but no point");
	if (longest && p->address & (p->length - 1))
		return refuse_point(err, i, address, p->address, p->length,
				    "the address is no multiple of the length");
	return 0;
}

/**
 * vcpu_debug_check() - VMXHV_DEBUG: what can be said of its argument alone
 * @r: the call; struct vmxhv_debug
 *
 * Context: Any.
 * Return: 0, -EINVAL, -EOPNOTSUPP (stepping, on a CPU without the VMX preemption timer).
 */
int vcpu_debug_check(struct request *r)
{
	const struct vmxhv_debug *debug = r->arg;
	int ret = 0;
	int i;

	if (debug->control & ~DEBUG_CONTROL)
		return refuse_arg(r->err, -EINVAL, vmxhv_debug, control, debug->control,
				  DEBUG_CONTROL, "unknown bit of control");
	if (debug->control & VMXHV_DEBUG_STEP && !vmx_caps.has_preemption_timer)
		return refuse_arg(r->err, -EOPNOTSUPP, vmxhv_debug, control, debug->control,
				  VMXHV_DEBUG_INT3, "stepping needs the VMX preemption timer");
	for (i = 0; i < DEBUG_POINTS && !ret; i++)
		ret = point_check(&debug->point[i], i, r->err);
	return ret;
}

/**
 * vcpu_debug_call() - VMXHV_DEBUG: step, and breakpoints of both kinds; all zeros end it
 * @r: the call; struct vmxhv_debug: what it says replaces what was said before
 *
 * Context: Process context; vCPU loaded. SDM: "Debug, Branch Profile, TSC ... Features".
 * Return: 0; what vcpu_debug_check() says, -EBUSY, -EIO (not the caller's).
 */
int vcpu_debug_call(struct request *r)
{
	debug_set(loaded_vcpu(r), r->arg);
	return 0;
}
