/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extended state to memory and back. tests/native/ runs this very file on the machine that builds.
 *
 * XSAVEOPT may leave out a component that was not modified since the last XRSTOR, if that was from
 * the same linear address *on this CPU* (SDM: "Processor Tracking of XSAVE-Managed State"). Another
 * CPU may have written to the address meanwhile: only an area that is loaded and saved with
 * interrupts off between, as the guest's is, may be saved so. The host's waits between two bursts
 * for whichever CPU is next: it is always written.
 */
#ifndef VCPU_CPU_XSAVE_H
#define VCPU_CPU_XSAVE_H

#include <linux/types.h>
#include <asm/alternative.h>
#include <asm/asm.h>
#include <asm/cpufeature.h>
#include <asm/fpu/types.h>

static __always_inline void fxsave(struct xregs_state *area)
{
	asm volatile("fxsave64 (%[area])" : : [area] "r" (area) : "memory");
}

/* After a burst; load_registers() from the same area began it, with interrupts off since. */
static __always_inline void save_guest_registers(struct xregs_state *area, u64 mask)
{
	if (likely(mask))
		asm volatile(ALTERNATIVE("xsave64 (%[area])",
					 "xsaveopt64 (%[area])", X86_FEATURE_XSAVEOPT)
			     : : [area] "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32))
			     : "memory");
	else
		fxsave(area);
}

/* Before a burst. In compacted format where there is one: what is in initial state is left out. */
static __always_inline void save_host_registers(struct xregs_state *area, u64 mask)
{
	if (likely(mask))
		asm volatile(ALTERNATIVE("xsave64 (%[area])",
					 "xsavec64 (%[area])", X86_FEATURE_XSAVEC)
			     : : [area] "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32))
			     : "memory");
	else
		fxsave(area);
}

/* Nonzero: it faulted, and no register has changed. */
static __always_inline int load_registers(const struct xregs_state *area, u64 mask)
{
	int faulted = 0;

	if (likely(mask))
		asm volatile("1: xrstor64 (%[area])\n\t"
			     "jmp 3f\n"
			     "2: mov $1, %[faulted]\n"
			     "3:\n\t"
			     _ASM_EXTABLE(1b, 2b)
			     : [faulted] "+r" (faulted)
			     : [area] "r" (area), "a" ((u32)mask), "d" ((u32)(mask >> 32))
			     : "memory");
	else
		asm volatile("1: fxrstor64 (%[area])\n\t"
			     "jmp 3f\n"
			     "2: mov $1, %[faulted]\n"
			     "3:\n\t"
			     _ASM_EXTABLE(1b, 2b)
			     : [faulted] "+r" (faulted) : [area] "r" (area) : "memory");
	return faulted;
}

#endif /* VCPU_CPU_XSAVE_H */
