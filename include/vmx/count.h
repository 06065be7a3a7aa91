/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often the module touches a VMCS or an MSR: in a build for benchmarks, with VMXHV_COUNT=1 on
 * Kbuild's command line. In any other build nothing of this is there.
 *
 * MSRs are counted where the kernel's own names are used after this header; vmx/vmcs.h includes it.
 */
#ifndef VMX_COUNT_H
#define VMX_COUNT_H

#ifdef VMXHV_COUNT

/* indexes of vmx_counts[]; entry.S knows VMX_COUNT_VMWRITE */
#define VMX_COUNT_VMREAD	0
#define VMX_COUNT_VMWRITE	1
#define VMX_COUNT_MSR		2
#define VMX_COUNT_IBPB		3	/* asked for, whatever the host makes of it */
#define VMX_COUNTS		4

#ifndef __ASSEMBLY__
#include <linux/percpu.h>
#include <asm/msr.h>

DECLARE_PER_CPU(u64 [VMX_COUNTS], vmx_counts);

#define vmx_count(what)		this_cpu_inc(vmx_counts[VMX_COUNT_##what])

static __always_inline u64 counted_rdmsr(u32 msr)
{
	vmx_count(MSR);
	return __rdmsr(msr);
}

/* a name in parentheses is no macro's: each of these calls the function that it hides */
#undef rdmsrl
#define rdmsrl(msr, value)	((value) = counted_rdmsr(msr))
#define wrmsrl(msr, value)	({ vmx_count(MSR); (wrmsrl)(msr, value); })
#define rdmsrl_safe(msr, to)	({ vmx_count(MSR); (rdmsrl_safe)(msr, to); })
#define wrmsrl_safe(msr, value)	({ vmx_count(MSR); (wrmsrl_safe)(msr, value); })
#define __rdmsr(msr)		({ vmx_count(MSR); (__rdmsr)(msr); })
#define __wrmsr(msr, low, high)	({ vmx_count(MSR); (__wrmsr)(msr, low, high); })
#endif /* __ASSEMBLY__ */

#else
#define vmx_count(what)		((void)#what)
#endif /* VMXHV_COUNT */

/*
 * The branch predictors forget, where the host's mitigations want that. Both or neither is counted.
 */
#define vmx_ibpb()		do { vmx_count(IBPB); compat_ibpb(); } while (0)

#endif /* VMX_COUNT_H */
