// SPDX-License-Identifier: GPL-2.0-only
/* What this host can show to its guests: asked of the CPU and of the kernel. */
#include <linux/errno.h>
#include <linux/slab.h>

#include <asm/cpufeature.h>
#include <asm/fpu/types.h>
#include <asm/fpu/xcr.h>
#include <asm/msr.h>
#include <asm/processor.h>
#include <asm/tsc.h>

#include "vcpu/cpuid.h"
#include "vmx/controls.h"
#include "vmx/vmx.h"

/* What a guest may enable: states that XSAVE saves, that are never in their own MSRs. */
#define GUEST_XFEATURES	(XFEATURE_MASK_FPSSE | XFEATURE_MASK_YMM | XFEATURE_MASK_AVX512)

/**
 * host_xcr0() - XCR0 as the host has it, always
 *
 * Context: Any.
 * Return: the bits; 0 when the host has not set CR4.OSXSAVE.
 */
u64 host_xcr0(void)
{
	return boot_cpu_has(X86_FEATURE_OSXSAVE) ? xgetbv(XCR_XFEATURE_ENABLED_MASK) : 0;
}

/**
 * xstate_allowed_xcr0() - what guests may set in XCR0 on this host
 *
 * Context: Any. SDM: "Extended Control Registers (Including XCR0)".
 * Return: the bits; 0 when the host has not set CR4.OSXSAVE: guests have no XSAVE then.
 */
u64 xstate_allowed_xcr0(void)
{
	return host_xcr0() & GUEST_XFEATURES;
}

static void host_cpuid(const void *ctx, u32 leaf, u32 index, u32 *regs)
{
	cpuid_count(leaf, index, &regs[0], &regs[1], &regs[2], &regs[3]);
}

/* Asked of the CPU and not of vmx_caps: GET_CPUID may come before any VM is there. */
static u32 allowed_secondary_controls(void)
{
	u64 value;

	if (rdmsrl_safe(VMX_MSR_FIRST + VMX_MSR_CPU2, &value))
		return 0;
	return value >> 32;
}

/**
 * cpuid_default() - the CPUID table that vCPUs may show on this host
 * @entries: where it goes
 * @max: entries that fit
 * @count: entries there are
 *
 * Context: Process context; works without VMX.
 * Return: 0, or -ENOSPC when @max is too small: @count says what is needed.
 */
int cpuid_default(struct vmxhv_cpuid_entry *entries, u32 max, u32 *count)
{
	u32 controls = allowed_secondary_controls();
	const struct cpuid_source source = {
		.read = host_cpuid,
		.kernel_caps = boot_cpu_data.x86_capability,
		.xcr0 = xstate_allowed_xcr0(),
		.tsc_khz = tsc_khz,
		.rdtscp = controls & SECONDARY_EXEC_ENABLE_RDTSCP,
		.invpcid = controls & SECONDARY_EXEC_ENABLE_INVPCID,
	};

	return cpuid_filter(&source, entries, max, count);
}

/**
 * cpuid_default_entries() - the host's default table, allocated
 * @count: entries it has
 *
 * Context: Process context, may sleep. The caller frees it with kvfree().
 * Return: the entries, or NULL when there is no memory.
 */
struct vmxhv_cpuid_entry *cpuid_default_entries(u32 *count)
{
	struct vmxhv_cpuid_entry *entries;

	entries = kvcalloc(CPUID_MAX_ENTRIES, sizeof(*entries), GFP_KERNEL);
	if (entries && cpuid_default(entries, CPUID_MAX_ENTRIES, count)) {
		kvfree(entries);
		return NULL;
	}
	return entries;
}
