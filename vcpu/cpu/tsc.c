// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's time-stamp counter. It never stops: a vCPU that sleeps, or whose process is stopped,
 * finds the time that has passed. Where it runs at the host's rate nothing is multiplied.
 */
#include <linux/math64.h>

#include <asm/tsc.h>

#include "compat.h"
#include "vcpu/apic.h"
#include "vcpu/core.h"
#include "vcpu/cpu.h"
#include "vcpu/x86.h"
#include "vmx/caps.h"
#include "vmx/controls.h"
#include "vmx/fields.h"
#include "vmx/vmcs.h"
#include "vmx/vmx.h"

/* A guest's rate: at least 1 MHz, and at most so many times the host's. */
#define MIN_KHZ		1000
#define MAX_RATIO	64

/**
 * tsc_set_offset() - change what the guest's TSC adds to the host's
 * @v: the vCPU
 * @offset: the offset
 *
 * Context: vCPU loaded, mutex held. SDM: "Time-Stamp Counter Offset and Multiplier".
 */
void tsc_set_offset(struct vcpu *v, u64 offset)
{
	v->tsc.offset = offset;
	vmcs_write64(TSC_OFFSET, offset);
	lapic_tsc_changed(v);
}

/**
 * tsc_follow_host() - the host's TSC went back over a suspend: the guest's goes on
 * @v: the vCPU, its VMCS current
 *
 * What is kept in cycles of the host's counter goes back with it.
 *
 * Context: Preemption off.
 */
void tsc_follow_host(struct vcpu *v)
{
	u64 lost = vmx_tsc_lost - v->tsc.lost;

	v->tsc.lost = vmx_tsc_lost;
	v->tsc.offset = tsc_offset_after(v, lost);
	lapic_timer_go_back(v->lapic, lost);
	vmcs_write64(TSC_OFFSET, v->tsc.offset);
}

/* The caller then sets the offset, which has the APIC timer look at its deadline again. */
static void set_rate(struct vcpu *v, u64 khz)
{
	u32 scaling = 0;

	v->tsc.multiplier = 0;
	if (khz && khz != tsc_khz) {
		v->tsc.multiplier = mul_u64_u64_div_u64(khz, BIT_ULL(TSC_FRACTION), tsc_khz);
		scaling = SECONDARY_EXEC_TSC_SCALING;
		vmcs_write64(TSC_MULTIPLIER, v->tsc.multiplier);
	}
	v->tsc.khz = v->tsc.multiplier ? khz : 0;
	controls_set_cpu2(v, SECONDARY_EXEC_TSC_SCALING, scaling);
}

/**
 * tsc_check_state() - is this a rate that a guest can have here?
 * @t: the TSC group
 * @err: the refusal
 *
 * Context: Any, while vmx_caps is valid.
 * Return: 0; -EINVAL, also where the CPU cannot scale.
 */
int tsc_check_state(const struct vmxhv_tsc *t, struct vmxhv_error *err)
{
	const size_t item = offsetof(struct vmxhv_tsc, khz);

	if (!t->khz || t->khz == tsc_khz)
		return 0;
	if (!vmx_caps.tsc_scaling)
		return refuse_state(err, VMXHV_STATE_TSC, item, t->khz, tsc_khz,
				    "this CPU has no TSC scaling: the rate is the host's");
	if (t->khz < MIN_KHZ)
		return refuse_state(err, VMXHV_STATE_TSC, item, t->khz, MIN_KHZ,
				    "the TSC's rate is below 1 MHz");
	if (t->khz > (u64)tsc_khz * MAX_RATIO)
		return refuse_state(err, VMXHV_STATE_TSC, item, t->khz, (u64)tsc_khz * MAX_RATIO,
				    "the TSC's rate is beyond 64 times the host's");
	return 0;
}

VMXHV_EXPORT_FOR_TEST(tsc_check_state);

/**
 * tsc_get_state() - read the TSC group
 * @v: the vCPU
 * @t: gets it
 *
 * Context: vCPU loaded, mutex held.
 */
void tsc_get_state(struct vcpu *v, struct vmxhv_tsc *t)
{
	t->offset = v->tsc.offset;
	t->adjust = v->msrs.tsc_adjust;
	t->khz = v->tsc.khz ?: tsc_khz;
	if (lapic_msr_read(v, MSR_IA32_TSC_DEADLINE, &t->deadline))
		t->deadline = 0;
}

/**
 * tsc_set_state() - write the TSC group
 * @v: the vCPU
 * @t: the group, checked
 *
 * Context: vCPU loaded, mutex held.
 */
void tsc_set_state(struct vcpu *v, const struct vmxhv_tsc *t)
{
	vcpu_assert_loaded(v);
	set_rate(v, t->khz);
	tsc_set_offset(v, t->offset);
	v->msrs.tsc_adjust = t->adjust;
	lapic_msr_write(v, MSR_IA32_TSC_DEADLINE, t->deadline);
}
