/* SPDX-License-Identifier: GPL-2.0-only */
/* The guest's time-stamp counter: host TSC * multiplier + offset, as the CPU computes it. */
#ifndef VCPU_TSC_H
#define VCPU_TSC_H

#include <linux/math64.h>
#include <linux/types.h>

#include "vcpu/vcpu.h"

/* the multiplier has so many bits behind the point (SDM: "TSC-multiplier field") */
#define TSC_FRACTION	48

/**
 * tsc_to_guest() - what the guest's RDTSC gives when the host's gives @host
 * @v: the vCPU
 * @host: host TSC
 *
 * SDM: "Time-Stamp Counter Offset and Multiplier".
 *
 * Context: vcpu->mutex is held; IRQs may be off.
 */
static inline u64 tsc_to_guest(const struct vcpu *v, u64 host)
{
	if (unlikely(v->tsc_multiplier))
		host = mul_u64_u64_shr(host, v->tsc_multiplier, TSC_FRACTION);
	return host + v->tsc_offset;
}

u64 tsc_host_cycles(const struct vcpu *v, u64 guest_cycles);
void tsc_set_offset(struct vcpu *v, u64 offset);
int tsc_check_state(const struct vmxhv_tsc *t, struct vmxhv_error *err);
void tsc_get_state(struct vcpu *v, struct vmxhv_tsc *t);
void tsc_set_state(struct vcpu *v, const struct vmxhv_tsc *t);

#endif /* VCPU_TSC_H */
