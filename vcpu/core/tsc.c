// SPDX-License-Identifier: GPL-2.0-only
/* Cycles of the guest's TSC and cycles of the host's. */
#include <linux/math64.h>

#include "compat.h"
#include "vcpu/core.h"

/**
 * tsc_host_cycles() - cycles of the guest's TSC as cycles of the host's
 * @v: the vCPU
 * @guest_cycles: how many
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: the same time, rounded up; U64_MAX if it does not fit.
 */
u64 tsc_host_cycles(const struct vcpu *v, u64 guest_cycles)
{
	if (likely(!v->tsc.multiplier))
		return guest_cycles;
	/* the quotient would not fit in 64 bits */
	if (guest_cycles >> (64 - TSC_FRACTION) >= v->tsc.multiplier)
		return U64_MAX;
	return mul_u64_u64_div_u64(guest_cycles, BIT_ULL(TSC_FRACTION), v->tsc.multiplier) + 1;
}

VMXHV_EXPORT_FOR_TEST(tsc_host_cycles);
