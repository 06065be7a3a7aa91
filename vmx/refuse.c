// SPDX-License-Identifier: GPL-2.0-only
/* Why VMX cannot be used: cause, errno, and one sentence. */
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>

#include "vmx/refuse.h"

static const int refusal_errno[] = {
	[VMXHV_USABLE] = 0,
	[VMXHV_UNUSABLE_NO_VMX] = -ENODEV,
	[VMXHV_UNUSABLE_LOCKED] = -EPERM,
	[VMXHV_UNUSABLE_IN_USE] = -EBUSY,
	[VMXHV_UNUSABLE_BASIC] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_CONTROLS] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_EPT] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_UNRESTRICTED] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_VPID] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_MSR_BITMAP] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_CPUS_DIFFER] = -EXDEV,
	[VMXHV_UNUSABLE_FIXED_BITS] = -EOPNOTSUPP,
	[VMXHV_UNUSABLE_VMXON_FAILED] = -EIO,
	[VMXHV_UNUSABLE_SHUTDOWN] = -ESHUTDOWN,
	[VMXHV_UNUSABLE_FRED] = -EOPNOTSUPP,
};

/**
 * vmx_refusal_clear() - nothing is wrong
 * @why: the refusal
 *
 * Context: Any.
 */
void vmx_refusal_clear(struct vmx_refusal *why)
{
	memset(why, 0, sizeof(*why));
	why->cpu = -1;
}

/**
 * vmx_refuse() - say what is wrong
 * @why: filled in whole
 * @reason: the cause
 * @msr: the MSR that said so, or 0
 * @seen: its value
 * @wanted: the bits wanted
 * @format: the sentence, printf's way; cut at 159 characters
 *
 * Context: Any.
 * Return: The negative errno of @reason.
 */
int vmx_refuse(struct vmx_refusal *why, enum vmxhv_unusable reason, u32 msr, u64 seen, u64 wanted,
	       const char *format, ...)
{
	va_list args;

	vmx_refusal_clear(why);
	why->reason = reason;
	why->error = refusal_errno[reason];
	why->msr = msr;
	why->seen = seen;
	why->wanted = wanted;
	va_start(args, format);
	vsnprintf(why->text, sizeof(why->text), format, args);
	va_end(args);
	return why->error;
}

/**
 * vmx_refusal_add() - say more
 * @why: a refusal that vmx_refuse() filled in
 * @format: what to append to its sentence
 *
 * Context: Any.
 */
void vmx_refusal_add(struct vmx_refusal *why, const char *format, ...)
{
	size_t length = strlen(why->text);
	va_list args;

	va_start(args, format);
	vsnprintf(why->text + length, sizeof(why->text) - length, format, args);
	va_end(args);
}
