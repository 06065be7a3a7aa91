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

/**
 * tsc_offset_after() - the offset with which the guest's TSC goes on when the host's was set back
 * @v: the vCPU
 * @lost: by so many cycles of the host's
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 * Return: the offset.
 */
u64 tsc_offset_after(const struct vcpu *v, u64 lost)
{
	if (v->tsc.multiplier)
		lost = mul_u64_u64_shr(lost, v->tsc.multiplier, TSC_FRACTION);
	return v->tsc.offset + lost;
}

VMXHV_EXPORT_FOR_TEST(tsc_offset_after);
